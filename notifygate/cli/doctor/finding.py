"""A line of the report."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong"]
"""Levels of findings, see `Finding`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    - `level`: `wrong` breaks a promise of the gateway; `warning` needs an operator's attention
    - `topic`: the checked part, one word
    - `message`: the result; unless it is `ok`, the fault first, then the remedy
    """

    level: Level
    topic: str
    message: str


def ok(topic: str, message: str) -> Finding:
    """Return a finding without a fault."""
    return Finding("ok", topic, message)


def warning(topic: str, message: str) -> Finding:
    """Return a finding that needs an operator's attention."""
    return Finding("warning", topic, message)


def wrong(topic: str, message: str) -> Finding:
    """Return a finding about a fault."""
    return Finding("wrong", topic, message)

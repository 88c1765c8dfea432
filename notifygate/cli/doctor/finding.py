"""A line of the report."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    - `level`: `wrong` is what keeps the gateway from its promises; `warning` is what an operator should know
    - `topic`: what was looked at, one word
    - `message`: what is the case; unless it is `ok`, the fault first, then what to do
    """

    level: Level
    topic: str
    message: str


def ok(topic: str, message: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding("ok", topic, message)


def warning(topic: str, message: str) -> Finding:
    """Return a finding that an operator should know of."""
    return Finding("warning", topic, message)


def wrong(topic: str, message: str) -> Finding:
    """Return a finding that has to be mended."""
    return Finding("wrong", topic, message)

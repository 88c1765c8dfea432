"""A line of the report, and the topics of which it has findings."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")

SLOW_SECONDS = 0.02
"""A publication waits for the database several times: at this it takes about 0.1 s. A wake-up makes one round trip to
Redis: at this that is most of its time."""

TRIES = 5
"""Of these the quickest counts: a machine that is busy for a moment is not a slow server."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    - `level`: `wrong` breaks a promise of the gateway; `warning` needs an operator's attention
    - `topic`: the checked part, one word
    - `message`: the result; unless it is `ok`, the fault first, then the remedy
    """

    level: Literal["ok", "warning", "wrong"]
    topic: str
    message: str


class Topic(str):
    """A checked part, which makes the findings about it. See `Finding`."""

    __slots__ = ()

    def ok(self, message: str) -> Finding:
        """Return a finding without a fault."""
        return Finding("ok", self, message)

    def warning(self, message: str) -> Finding:
        """Return a finding that needs an operator's attention."""
        return Finding("warning", self, message)

    def wrong(self, message: str) -> Finding:
        """Return a finding about a fault."""
        return Finding("wrong", self, message)


SETTINGS, MACHINE, DATABASE = Topic("settings"), Topic("machine"), Topic("database")
REDIS, PROXY, CLOCK = Topic("redis"), Topic("proxy"), Topic("clock")
"""All topics."""


def quickest(work: Callable[[], T]) -> tuple[T, float]:
    """Do some work TRIES times; return the last result, and the seconds of the quickest try."""
    result, times = work(), list[float]()
    for _ in range(TRIES):
        began = time.monotonic()
        result = work()
        times.append(time.monotonic() - began)
    return result, min(times)

"""Waiting for conditions, with limits that only a dead process reaches."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gevent

T = TypeVar("T")

PATIENCE_SECONDS = 20.0
"""The longest wait for an effect that is due at once or within a second: long, since machines may be busy."""


def eventually(condition: Callable[[], T], what: str = "the condition", *, seconds: float = PATIENCE_SECONDS) -> T:
    """Return the result of a condition as soon as it is true; fail if it isn't within `seconds`."""
    deadline = time.monotonic() + seconds
    pause_seconds = 0.002
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        gevent.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, 0.05)
    return result


def stays(condition: Callable[[], object], what: str, *, seconds: float) -> None:
    """Fail as soon as a condition is false within `seconds`, for events that must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"no longer so: {what}"
        gevent.sleep(0.1)


def all_done(greenlets: Sequence[gevent.Greenlet], *, seconds: float = PATIENCE_SECONDS) -> list[Any]:
    """Return the results of greenlets; fail if one is not done within `seconds`, raise the exception of one."""
    gevent.joinall(greenlets, timeout=seconds)
    waiting = sum(not greenlet.ready() for greenlet in greenlets)
    gevent.killall([greenlet for greenlet in greenlets if not greenlet.ready()])
    assert not waiting, f"{waiting} of {len(greenlets)} were not done within {seconds:g} s"
    return [greenlet.get() for greenlet in greenlets]

"""The clock, handed to the parts that act on time, so that tests set it instead of waiting.

Measurements of durations and time-outs of connections use the system's clock directly: no test moves those.
"""

import time
from typing import Protocol

import gevent
from gevent.event import Event


class Clock(Protocol):
    """The current time, and sleeping."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for pauses and deadlines."""
        ...

    def wall(self) -> float:
        """Return Unix seconds, for what is stored, sent or compared with another machine's time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep, while other greenlets run."""
        ...

    def wait(self, event: Event, seconds: float) -> bool:
        """Wait for an event, at most for some time; return whether it is set."""
        ...


class SystemClock:
    """The machine's clock. Parts keep `monotonic` or `wall`, which are the functions of the standard library."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        gevent.sleep(seconds)

    def wait(self, event: Event, seconds: float) -> bool:
        """See `Clock`."""
        return event.wait(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
"""The clock of a gateway."""


def unix_ms(clock: Clock) -> int:
    """Return the time in Unix milliseconds, as the database has it."""
    return int(clock.wall() * 1000)

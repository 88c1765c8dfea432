"""A clock that stands still until a test advances it."""

import time

import gevent
from gevent.event import Event


class ManualClock:
    """See `notifygate.clock.Clock`."""

    def __init__(self, wall: float | None = None) -> None:
        """Begin at a time; by default at the machine's, since databases and tokens contain such times."""
        self._monotonic = time.monotonic()
        self._wall = time.time() if wall is None else wall
        self._waiting: list[tuple[float, Event]] = []
        """The times until which greenlets wait, and the events that wake them."""
        self.waits = 0
        """The number of waits that greenlets began."""

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Advance the time. Greenlets whose wait is over continue as soon as this one waits."""
        self._monotonic += seconds
        self._wall += seconds
        for due_at, passed in self._waiting:
            if due_at <= self._monotonic:
                passed.set()

    def sleep(self, seconds: float) -> None:
        self.wait(Event(), seconds)

    def wait(self, event: Event, seconds: float) -> bool:
        if seconds <= 0:
            gevent.sleep(0)
            return event.is_set()
        entry = (self._monotonic + seconds, Event())
        self._waiting.append(entry)
        self.waits += 1
        try:
            gevent.wait([event, entry[1]], count=1)
        finally:
            self._waiting.remove(entry)
        return event.is_set()

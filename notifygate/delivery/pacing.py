"""The pacing of clients: the interval of short polls, and the longest hold that a client may ask for."""

import random

from notifygate.background import Background
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.delivery.registry import HoldRegistry

MEASURE_SECONDS = 0.5
"""Interval of measurements."""

BUSY_DELAY_SECONDS = 0.05
"""A hub with this delay is busy all the time."""

MAX_STRETCH = 4
"""Maximum factor of the poll interval while the gateway is busy."""

START_SPREAD_SECONDS = 30
"""After a start all clients return together; for this long their next polls are spread."""

DRAIN_SPREAD_SECONDS = (1, 5)
"""Range of the poll interval while the gateway stops: short enough for its successor, and not the same for all
clients."""


class PollPacing:
    """Computes poll intervals and hold limits from the hub's delay: how much later than asked a greenlet runs."""

    def __init__(
        self, holds: HoldRegistry, poll_after_seconds: int, max_wait_seconds: int, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._clock = clock
        self._holds = holds
        self._poll_after = poll_after_seconds
        self._max_wait = max_wait_seconds
        self._started_at = clock.monotonic()
        self._delay_seconds = 0.0
        self._after_seconds = float(poll_after_seconds)
        self._is_spreading = True
        self._loop = Background(self._measure)

    def start(self) -> None:
        """Start measuring the hub's delay."""
        self._loop.start()

    def stop(self) -> None:
        """Stop measuring."""
        self._loop.stop()

    def poll_after(self) -> int:
        """Return the seconds after which a client that short-polls should poll again."""
        if self._holds.is_draining:
            return random.randint(*DRAIN_SPREAD_SECONDS)  # noqa: S311 - spreads load, guards nothing
        if self._is_spreading:
            return round(self._after_seconds * random.uniform(1.0, 1.5))  # noqa: S311 - spreads load, guards nothing
        return round(self._after_seconds)

    def longest_wait(self) -> int:
        """Return the longest hold, in seconds, that a client may ask for now."""
        return self._max_wait if self._holds.accepts else 0

    def _measure(self) -> None:
        began = self._clock.monotonic()
        with self._loop.idle:
            self._clock.sleep(MEASURE_SECONDS)
        now = self._clock.monotonic()
        late = now - began - MEASURE_SECONDS
        self._delay_seconds = 0.8 * self._delay_seconds + 0.2 * max(0.0, late)
        self._work_out(now)

    def _work_out(self, now: float) -> None:
        """Compute both values from the measured delay, once for the thousands of answers until the next measurement."""
        self._after_seconds = self._poll_after * min(MAX_STRETCH, 1 + self._delay_seconds / BUSY_DELAY_SECONDS)
        self._is_spreading = now - self._started_at < START_SPREAD_SECONDS

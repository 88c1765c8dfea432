"""The pacing of clients: after how many seconds to poll again, and the longest hold that they may ask for."""

import random
import time

import gevent

from notifygate.background import Background
from notifygate.delivery.registry import HoldRegistry

MEASURE_SECONDS = 0.5
BUSY_DELAY_SECONDS = 0.05
"""A hub that comes late by this much has work for every moment."""

MAX_STRETCH = 4
"""The most by which the interval is stretched when the gateway is busy."""

START_SPREAD_SECONDS = 30
"""After a start clients come back in a bunch; for this long their next visits are spread."""

DRAIN_SPREAD_SECONDS = (1, 5)
"""When the gateway stops, its clients come back after so long: in time for its successor, and not all at once."""


class PollPacing:
    """Computes poll intervals and hold limits from the hub's delay: how much later than asked a greenlet runs."""

    def __init__(self, holds: HoldRegistry, poll_after_seconds: int, max_wait_seconds: int) -> None:
        self._holds = holds
        self._poll_after = poll_after_seconds
        self._max_wait = max_wait_seconds
        self._started_at = time.monotonic()
        self._delay_seconds = 0.0
        self._after_seconds = float(poll_after_seconds)
        self._is_spreading = True
        self._loop = Background(self._measure)

    def start(self) -> None:
        """Begin to measure the hub's delay."""
        self._loop.start()

    def stop(self) -> None:
        """Stop measuring."""
        self._loop.stop()

    def poll_after(self) -> int:
        """Return the seconds after which a client that short-polls should come back."""
        if self._holds.is_draining:
            return random.randint(*DRAIN_SPREAD_SECONDS)  # noqa: S311 - spreads load, guards nothing
        if self._is_spreading:
            return round(self._after_seconds * random.uniform(1.0, 1.5))  # noqa: S311 - spreads load, guards nothing
        return round(self._after_seconds)

    def longest_wait(self) -> int:
        """Return the longest hold, in seconds, that a client may ask for now."""
        return self._max_wait if self._holds.accepts else 0

    def _measure(self) -> None:
        began = time.monotonic()
        with self._loop.idle:
            gevent.sleep(MEASURE_SECONDS)
        now = time.monotonic()
        late = now - began - MEASURE_SECONDS
        self._delay_seconds = 0.8 * self._delay_seconds + 0.2 * max(0.0, late)
        self._work_out(now)

    def _work_out(self, now: float) -> None:
        """Compute both values from the measured delay, once for the thousands of answers until the next measurement."""
        self._after_seconds = self._poll_after * min(MAX_STRETCH, 1 + self._delay_seconds / BUSY_DELAY_SECONDS)
        self._is_spreading = now - self._started_at < START_SPREAD_SECONDS

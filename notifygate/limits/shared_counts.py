"""Counts that workers share through Redis without anybody waiting for it.

A worker counts in its own windows and decides by them at once. What it has counted goes to Redis a moment later, all
keys in one round trip, and what comes back, the sum over all workers, takes the place of its own count. So more than
the limit may pass, but only what all workers let through within one such moment.
"""

import time
from collections import Counter
from collections.abc import Callable

import gevent
from gevent.event import Event
from redis import Redis
from redis.exceptions import RedisError

from notifygate.background import Background
from notifygate.limits.windows import FixedWindows, Quota

GATHER_SECONDS = 0.1
"""How long counts are gathered before they are sent."""

KEYS_PER_TRIP = 500


class SharedCounts:
    """Shares the windows of one limit. While `is_paused` nothing is sent; `on_failure` is told of Redis' errors."""

    def __init__(
        self,
        windows: FixedWindows,
        redis: Redis,
        prefix: str,
        is_paused: Callable[[], bool],
        on_failure: Callable[[RedisError], None],
    ) -> None:
        self._windows = windows
        self._redis = redis
        self._prefix = prefix
        self._is_paused = is_paused
        self._on_failure = on_failure
        self._unsent: Counter[str] = Counter()
        self._news = Event()
        self._loop = Background(self._step)

    def start(self) -> None:
        """Begin to share."""
        self._loop.start()

    def stop(self) -> None:
        """Stop; what wasn't sent is not worth waiting for."""
        self._loop.stop()

    def take(self, key: str) -> Quota:
        """Count one for a key and return how the limit stands, as far as is known here."""
        self._unsent[key] += 1
        self._news.set()
        return self._windows.take(key)

    def _step(self) -> None:
        with self._loop.idle():
            self._news.wait()
            gevent.sleep(GATHER_SECONDS)
        self._news.clear()
        counts, self._unsent = self._unsent, Counter()
        keys = list(counts)
        try:
            while keys and not self._is_paused():
                self._send({key: counts[key] for key in keys[:KEYS_PER_TRIP]})
                del keys[:KEYS_PER_TRIP]
        except RedisError as error:
            self._on_failure(error)

    def _send(self, counts: dict[str, int]) -> None:
        """Add to Redis' counts and take over the sums."""
        pipeline = self._redis.pipeline(transaction=False)
        for key, count in counts.items():
            name = f"{self._prefix}:{self._windows.name}:{key}"
            # The window begins with its first count, whoever's that is; PTTL says when it ends.
            pipeline.set(name, 0, ex=self._windows.window_seconds, nx=True)
            pipeline.incrby(name, count)
            pipeline.pttl(name)
        answers = pipeline.execute()
        now = time.time()
        for place, key in enumerate(counts):
            total, left_ms = answers[3 * place + 1], answers[3 * place + 2]
            window = self._windows.window(key)
            window.count = total + self._unsent[key]  # what was counted here meanwhile is still to be sent
            window.ends_at = now + max(0, left_ms) / 1000

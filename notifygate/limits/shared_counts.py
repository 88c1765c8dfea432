"""Counts that workers share through Redis without anybody waiting for it.

A worker counts in its own windows and decides by them at once. What it has counted goes to Redis a moment later, all
keys in one round trip, and what comes back, the sum over all workers, takes the place of its own count. So more than
the limit may pass, but only what all workers let through within one such moment.
"""

from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event
from limits import RateLimitItem
from redis import Redis
from redis.exceptions import RedisError

from notifygate.background import Background
from notifygate.limits.windows import FixedWindows, LimitName

GATHER_SECONDS = 0.1
"""How long counts are gathered before they are sent."""

KEYS_PER_TRIP = 500

_ADD_ALL = """
local totals = {}
for place, key in ipairs(KEYS) do
    totals[place] = redis.call('INCRBY', key, ARGV[place + 1])
    redis.call('EXPIRE', key, ARGV[1])
end
return totals
"""
"""One command for many keys: redis-py takes five times as long over two for each, while wake-ups wait."""


class SharedWindows(FixedWindows):
    """Windows shared by all workers. While `is_paused` nothing is sent; `on_failure` is told of Redis' errors."""

    def __init__(
        self,
        name: LimitName,
        item: RateLimitItem,
        redis: Redis,
        prefix: str,
        is_paused: Callable[[], bool],
        on_failure: Callable[[RedisError], None],
    ) -> None:
        super().__init__(name, item, is_on_the_clock=True)
        self._add_all = redis.register_script(_ADD_ALL)
        self._prefix = prefix
        self._is_paused = is_paused
        self._on_failure = on_failure
        self._unsent: dict[str, int] = {}
        self._news = Event()
        self._loop = Background(self._step)

    def start(self) -> None:
        """Begin to share."""
        self._loop.start()

    def stop(self) -> None:
        """Stop; what wasn't sent is not worth waiting for."""
        self._loop.stop()

    def add(self, key: str, now: float, amount: int = 1) -> int:
        """Count `amount` for a key; return what was counted for it in the present window, as far as is known here."""
        self._unsent[key] = self._unsent.get(key, 0) + amount
        self._news.set()
        return super().add(key, now, amount)

    def add_each(self, keys: Sequence[str]) -> list[int]:
        """Count one for each of many keys; return what was counted for each then, as far as is known here."""
        unsent = self._unsent
        for key in keys:
            unsent[key] = unsent.get(key, 0) + 1
        self._news.set()
        return super().add_each(keys)

    def _step(self) -> None:
        with self._loop.idle:
            self._news.wait()
            gevent.sleep(GATHER_SECONDS)
        self._news.clear()
        counts, self._unsent = self._unsent, {}
        keys = list(counts)
        try:
            while keys and not self._is_paused():
                self._send({key: counts[key] for key in keys[:KEYS_PER_TRIP]})
                del keys[:KEYS_PER_TRIP]
        except RedisError as error:
            self._on_failure(error)

    def _send(self, counts: dict[str, int]) -> None:
        """Add to Redis' counts and take over the sums."""
        ends_at = self.ends_at
        names = [f"{self._prefix}:{self.name}:{key}:{ends_at:.0f}" for key in counts]
        kept_seconds = 2 * self.window_seconds  # longer than needed: clocks may differ a little
        totals = self._add_all(keys=names, args=[kept_seconds, *counts.values()])
        for key, total in zip(counts, totals, strict=True):
            # What was counted here meanwhile is still to be sent.
            self.correct(key, total + self._unsent.get(key, 0), ends_at)

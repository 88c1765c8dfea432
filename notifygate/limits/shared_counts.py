"""Counts that workers share through Redis without waiting for it.

A worker counts in its own windows and decides by them at once. A moment later it writes its counts to Redis, all keys
in one round trip, reads those of the other workers and adds them to its own. So all workers together may exceed the
limit within such a moment, and no longer.

Redis is not trusted: it has one signed record per worker (`notifygate.limits.signed_counts`), and a record that no
worker wrote is ignored and counted in a metric. So manipulated counts in Redis never block a principal sooner than the
workers' real counts, and a principal never gets more than the limit from each worker.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from gevent.event import Event
from limits import RateLimitItem
from redis import Redis
from redis.exceptions import InvalidResponse

from notifygate import metrics
from notifygate.background import Background
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.limits.signed_counts import VALUE_BYTES, CountSigner
from notifygate.limits.windows import FixedWindows, LimitName

GATHER_SECONDS = 0.1
"""How long counts are gathered before they are sent."""

KEYS_PER_TRIP = 500
"""Keys of one round trip, which bounds the time that the script occupies Redis."""

MAX_WORKERS = 256
"""Maximum of records of one key, one for each worker that counted it in the window; with more, each worker counts that
key alone. It bounds the size of a reply and the cost of checking it."""

_EXCHANGE = """
local kept_seconds, worker, max_workers, value_bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function exchange(key, value)
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'hash' and kind ~= 'none' then
        return 'x'
    end
    redis.call('HSET', key, worker, value)
    redis.call('EXPIRE', key, kept_seconds)
    if redis.call('HLEN', key) > max_workers then
        return 'x'
    end
    local records, unfit = {}, ''
    local all = redis.call('HGETALL', key)
    for at = 1, #all, 2 do
        if #all[at] == #worker and #all[at + 1] == value_bytes then
            records[#records + 1] = all[at] .. all[at + 1]
        else
            unfit = 'x'
        end
    end
    return table.concat(records) .. unfit
end

local replies = {}
for place, key in ipairs(KEYS) do
    replies[place] = exchange(key, ARGV[place + 4])
end
return replies
"""
"""Writes this worker's record into each key and returns all records of the key as one text; a final `x` marks a value
that can't be a record. One command for many keys: redis-py takes five times as long for several commands per key, while
wake-ups wait."""


class SharedWindows(FixedWindows):
    """Windows shared by all workers. While `is_paused` nothing is sent; `on_failure` gets the errors of Redis and of
    its client."""

    def __init__(
        self,
        name: LimitName,
        item: RateLimitItem,
        redis: Redis,
        signer: CountSigner,
        prefix: str,
        is_paused: Callable[[], bool],
        on_failure: Callable[[Exception], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(name, item, is_on_the_clock=True, clock=clock)
        self._clock = clock
        self._exchange = redis.register_script(_EXCHANGE)
        self._signer = signer
        self._prefix = prefix
        self._is_paused = is_paused
        self._on_failure = on_failure
        self._unsent: dict[str, None] = {}
        """Keys that were counted since the last trip; an ordered set."""
        self._news = Event()
        self.sharing = Background(self._step)
        """Shares counts while it is started; those that are unsent when it stops are dropped."""

    def add(self, key: str, now: float, amount: int = 1) -> int:
        """Count `amount` for a key; return its count in the present window, as far as this worker knows."""
        self._unsent[key] = None
        self._news.set()
        return super().add(key, now, amount)

    def add_each(self, keys: Sequence[str]) -> list[int]:
        """Count one for each of many keys; return the counts, as far as this worker knows."""
        self._unsent.update(dict.fromkeys(keys))
        self._news.set()
        return super().add_each(keys)

    def _step(self) -> None:
        with self.sharing.idle:
            self._news.wait()
            self._clock.sleep(GATHER_SECONDS)
        self._news.clear()
        unsent, self._unsent = self._unsent, {}
        keys = list(unsent)
        try:
            while keys and not self._is_paused():
                self._share(keys[:KEYS_PER_TRIP])
                del keys[:KEYS_PER_TRIP]
        except Exception as error:  # of any type: sharing must go on after it
            self._on_failure(error)

    def add_and_share(self, key: str) -> None:
        """Count one for a key, also past the limit, and wait until the count is that of all workers.

        Raises redis-py's RedisError, and errors of any other type for replies that are not those of Redis; this worker
        has counted the request all the same.
        """
        super().add(key, self._wall())
        self._share([key])

    def _share(self, keys: Sequence[str]) -> None:
        """Write this worker's counts to Redis and add those of the others."""
        self.present()  # begins a new window if the last one is over
        ends_at = self.ends_at
        places = [f"{self._prefix}:{self.name}:{key}:{ends_at:.0f}".encode() for key in keys]
        signed = [self._signer.sign(place, self.own(key)) for place, key in zip(places, keys, strict=True)]
        kept_seconds = 2 * self.window_seconds  # longer than needed: clocks may differ a little
        args = [kept_seconds, self._signer.worker, MAX_WORKERS, VALUE_BYTES, *signed]
        replies = cast(list[Any], self._exchange(keys=places, args=args))
        if [type(records) for records in replies] != [bytes] * len(keys):
            raise InvalidResponse("Unexpected reply of the script; expected one text per key.")
        for place, key, records in zip(places, keys, replies, strict=True):
            others, are_valid = self._signer.others(place, records)
            if not are_valid:
                metrics.shared_counts_refused.inc()
            self.correct(key, others, ends_at)


class AwaitedWindows(SharedWindows):
    """Shared windows that wait for Redis with each request, except while `is_paused`."""

    def take(self, key: str, amount: int = 1) -> bool:
        """Count one for a key, also past the limit; return whether it is within the limit over all workers.

        Without Redis the request is counted as in any other windows.
        """
        if self._is_paused():
            return super().take(key, amount)
        try:
            self.add_and_share(key)
        except Exception as error:  # of any type, for a server that is not a Redis: the request must not fail with it
            self._on_failure(error)
        return self.counted(key) <= self.limit

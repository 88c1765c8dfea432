"""The limits of docs/protocol.md section 6: the counted requests, their keys, and the place of each count.

The cost of a poll is known only after it, so Flask-Limiter's decorators are not used; it provides the connection to
Redis. Without Redis each worker counts alone. With it, requests of valid principals are counted in the worker and
shared a moment later, so that no served request waits for Redis; `failed_auth` is counted in Redis before the response,
since guessing must not profit from many workers; `guard`, which counts every request, is this worker's own. When Redis
fails, each worker counts alone for a while: limits are then too generous by the number of workers, and no request is
rejected for it.
"""

import logging
from typing import cast

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from notifygate import metrics
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.errors import ConfigurationError
from notifygate.limits.shared_counts import SharedWindows
from notifygate.limits.signed_counts import CountSigner
from notifygate.limits.windows import FixedWindows, LimitName, Quota
from notifygate.redis_client import make_client
from notifygate.settings import PREFIX, Settings

logger = logging.getLogger(__name__)

LIMITS: tuple[LimitName, ...] = ("publish", "audiences", "poll", "state", "failed_auth", "guard")
"""All limits (docs/protocol.md section 6)."""

SHARED: frozenset[LimitName] = frozenset({"publish", "audiences", "poll", "state", "failed_auth"})
"""Limits that are shared through Redis, if configured: in the background, except for WAITED_FOR."""

WAITED_FOR: LimitName = "failed_auth"
"""The limit that is shared through Redis, if configured, before the request continues."""

REDIS_TIMEOUT_SECONDS = 0.25
"""Time-out of a command for WAITED_FOR; after an error Redis is not used for REDIS_PAUSE_SECONDS."""

REDIS_PAUSE_SECONDS = 5.0
"""Time without Redis after an error."""

STRATEGY = "fixed-window"
"""Name of the library's strategy, a part of the keys in Redis."""


class RateLimits:
    """The limits of a worker. `namespace` separates gateways that share a Redis."""

    def __init__(self, app: Flask, settings: Settings, namespace: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._monotonic = clock.monotonic
        self._local: dict[LimitName, FixedWindows] = {}
        self._items: dict[LimitName, RateLimitItem] = {}
        for name in LIMITS:
            if text := getattr(settings, f"limit_{name}").strip():
                self._items[name] = _parse(name, text)
                self._local[name] = FixedWindows(name, self._items[name], clock=clock)
        self._paused_until = 0.0
        self._redis: Redis | None = None
        self._shared: list[SharedWindows] = []
        if settings.redis_url:
            self._redis = _connect(app, settings.redis_url)
            # The kind of count is part of the prefix: another version could not read these keys.
            prefix, signer = f"notifygate:{namespace}:{STRATEGY}:signed", CountSigner(settings.secret_key)
            for name in SHARED & self._items.keys():
                windows = SharedWindows(
                    name, self._items[name], self._redis, signer, prefix, self._is_paused, self._redis_failed, clock
                )
                self._local[name] = windows
                self._shared.append(windows)

    def start(self) -> None:
        """Start sharing counts through Redis in the background."""
        for windows in self._shared:
            windows.start()

    def stop(self) -> None:
        """Stop sharing and close the connections to Redis."""
        for windows in self._shared:
            windows.stop()
        if self._redis is not None:
            self._redis.connection_pool.disconnect()

    def take(self, name: LimitName, key: str, amount: int = 1) -> Quota | None:
        """Count `amount` against a limit for a key and return the quota; None for a limit that is off.

        An amount that would exceed the limit is not counted, and the quota is exceeded. Waits for Redis, if configured,
        for WAITED_FOR.
        """
        local = self._local.get(name)
        if local is None:
            return None
        if name == WAITED_FOR and isinstance(local, SharedWindows) and not self._is_paused():
            quota = self._take_shared(local, key)
        else:
            quota = local.take(key, amount)
        if quota.is_exceeded:
            metrics.rate_limited.labels(name).inc()
        return quota

    def count(self, name: LimitName, key: str, amount: int) -> int | None:
        """Count as `take` does, for most requests in a fraction of the time.

        Return 0 if the request is within the limit, else the seconds until the window ends; None for a limit that is
        off.
        """
        local = self._local.get(name)
        if local is None:
            return None
        if name != WAITED_FOR and local.admits(key, amount):
            return 0
        quota = self.take(name, key, amount)
        return quota.reset_seconds if quota is not None and quota.is_exceeded else 0

    def left(self, name: LimitName, key: str) -> tuple[int, int]:
        """Return the remaining number of a limit that is on, for a key, and the seconds until its window ends."""
        return self._local[name].left(key)

    def quota(self, name: LimitName, key: str) -> Quota:
        """Return this worker's quota of a limit that is on, for a key, without counting."""
        windows = self._local[name]
        return windows.quota(windows.counted(key), windows.ends_at)

    def is_used_up(self, name: LimitName, key: str) -> bool:
        """Return whether one more would exceed a limit for a key, as far as this worker knows; counts nothing."""
        local = self._local.get(name)
        return local is not None and local.counted(key) >= local.limit

    def windows(self, name: LimitName) -> FixedWindows | None:
        """Return this worker's windows of a limit; None for a limit that is off."""
        return self._local.get(name)

    def _take_shared(self, windows: SharedWindows, key: str) -> Quota:
        try:
            return windows.take_shared(key)
        except RedisError as error:
            self._redis_failed(error)
            return windows.quota(windows.counted(key), windows.ends_at)

    def _is_paused(self) -> bool:
        return self._monotonic() < self._paused_until

    def _redis_failed(self, error: RedisError) -> None:
        metrics.redis_errors.inc()
        self._paused_until = self._monotonic() + REDIS_PAUSE_SECONDS
        logger.warning("Redis failed; rate limits are counted per worker for a while: %s", type(error).__name__)


def _connect(app: Flask, url: str) -> Redis:
    client = make_client(
        url,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    limiter = Limiter(
        get_remote_address,
        app=app,
        # Names the kind of storage; the pool has its address, since limits' own URLs don't support Sentinels.
        storage_uri="redis://",
        storage_options={"connection_pool": client.connection_pool},  # pyright: ignore[reportArgumentType]
        strategy=STRATEGY,
    )
    return cast(RedisStorage, limiter.storage).storage


def _parse(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        variable = f"{PREFIX}LIMIT_{name.upper()}"
        raise ConfigurationError(f"{variable}: {text!r} is invalid; expected a limit such as 300/minute.") from error

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

from notifygate import metrics
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.limits.shared_counts import AwaitedWindows, SharedWindows
from notifygate.limits.signed_counts import CountSigner
from notifygate.limits.windows import FixedWindows, LimitName
from notifygate.redis_client import make_client
from notifygate.settings import Settings

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
        self._paused_until = 0.0
        items: dict[LimitName, RateLimitItem] = {}
        for name in LIMITS:
            if text := getattr(settings, f"limit_{name}").strip():
                items[name] = parse(text)
        self._windows = {name: FixedWindows(name, item, clock=clock) for name, item in items.items()}
        self._shared: dict[LimitName, SharedWindows] = {}
        self._redis: Redis | None = None
        if settings.redis_url:
            self._redis = _connect(app, settings.redis_url)
            # The kind of count is part of the prefix: another version could not read these keys.
            prefix, signer = f"notifygate:{namespace}:{STRATEGY}:signed", CountSigner(settings.secret_key)
            for name in SHARED & items.keys():
                kind = AwaitedWindows if name == WAITED_FOR else SharedWindows
                self._shared[name] = kind(
                    name, items[name], self._redis, signer, prefix, self._is_paused, self._redis_failed, clock
                )
            self._windows |= self._shared

    def start(self) -> None:
        """Start sharing counts through Redis in the background."""
        for windows in self._shared.values():
            windows.sharing.start()

    def stop(self) -> None:
        """Stop sharing and close the connections to Redis."""
        for windows in self._shared.values():
            windows.sharing.stop()
        if self._redis is not None:
            self._redis.connection_pool.disconnect()

    def take(self, name: LimitName, key: str, amount: int = 1) -> int | None:
        """Count `amount` against a limit for a key, or nothing if that would exceed the limit.

        Return 0 if the request is within the limit, else the seconds until the window ends; None for a limit that is
        off. Waits for Redis, if configured, for WAITED_FOR, whose requests are counted in any case.
        """
        windows = self._windows.get(name)
        if windows is None:
            return None
        if windows.take(key, amount):
            return 0
        metrics.rate_limited.labels(name).inc()
        return windows.left(key)[1]

    def left(self, name: LimitName, key: str) -> tuple[int, int]:
        """Return the remaining number of a limit that is on, for a key, and the seconds until its window ends."""
        return self._windows[name].left(key)

    def is_used_up(self, name: LimitName, key: str) -> bool:
        """Return whether one more would exceed a limit for a key, as far as this worker knows; counts nothing."""
        windows = self._windows.get(name)
        return windows is not None and windows.counted(key) >= windows.limit

    def windows(self, name: LimitName) -> FixedWindows | None:
        """Return this worker's windows of a limit; None for a limit that is off."""
        return self._windows.get(name)

    def _is_paused(self) -> bool:
        return self._monotonic() < self._paused_until

    def _redis_failed(self, error: Exception) -> None:
        metrics.redis_errors.inc()
        if self._redis is not None:
            # redis-py would use a connection again whose handshake failed with another error than its own.
            self._redis.connection_pool.disconnect(inuse_connections=False)
        self._paused_until = self._monotonic() + REDIS_PAUSE_SECONDS
        logger.warning("Redis failed; rate limits are counted per worker for a while: %s", type(error).__name__)


def _connect(app: Flask, url: str) -> Redis:
    client = make_client(url, REDIS_TIMEOUT_SECONDS)
    limiter = Limiter(
        get_remote_address,
        app=app,
        # Names the kind of storage; the pool has its address, since limits' own URLs don't support Sentinels.
        storage_uri="redis://",
        storage_options={"connection_pool": client.connection_pool},  # pyright: ignore[reportArgumentType]
        strategy=STRATEGY,
    )
    return cast(RedisStorage, limiter.storage).storage

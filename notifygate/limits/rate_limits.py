"""The limits of PROTOCOL section 6: what is counted, for whom, where, and what the headers say of it.

Flask-Limiter holds the storage and the strategy; its decorators are not used, because what a poll costs is known only
when it is known what it brought. Limits that bound what the gateway as a whole does are shared through Redis where
there is one; the guard is counted by each worker for itself, so that an answer without news never waits for Redis.
When Redis fails, each worker counts for itself for a while: too generous by the number of workers, never refusing.
"""

import logging
import time
from dataclasses import dataclass
from typing import Literal, cast

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from notifygate import metrics
from notifygate.errors import ConfigurationError
from notifygate.limits.local_storage import LocalStorage
from notifygate.settings import PREFIX, Settings

logger = logging.getLogger(__name__)

LimitName = Literal["publish", "poll", "state", "failed_auth", "guard"]

REDIS_TIMEOUT_SECONDS = 0.25
"""A limit is worth waiting this long for, once; then Redis is left alone for a while."""

REDIS_PAUSE_SECONDS = 5.0

STRATEGY = "fixed-window"


@dataclass(frozen=True, slots=True)
class Quota:
    """How a limit stands for one principal."""

    name: LimitName
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int
    """Until the window ends; at least 1."""
    is_exceeded: bool

    @property
    def policy_item(self) -> str:
        """The limit as an item of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"{self.name}";q={self.limit};w={self.window_seconds}'

    @property
    def state_item(self) -> str:
        """Its state as an item of RateLimit (same draft)."""
        return f'"{self.name}";r={self.remaining};t={self.reset_seconds}'


class RateLimits:
    """Counts. `namespace` keeps gateways that share a Redis apart."""

    def __init__(self, app: Flask, settings: Settings, namespace: str) -> None:
        self._items: dict[LimitName, RateLimitItem] = {}
        for name in ("publish", "poll", "state", "failed_auth", "guard"):
            if text := getattr(settings, f"limit_{name}").strip():
                self._items[name] = _parse(name, text)
        self._local = FixedWindowRateLimiter(LocalStorage())
        self._shared: RateLimiter = self._local
        self._paused_until = 0.0
        self._redis_storage: RedisStorage | None = None
        if settings.redis_url:
            limiter = Limiter(
                get_remote_address,
                app=app,
                storage_uri=settings.redis_url,
                storage_options={
                    # The strategy is part of the prefix: another one would choke on these keys.
                    "key_prefix": f"notifygate:{namespace}:{STRATEGY}",
                    "socket_timeout": REDIS_TIMEOUT_SECONDS,
                    "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
                    "retry": Retry(NoBackoff(), 0),
                },  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
                strategy=STRATEGY,
            )
            self._shared = limiter.limiter
            self._redis_storage = cast(RedisStorage, limiter.storage)

    def stop(self) -> None:
        """Close the connections to Redis."""
        if self._redis_storage is not None:
            self._redis_storage.storage.close()

    def take(self, name: LimitName, key: str) -> Quota | None:
        """Count one against a limit for a key and return how it stands then; None where it is switched off."""
        item = self._items.get(name)
        if item is None:
            return None
        if name == "guard" or self._shared is self._local or time.monotonic() < self._paused_until:
            return self._take(self._local, name, item, key)
        try:
            return self._take(self._shared, name, item, key)
        except RedisError as error:
            metrics.redis_errors.inc()
            self._paused_until = time.monotonic() + REDIS_PAUSE_SECONDS
            logger.warning("Rate limits are counted in this worker for a while: %s", type(error).__name__)
            return self._take(self._local, name, item, key)

    def _take(self, strategy: RateLimiter, name: LimitName, item: RateLimitItem, key: str) -> Quota:
        taken = strategy.hit(item, name, key)
        stats = strategy.get_window_stats(item, name, key)
        reset_seconds = max(1, round(stats.reset_time - time.time()))
        if not taken:
            metrics.rate_limited.labels(name).inc()
        return Quota(name, item.amount, item.get_expiry(), stats.remaining, reset_seconds, not taken)


def _parse(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        variable = f"{PREFIX}LIMIT_{name.upper()}"
        raise ConfigurationError(f"{variable}: {text!r} is not a limit such as 300/minute.") from error

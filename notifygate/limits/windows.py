"""Fixed windows, counted in this process.

A window begins with the first count of a key and ends so many seconds later; what has ended is swept once a minute.
Counting costs two look-ups, since every poll is counted.
"""

import time
from typing import Literal, NamedTuple

from limits import RateLimitItem

LimitName = Literal["publish", "poll", "state", "failed_auth", "guard"]

SWEEP_SECONDS = 60


class Quota(NamedTuple):
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


class Window:
    """What was counted for one key, until when."""

    __slots__ = ("count", "ends_at")

    def __init__(self, ends_at: float) -> None:
        self.count = 0
        self.ends_at = ends_at
        """Unix seconds."""


class FixedWindows:
    """The windows of one limit."""

    def __init__(self, name: LimitName, item: RateLimitItem) -> None:
        self.name: LimitName = name
        self.limit = item.amount
        self.window_seconds = item.get_expiry()
        self._windows: dict[str, Window] = {}
        self._sweep_at = time.time() + SWEEP_SECONDS

    def window(self, key: str) -> Window:
        """Return the window of a key that counts now."""
        now = time.time()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            if now >= self._sweep_at:
                self._sweep_at = now + SWEEP_SECONDS
                self._windows = {name: kept for name, kept in self._windows.items() if kept.ends_at > now}
            window = self._windows[key] = Window(now + self.window_seconds)
        return window

    def take(self, key: str) -> Quota:
        """Count one for a key and return how the limit stands then."""
        window = self.window(key)
        window.count += 1
        return self.quota(window.count, window.ends_at)

    def quota(self, count: int, ends_at: float) -> Quota:
        """Return how the limit stands when so much was counted in a window that ends then."""
        remaining, reset_seconds = self.limit - count, round(ends_at - time.time())
        return Quota(
            self.name,
            self.limit,
            self.window_seconds,
            remaining if remaining > 0 else 0,
            reset_seconds if reset_seconds > 1 else 1,
            remaining < 0,
        )

    def reset(self) -> None:
        """Forget all windows."""
        self._windows.clear()

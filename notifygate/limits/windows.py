"""Fixed windows, counted in this process.

All keys of a limit share the window, and its end drops all counts at once. So a count is a number in a dictionary,
since every poll of every recipient is counted. A window begins with its first count, or on the clock (with the minute,
for example) if several workers share it. It ends as well when the clock is set back to before its beginning, by more
than CLOCK_SLACK_SECONDS: otherwise it would last longer by as much.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from limits import RateLimitItem

from notifygate.clock import SYSTEM_CLOCK, Clock

LimitName = Literal["publish", "audiences", "poll", "state", "failed_auth", "guard"]
"""Names of limits, as in the RateLimit fields (docs/protocol.md section 6)."""


CLOCK_SLACK_SECONDS = 1.0
"""A caller's `now` may be as much older than a window that has just begun: one time serves a whole turn of the hub."""


class FixedWindows:
    """The windows of one limit, one after the other."""

    def __init__(
        self, name: LimitName, item: RateLimitItem, *, is_on_the_clock: bool = False, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._wall = clock.wall
        self.name: LimitName = name
        self.limit = item.amount
        self.window_seconds = item.get_expiry()
        self._is_on_the_clock = is_on_the_clock
        self._valid_from = 0.0
        self.ends_at = 0.0
        """End of the present window (Unix seconds)."""
        self._counts: dict[str, int] = {}
        self._others: dict[str, int] = {}
        """The other workers' share of the counts; see `correct`."""

    def present(self) -> Mapping[str, int]:
        """Return the counts of the present window, by key: read-only, and valid until the next switch of greenlets."""
        now = self._wall()
        if not self._valid_from <= now < self.ends_at:
            self._begin(now)
        return self._counts

    def _begin(self, now: float) -> None:
        self._counts, self._others = {}, {}
        began_at = now - now % self.window_seconds if self._is_on_the_clock else now
        self._valid_from, self.ends_at = began_at - CLOCK_SLACK_SECONDS, began_at + self.window_seconds

    def counted(self, key: str) -> int:
        """Return the count of a key in the present window."""
        return self.present().get(key, 0)

    def add(self, key: str, now: float, amount: int = 1) -> int:
        """Count `amount` for a key; return its count in the present window. `now`: `Clock.wall`."""
        if not self._valid_from <= now < self.ends_at:
            self._begin(now)
        counts = self._counts
        total = counts[key] = counts.get(key, 0) + amount
        return total

    def add_each(self, keys: Sequence[str]) -> list[int]:
        """Count one for each of many keys; return the counts."""
        self.present()  # begins a new window if the last one is over
        counts = self._counts
        totals: list[int] = []
        for key in keys:
            total = counts[key] = counts.get(key, 0) + 1
            totals.append(total)
        return totals

    def own(self, key: str) -> int:
        """Return the count of a key in the present window by this worker alone."""
        return self.counted(key) - self._others.get(key, 0)

    def correct(self, key: str, others: int, ends_at: float) -> None:
        """Set the other workers' count of a key in the window that ends at `ends_at`, unless that window is over."""
        own = self.own(key)  # begins a new window if the last one is over
        if self.ends_at == ends_at:
            self._others[key] = others
            self._counts[key] = own + others

    def left(self, key: str) -> tuple[int, int]:
        """Return the remaining number of a key in the present window, and the seconds until it ends: at least 1."""
        remaining, seconds = self.limit - self.counted(key), round(self.ends_at - self._wall())
        return (remaining if remaining > 0 else 0, seconds if seconds > 1 else 1)

    def take(self, key: str, amount: int = 1) -> bool:
        """Count `amount` for a key and return True, or count nothing if that would exceed the limit."""
        now = self._wall()
        if not self._valid_from <= now < self.ends_at:
            self._begin(now)
        if self._counts.get(key, 0) + amount > self.limit:
            return False
        self.add(key, now, amount)
        return True

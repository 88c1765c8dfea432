"""A storage for the `limits` library that counts inside this process.

The library's own MemoryStorage walks over every key it holds from a timer that runs every 10 ms under load; with ten
thousand recipients that is a tenth of a core. This one forgets what has expired once a minute, while it counts.
"""

import time

from limits.storage import Storage

SWEEP_SECONDS = 60


class LocalStorage(Storage):
    """Fixed windows in a dictionary; for the `local://` scheme."""

    STORAGE_SCHEME = ["local"]  # noqa: RUF012 - the library reads it as a list

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: float | str | bool) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self._windows: dict[str, tuple[int, float]] = {}
        self._sweep_at = time.time() + SWEEP_SECONDS

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here can fail."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in the key's window, which ends `expiry` seconds after its first count; return the count."""
        now = time.time()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._windows = {name: window for name, window in self._windows.items() if window[1] > now}
        count, ends_at = self._windows.get(key, (0, 0.0))
        if ends_at <= now:
            count, ends_at = 0, now + expiry
        self._windows[key] = (count + amount, ends_at)
        return count + amount

    def get(self, key: str) -> int:
        """Return the count in the key's window, 0 where there is none."""
        count, ends_at = self._windows.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends (Unix seconds), now where there is none."""
        return max(self._windows.get(key, (0, 0.0))[1], time.time())

    def check(self) -> bool:
        """Tell whether the storage works: always."""
        return True

    def reset(self) -> int:
        """Forget all windows; return how many there were."""
        count = len(self._windows)
        self._windows = {}
        return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        self._windows.pop(key, None)

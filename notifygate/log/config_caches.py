"""This worker's caches of administrators' configuration: read again after an entry about it."""

from collections.abc import Sequence
from typing import Protocol

from notifygate.domain.audience import GATEWAY
from notifygate.domain.entry import Entry


class ConfigCache(Protocol):
    """Something configured, all of it in memory."""

    def load(self) -> None:
        """Read it from the database. Raises UnavailableError."""
        ...


class ConfigCaches:
    """All caches of configuration. An entry for `gateway` is about one of them and doesn't name it."""

    def __init__(self, *caches: ConfigCache) -> None:
        self._caches = caches

    def load(self) -> None:
        """Read all from the database. Raises UnavailableError."""
        for cache in self._caches:
            cache.load()

    def reload_if_changed(self, entries: Sequence[Entry]) -> None:
        """Read all again if one of the entries is for `gateway`. Raises UnavailableError."""
        if any(GATEWAY in entry.audiences for entry in entries):
            self.load()

    def start(self) -> None:
        """Read all for the first time. Raises UnavailableError."""
        self.load()

    def stop(self) -> None:
        """Do nothing."""

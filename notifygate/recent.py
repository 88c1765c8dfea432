"""A bounded memory of what was used lately."""

import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary of at most `capacity` values that forgets the ones not used for longest, roughly.

    Two generations: what is used moves to the younger; when that is full, it becomes the older, and what nobody has
    used since the last time is gone. That is two plain dictionaries, without a link per value and without work per hit.

    The younger becomes the older after `idle_seconds` as well. A value used at least that often stays; one that is not
    used goes within twice the time, as soon as others are put in: so memory grows with the values in use, not with all
    that ever were. `clock` counts seconds and never goes back.
    """

    def __init__(
        self, capacity: int, idle_seconds: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._generation = max(1, capacity // 2)
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._began = clock()
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """Return the value of a key, None where it isn't known, or isn't any more."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        now = self._clock()
        if len(self._young) >= self._generation or now - self._began >= self._idle_seconds:
            self._old, self._young = self._young, {}
            self._began = now
        self._young[key] = value
        self._old.pop(key, None)

    def drop(self, key: K, value: V) -> None:
        """Forget a value, unless another has taken its place."""
        for generation in (self._young, self._old):
            if generation.get(key) is value:
                del generation[key]

    def clear(self) -> None:
        """Forget everything."""
        self._young.clear()
        self._old.clear()

"""A bounded cache of recently used values."""

import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary of at most `capacity` values that evicts approximately the least recently used ones.

    With `weigh`, which returns the weight of a key and its value, `capacity` is the maximum of their total weight.

    It has two generations: a value that is used moves to the younger; when that is full, it becomes the older, and the
    previous older one is dropped. These are two plain dictionaries, without a link per value or work per hit.

    The younger becomes the older after `idle_seconds` as well. A value used at least that often stays; an unused one is
    evicted within twice the time, once others are added: so memory grows with the values in use, not with all past
    ones. `clock` returns monotonic seconds.
    """

    def __init__(
        self,
        capacity: int,
        weigh: Callable[[K, V], int] | None = None,
        *,
        idle_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._generation = max(1, capacity // 2)
        self._weigh = weigh
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._began_at = clock()
        self._young: dict[K, V] = {}
        self._young_weight = 0
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """Return the value of a key, None if it was never added or was evicted."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Add a value, unless it is heavier than a whole generation."""
        weight = self._weight_of(key, value)
        self._remove(key)
        if weight > self._generation:
            return
        now = self._clock()
        if self._young_weight + weight > self._generation or now - self._began_at >= self._idle_seconds:
            self._old, self._young, self._young_weight = self._young, {}, 0
            self._began_at = now
        self._young[key] = value
        self._young_weight += weight

    def drop(self, key: K, value: V) -> None:
        """Remove a value, unless another one replaced it."""
        if self._young.get(key) is value or self._old.get(key) is value:
            self._remove(key)

    def clear(self) -> None:
        """Remove all values."""
        self._old, self._young, self._young_weight = {}, {}, 0

    def _weight_of(self, key: K, value: V) -> int:
        return 1 if self._weigh is None else self._weigh(key, value)

    def _remove(self, key: K) -> None:
        self._old.pop(key, None)
        value = self._young.pop(key, None)
        if value is not None:
            self._young_weight -= self._weight_of(key, value)

"""A bounded memory of what was used lately."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary of at most `capacity` values that forgets the ones not used for longest, roughly.

    With `weigh`, which returns what a value and its key weigh, `capacity` is what all of them may weigh together.

    Two generations: what is used moves to the younger; when that is full, it becomes the older, and what was not used
    since the last time is gone. That is two plain dictionaries, without a link per value and without work per hit.
    """

    def __init__(self, capacity: int, weigh: Callable[[K, V], int] | None = None) -> None:
        self._generation = max(1, capacity // 2)
        self._weigh = weigh
        self._young: dict[K, V] = {}
        self._young_weight = 0
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """Return the value of a key, None where it isn't known, or isn't any more."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember a value, unless it weighs more than a generation may."""
        weight = self._weight_of(key, value)
        self._remove(key)
        if weight > self._generation:
            return
        if self._young_weight + weight > self._generation:
            self.age()
        self._young[key] = value
        self._young_weight += weight

    def drop(self, key: K, value: V) -> None:
        """Forget a value, unless another has taken its place."""
        if self._young.get(key) is value or self._old.get(key) is value:
            self._remove(key)

    def age(self) -> None:
        """Begin a new generation: forget what was not used since this was done last."""
        self._old, self._young, self._young_weight = self._young, {}, 0

    def clear(self) -> None:
        """Forget everything."""
        self.age()
        self.age()

    def _weight_of(self, key: K, value: V) -> int:
        return 1 if self._weigh is None else self._weigh(key, value)

    def _remove(self, key: K) -> None:
        self._old.pop(key, None)
        value = self._young.pop(key, None)
        if value is not None:
            self._young_weight -= self._weight_of(key, value)

"""Components: the parts that work beside requests, or that have to be ready before them."""

from collections.abc import Sequence
from typing import Protocol


class Component(Protocol):
    """One of them. It may be stopped more than once, and without having been started."""

    def start(self) -> None:
        """Begin, or begin again."""
        ...

    def stop(self) -> None:
        """End what it has begun, and return when it has ended."""
        ...


class Components(list[Component]):
    """All of them, in the order in which they start."""

    def start(self) -> None:
        """Start them; if one fails, stop those before it. Raises what it raises."""
        for place, component in enumerate(self):
            try:
                component.start()
            except BaseException:
                _stop(self[:place])
                raise

    def stop(self) -> None:
        """Stop them, the last first."""
        _stop(self)


def _stop(components: Sequence[Component]) -> None:
    for component in reversed(components):
        component.stop()

"""Components: the parts that work beside requests, or that must be ready before them."""

from collections.abc import Sequence
from typing import Protocol


class Component(Protocol):
    """A part with a start and an end. `stop` may be called more than once, and without `start`."""

    def start(self) -> None:
        """Start, or start again."""
        ...

    def stop(self) -> None:
        """Stop, and return when all work has ended."""
        ...


class Components(list[Component]):
    """All components, in the order in which they start."""

    def start(self) -> None:
        """Start all components. If one fails, stop those before it, and raise its error."""
        for place, component in enumerate(self):
            try:
                component.start()
            except BaseException:
                _stop(self[:place])
                raise

    def stop(self) -> None:
        """Stop all components, the last first."""
        _stop(self)


def _stop(components: Sequence[Component]) -> None:
    for component in reversed(components):
        component.stop()

"""How many values one statement may name."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

VALUES_PER_QUERY = 500
"""Values named in one statement, far below the databases' limits on variables."""


def in_parts(values: Iterable[T], size: int = VALUES_PER_QUERY) -> Iterator[list[T]]:
    """Cut values into lists of at most `size`, which one statement can name."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part

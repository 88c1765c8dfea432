"""The values of a statement: how many it may name, and many rows of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")

VALUES_PER_QUERY = 500
"""Values named in one statement, far below the databases' limits on variables."""


def in_parts(values: Iterable[T], size: int = VALUES_PER_QUERY) -> Iterator[list[T]]:
    """Cut values into lists of at most `size`, which one statement can name."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def write_rows(
    connection: Connection, names: Sequence[str], rows: Sequence[tuple[Any, ...]], *, sqlite: str, postgresql: str
) -> None:
    """Run a statement that writes rows of these columns, if there are any.

    On SQLite it is run for each row; on PostgreSQL once, with the columns as lists for `unnest`: sent row by row they
    take four times as long.
    """
    if rows and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(sqlite, list(rows))
    elif rows:
        connection.exec_driver_sql(postgresql, as_columns(names, rows))


def as_columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Return rows as one list for each column, as PostgreSQL's `unnest` takes them."""
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}

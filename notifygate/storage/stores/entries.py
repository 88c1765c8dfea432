"""Entries of the log: reading a range, or the entries after a position for some audiences, and writing new ones."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, text

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification
from notifygate.storage.stores.audiences import AUDIENCES, audiences_parameter, for_each_audience
from notifygate.storage.stores.notifications import read_notifications, read_without_documents
from notifygate.storage.stores.parameters import write_rows
from notifygate.storage.tables import ENTRIES

ROWS_PER_RANGE = 5_000
"""Rows of a range past which no further entry is read with it: an entry has up to 1,000 rows, one for each audience."""

# Made once: putting a statement together costs more than running it.
_SELECT: Select[*tuple[Any, ...]] = select(*(column for column in ENTRIES.c if column.name != "created_at")).order_by(
    ENTRIES.c.seq
)
_IN_RANGE = (ENTRIES.c.seq > bindparam("after"), ENTRIES.c.seq <= bindparam("until"))
# A limit on rows could split the last entry; this ends the range with the whole entry of the last row.
_LAST_OF_ROWS = (
    select(ENTRIES.c.seq).where(*_IN_RANGE).order_by(ENTRIES.c.seq).limit(1).offset(bindparam("rows_before"))
).scalar_subquery()
_RANGE = _SELECT.where(
    ENTRIES.c.seq > bindparam("after"), ENTRIES.c.seq <= func.coalesce(_LAST_OF_ROWS, bindparam("until"))
)
_OF_AUDIENCE = """
    SELECT seq FROM log_entries
    WHERE audience = a.audience AND seq > a.since AND seq <= :until
    ORDER BY seq LIMIT :limit
"""
# Each found row is looked up by its key: neither database may turn the join round and read the whole log.
_BY_KEY = {
    "sqlite": "log_entries e ON e.audience = p.audience AND e.seq = p.seq",
    "postgresql": "LATERAL (SELECT * FROM log_entries e WHERE e.audience = p.audience AND e.seq = p.seq OFFSET 0) e",
}
# The limit counts entries; an entry has a row for each audience that matches.
_ADDRESSED = {
    dialect: text(f"""
        WITH
            {audiences},
            found AS ({for_each_audience(dialect, _OF_AUDIENCE)}),
            placed AS (SELECT audience, seq, dense_rank() OVER (ORDER BY seq) AS place FROM found)
        SELECT e.* FROM placed p CROSS JOIN {_BY_KEY[dialect]} WHERE p.place <= :limit ORDER BY e.seq
    """)  # noqa: S608 - constants
    for dialect, audiences in AUDIENCES.items()
}
_COLUMNS = tuple(column.name for column in ENTRIES.c)
_INSERT = f"INSERT INTO log_entries ({', '.join(_COLUMNS)})"
_INSERT_SQLITE = f"{_INSERT} VALUES ({', '.join('?' * len(_COLUMNS))})"
_INSERT_POSTGRESQL = f"""{_INSERT}
SELECT * FROM unnest(%(audience)s::text[], %(seq)s::bigint[], %(kind)s::text[], %(notification_seq)s::bigint[],
    %(seen_at)s::bigint[], %(read_at)s::bigint[], %(unread_delta)s::int[], %(unseen_delta)s::int[],
    %(created_at)s::bigint[])
"""  # noqa: S608


def read_range(connection: Connection, after: int, until: int) -> tuple[list[Entry], int]:
    """Read the entries in (after, until], in order; return them and the position up to which they were read.

    Pruned ones are missing. The position is `until`, or that of the entry with which ROWS_PER_RANGE rows are reached.
    """
    values = {"after": after, "until": until, "rows_before": ROWS_PER_RANGE - 1}
    rows = connection.execute(_RANGE, values).all()
    entries = _entries_from_rows(connection, rows, read_notifications)
    return entries, until if len(rows) < ROWS_PER_RANGE else rows[-1].seq


def read_entries_for(
    connection: Connection, audiences: Sequence[str], after: int, until: int, limit: int
) -> list[Entry]:
    """Read the first `limit` entries in (after, until] that have one of these audiences, in order.

    Their notifications have no documents: there may be many entries, of which few are shown.
    """
    values = {
        "audiences": audiences_parameter((audience, after) for audience in audiences),
        "until": until,
        "limit": limit,
    }
    rows = connection.execute(_ADDRESSED[connection.dialect.name], values).all()
    return _entries_from_rows(connection, rows, read_without_documents)


def insert_entries(connection: Connection, entries: Iterable[Entry], created_at: int) -> None:
    """Write entries, a row per audience; `created_at` is their time in Unix milliseconds."""
    rows: list[tuple[Any, ...]] = [
        (audience, e.seq, e.kind.value, e.notification.seq if e.notification else None, e.seen_at, e.read_at,
         e.unread_delta, e.unseen_delta, created_at)
        for e in entries
        for audience in e.audiences
    ]  # fmt: skip
    write_rows(connection, _COLUMNS, rows, sqlite=_INSERT_SQLITE, postgresql=_INSERT_POSTGRESQL)


def _entries_from_rows(
    connection: Connection,
    rows: Iterable[Row[*tuple[Any, ...]]],
    read: Callable[[Connection, Sequence[int]], list[Notification]],
) -> list[Entry]:
    """Make entries of rows in order of sequence; rows of one sequence are one entry with several audiences.

    `read` gives the notifications, each once: joined to the rows, they would come again with each audience.
    """
    positions = {row.notification_seq for row in rows if row.notification_seq is not None}
    by_seq = {notification.seq: notification for notification in read(connection, sorted(positions))}
    entries: list[Entry] = []
    for row in rows:
        if entries and entries[-1].seq == row.seq:
            if entries[-1].notification is None:
                entries[-1].audiences += (row.audience,)
            continue
        kind, notification = EntryKind(row.kind), by_seq.get(row.notification_seq)
        personal = kind is EntryKind.STATE or kind is EntryKind.DISMISSED
        entries.append(
            Entry(
                seq=row.seq,
                kind=kind,
                audiences=(row.audience,) if personal or notification is None else notification.to,
                notification=notification,
                seen_at=row.seen_at,
                read_at=row.read_at,
                unread_delta=row.unread_delta,
                unseen_delta=row.unseen_delta,
            )
        )
    return entries

"""Entries of the log: reading a range, or the entries after a position for some audiences, and writing new ones."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification
from notifygate.storage.stores.notifications import read_notifications
from notifygate.storage.stores.parameters import in_parts, write_rows
from notifygate.storage.tables import ENTRIES, NOTIFICATIONS

AUDIENCES_PER_QUERY = 100
"""Audiences named in one statement."""

ROWS_PER_RANGE = 5_000
"""Rows of a range past which no further entry is read with it: an entry has up to 1,000 rows, one for each audience."""

# Made once: putting a statement together costs more than running it.
_SELECT: Select[*tuple[Any, ...]] = select(*(column for column in ENTRIES.c if column.name != "created_at")).order_by(
    ENTRIES.c.seq
)
_WITH_NOTIFICATIONS = _SELECT.add_columns(
    NOTIFICATIONS.c.id, NOTIFICATIONS.c.type, NOTIFICATIONS.c.audiences.label("to_audiences")
).select_from(ENTRIES.outerjoin(NOTIFICATIONS, ENTRIES.c.notification_seq == NOTIFICATIONS.c.seq))
_IN_RANGE = (ENTRIES.c.seq > bindparam("after"), ENTRIES.c.seq <= bindparam("until"))
# A limit on rows could split the last entry; this ends the range with the whole entry of the last row.
_LAST_OF_ROWS = (
    select(ENTRIES.c.seq).where(*_IN_RANGE).order_by(ENTRIES.c.seq).limit(1).offset(bindparam("rows_before"))
).scalar_subquery()
_RANGE = _SELECT.where(
    ENTRIES.c.seq > bindparam("after"), ENTRIES.c.seq <= func.coalesce(_LAST_OF_ROWS, bindparam("until"))
)
_IS_ADDRESSED = ENTRIES.c.audience.in_(bindparam("audiences", expanding=True))
# The limit counts entries; an entry has a row for each audience that matches.
_POSITIONS = (
    select(ENTRIES.c.seq)
    .where(_IS_ADDRESSED, *_IN_RANGE)
    .distinct()
    .order_by(ENTRIES.c.seq)
    .limit(bindparam("at_most"))
    .subquery()
)
_ADDRESSED = _WITH_NOTIFICATIONS.where(_IS_ADDRESSED, ENTRIES.c.seq.in_(select(_POSITIONS.c.seq)))
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
    # Each once: joined to the rows, a document would come again with each audience.
    positions = {row.notification_seq for row in rows if row.notification_seq is not None}
    by_seq = {notification.seq: notification for notification in read_notifications(connection, sorted(positions))}
    entries = _entries_from_rows(rows, lambda row: by_seq.get(row.notification_seq))
    return entries, until if len(rows) < ROWS_PER_RANGE else rows[-1].seq


def read_entries_for(
    connection: Connection, audiences: Sequence[str], after: int, until: int, limit: int
) -> list[Entry]:
    """Read the first `limit` entries in (after, until] that have one of these audiences, in order.

    Their notifications have no documents: there may be many entries, of which few are shown.
    """
    by_seq: dict[int, Entry] = {}
    for some in in_parts(audiences, AUDIENCES_PER_QUERY):
        values = {"audiences": some, "after": after, "until": until, "at_most": limit}
        for entry in _entries_from_rows(connection.execute(_ADDRESSED, values), _joined_notification):
            by_seq.setdefault(entry.seq, entry)
    return [by_seq[seq] for seq in sorted(by_seq)[:limit]]


def insert_entries(connection: Connection, entries: Iterable[Entry], created_at: int) -> None:
    """Write entries, a row per audience; `created_at` is their time in Unix milliseconds."""
    rows: list[tuple[Any, ...]] = [
        (audience, e.seq, e.kind.value, e.notification.seq if e.notification else None, e.seen_at, e.read_at,
         e.unread_delta, e.unseen_delta, created_at)
        for e in entries
        for audience in e.audiences
    ]  # fmt: skip
    write_rows(connection, _COLUMNS, rows, sqlite=_INSERT_SQLITE, postgresql=_INSERT_POSTGRESQL)


def _joined_notification(row: Row[*tuple[Any, ...]]) -> Notification | None:
    if row.id is None:
        return None
    return Notification(row.notification_seq, row.id, row.type, tuple(json.loads(row.to_audiences)), b"")


def _entries_from_rows(
    rows: Iterable[Row[*tuple[Any, ...]]], notification_of: Callable[[Row[*tuple[Any, ...]]], Notification | None]
) -> list[Entry]:
    """Make entries of rows in order of sequence; rows of one sequence are one entry with several audiences."""
    entries: list[Entry] = []
    for row in rows:
        if entries and entries[-1].seq == row.seq:
            if entries[-1].notification is None:
                entries[-1].audiences += (row.audience,)
            continue
        kind = EntryKind(row.kind)
        notification = notification_of(row)
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

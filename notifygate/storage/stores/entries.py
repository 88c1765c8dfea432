"""Entries of the log: reading a range, or the entries after a position for some audiences, and writing new ones."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select

from notifygate.domain.entry import Entry, EntryKind
from notifygate.storage.stores.notifications import NOTIFICATION_COLUMNS, notification_from_row
from notifygate.storage.stores.parameters import in_parts
from notifygate.storage.tables import ENTRIES, NOTIFICATIONS

AUDIENCES_PER_QUERY = 100
"""Audiences named in one statement."""

# Made once: putting a statement together costs more than running it.
_SELECT: Select[*tuple[Any, ...]] = (
    select(*(column for column in ENTRIES.c if column.name != "created_at"), *NOTIFICATION_COLUMNS)
    .select_from(ENTRIES.outerjoin(NOTIFICATIONS, ENTRIES.c.notification_seq == NOTIFICATIONS.c.seq))
    .order_by(ENTRIES.c.seq)
)
_IN_RANGE = (ENTRIES.c.seq > bindparam("after"), ENTRIES.c.seq <= bindparam("until"))
_RANGE = _SELECT.where(*_IN_RANGE)
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
_ADDRESSED = _SELECT.where(_IS_ADDRESSED, ENTRIES.c.seq.in_(select(_POSITIONS.c.seq)))
_INSERT = insert(ENTRIES)


def read_range(connection: Connection, after: int, until: int) -> list[Entry]:
    """Read the entries in (after, until], in order. Pruned ones are missing."""
    return _entries_from_rows(connection.execute(_RANGE, {"after": after, "until": until}))


def read_entries_for(
    connection: Connection, audiences: Sequence[str], after: int, until: int, limit: int
) -> list[Entry]:
    """Read the first `limit` entries in (after, until] that have one of these audiences, in order."""
    by_seq: dict[int, Entry] = {}
    for some in in_parts(audiences, AUDIENCES_PER_QUERY):
        values = {"audiences": some, "after": after, "until": until, "at_most": limit}
        for entry in _entries_from_rows(connection.execute(_ADDRESSED, values)):
            by_seq.setdefault(entry.seq, entry)
    return [by_seq[seq] for seq in sorted(by_seq)[:limit]]


def insert_entries(connection: Connection, entries: Iterable[Entry], created_at: int) -> None:
    """Write entries (at least one), a row per audience; `created_at` is their time in Unix milliseconds."""
    rows = [
        {
            "audience": audience,
            "seq": entry.seq,
            "kind": entry.kind.value,
            "notification_seq": entry.notification.seq if entry.notification else None,
            "seen_at": entry.seen_at,
            "read_at": entry.read_at,
            "unread_delta": entry.unread_delta,
            "unseen_delta": entry.unseen_delta,
            "created_at": created_at,
        }
        for entry in entries
        for audience in entry.audiences
    ]
    connection.execute(_INSERT, rows)


def _entries_from_rows(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Entry]:
    """Make entries of rows in order of sequence; rows of one sequence are one entry with several audiences."""
    entries: list[Entry] = []
    for row in rows:
        if entries and entries[-1].seq == row.seq:
            if entries[-1].notification is None:
                entries[-1].audiences += (row.audience,)
            continue
        kind = EntryKind(row.kind)
        notification = None if row.id is None else notification_from_row(row, row.notification_seq)
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

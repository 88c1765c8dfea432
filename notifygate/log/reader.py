"""Reading the log from the database: its head, a range of it, or what lies after a position for some audiences."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, literal_column, select

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification, shared_text
from notifygate.storage.database import StandbyError
from notifygate.storage.tables import LogEntry, LogHead, NotificationRow, table
from notifygate.storage.timeline import CURRENT_TIMELINE, TimelinePolicy, policy_of

HEAD = table(LogHead)
ENTRIES = table(LogEntry)
NOTIFICATIONS = table(NotificationRow)

AnyRow = Row[*tuple[Any, ...]]

AUDIENCES_PER_QUERY = 100
"""Audiences named in one statement, far below the databases' limits on variables."""

NOTIFICATION_COLUMNS = (
    NOTIFICATIONS.c.id,
    NOTIFICATIONS.c.type,
    NOTIFICATIONS.c.title,
    NOTIFICATIONS.c.body,
    NOTIFICATIONS.c.priority,
    NOTIFICATIONS.c.sender,
    NOTIFICATIONS.c.icon,
    NOTIFICATIONS.c.action_url,
    NOTIFICATIONS.c.data,
    NOTIFICATIONS.c.audiences.label("to_audiences"),
    NOTIFICATIONS.c.created_at,
    NOTIFICATIONS.c.expires_at,
)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands."""

    epoch: int
    seq: int
    """Sequence of the newest entry."""
    floor: int
    """Entries up to here may have been pruned."""
    timeline: str | None = None
    """PostgreSQL's timeline that the log was last written on; None until it is known, and where it is ignored."""
    server_timeline: str | None = None
    """The server's timeline; None on a standby, and where it is ignored."""

    @property
    def is_on_new_timeline(self) -> bool:
        """Whether the server's timeline has to be stored before anything is appended."""
        return self.server_timeline is not None and self.server_timeline != self.timeline


_HEAD = select(HEAD.c.epoch, HEAD.c.head, HEAD.c.floor).where(HEAD.c.id == 1)
_HEAD_AND_TIMELINE = _HEAD.add_columns(HEAD.c.timeline, literal_column(CURRENT_TIMELINE))


def read_head(connection: Connection, *, lock: bool = False) -> Head:
    """Read the head. With `lock` no other transaction can append until this one ends (SQLite: BEGIN IMMEDIATE)."""
    statement = _HEAD if policy_of(connection) is TimelinePolicy.IGNORED else _HEAD_AND_TIMELINE
    return Head(*connection.execute(statement.with_for_update() if lock else statement).one())


def read_head_of_primary(connection: Connection) -> Head:
    """Read the head for the tail, which must not be fed with what a standby has. Raises StandbyError."""
    head = read_head(connection)
    if head.server_timeline is None and policy_of(connection) is not TimelinePolicy.IGNORED:
        raise StandbyError("The database's server is a standby.")
    return head


def notification_from_row(row: AnyRow, seq: int) -> Notification:
    """Make a notification of a row that holds NOTIFICATION_COLUMNS."""
    return Notification(seq, row.id, row.type, tuple(json.loads(row.to_audiences)), shared_text(row))


def _select_entries() -> Select[*tuple[Any, ...]]:
    joined = ENTRIES.outerjoin(NOTIFICATIONS, ENTRIES.c.notification_seq == NOTIFICATIONS.c.seq)
    columns = [column for column in ENTRIES.c if column.name != "created_at"]
    return select(*columns, *NOTIFICATION_COLUMNS).select_from(joined)


def _entries_from_rows(rows: Iterable[AnyRow]) -> list[Entry]:
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


def read_range(connection: Connection, after: int, until: int) -> list[Entry]:
    """Read the entries in (after, until], in order. Pruned ones are missing."""
    statement = _select_entries().where(ENTRIES.c.seq > after, ENTRIES.c.seq <= until).order_by(ENTRIES.c.seq)
    return _entries_from_rows(connection.execute(statement))


def read_entries_for(
    connection: Connection, audiences: Sequence[str], after: int, until: int, limit: int
) -> list[Entry]:
    """Read the first `limit` entries in (after, until] that have one of these audiences, in order."""
    by_seq: dict[int, Entry] = {}
    for begin in range(0, len(audiences), AUDIENCES_PER_QUERY):
        wanted = ENTRIES.c.audience.in_(audiences[begin : begin + AUDIENCES_PER_QUERY])
        # The limit counts entries; an entry has a row for each audience that matches.
        positions = (
            select(ENTRIES.c.seq)
            .where(wanted, ENTRIES.c.seq > after, ENTRIES.c.seq <= until)
            .distinct()
            .order_by(ENTRIES.c.seq)
            .limit(limit)
            .subquery()
        )
        statement = _select_entries().where(wanted, ENTRIES.c.seq.in_(select(positions.c.seq))).order_by(ENTRIES.c.seq)
        for entry in _entries_from_rows(connection.execute(statement)):
            by_seq.setdefault(entry.seq, entry)
    return [by_seq[seq] for seq in sorted(by_seq)[:limit]]

"""Notifications: their content, and whether they have left the inboxes."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, literal, select, update

from notifygate.domain.notification import Notification
from notifygate.storage.stores.parameters import in_parts
from notifygate.storage.tables import NOTIFICATIONS

# Made once: putting a statement together costs more than running it.
_COLUMNS = (NOTIFICATIONS.c.seq, NOTIFICATIONS.c.id, NOTIFICATIONS.c.type, NOTIFICATIONS.c.audiences)
_SELECT = select(*_COLUMNS, NOTIFICATIONS.c.document)
_IS_AT_POSITION = NOTIFICATIONS.c.seq.in_(bindparam("positions", expanding=True))
_AT_POSITIONS = _SELECT.where(_IS_AT_POSITION)
_WITHOUT_DOCUMENTS = select(*_COLUMNS, literal("").label("document")).where(_IS_AT_POSITION)
_PRESENT = NOTIFICATIONS.c.removed_seq.is_(None)
_PRESENT_AT_POSITIONS = _AT_POSITIONS.where(_PRESENT)
_PRESENT_BY_IDS = _SELECT.where(NOTIFICATIONS.c.id.in_(bindparam("ids", expanding=True)), _PRESENT).order_by(
    NOTIFICATIONS.c.seq
)
_BY_ID = _SELECT.add_columns(NOTIFICATIONS.c.key_id, NOTIFICATIONS.c.removed_seq).where(
    NOTIFICATIONS.c.id == bindparam("notification_id")
)
_IS_DUE = (NOTIFICATIONS.c.expires_at <= bindparam("now"), _PRESENT)
_ANY_DUE = select(NOTIFICATIONS.c.seq).where(*_IS_DUE).limit(1)
_DUE = _SELECT.where(*_IS_DUE).order_by(NOTIFICATIONS.c.expires_at, NOTIFICATIONS.c.seq).limit(bindparam("at_most"))
_MARK_REMOVED = (
    update(NOTIFICATIONS).where(NOTIFICATIONS.c.seq == bindparam("position")).values(removed_seq=bindparam("removed"))
)


class StoredNotification(NamedTuple):
    """A notification with its owner and whether it was removed."""

    notification: Notification
    key_id: str
    """The API key that published it."""
    removed_seq: int | None
    """The entry by which it left every inbox, None while it is in them."""


def read_notifications(connection: Connection, positions: Sequence[int]) -> list[Notification]:
    """Read notifications by position, in the order given; ones that don't exist are left out."""
    return _read_at(connection, _AT_POSITIONS, positions)


def read_without_documents(connection: Connection, positions: Sequence[int]) -> list[Notification]:
    """Read notifications as `read_notifications` does, each with an empty document."""
    return _read_at(connection, _WITHOUT_DOCUMENTS, positions)


def read_present_at(connection: Connection, positions: Iterable[int]) -> Iterator[Notification]:
    """Yield the notifications at these positions that are in the inboxes, in any order."""
    for some in in_parts(positions):
        for row in connection.execute(_PRESENT_AT_POSITIONS, {"positions": some}):
            yield _from_row(row)


def read_present(connection: Connection, ids: Iterable[str]) -> Iterator[list[Notification]]:
    """Yield the notifications with these ids that are in the inboxes, some hundred at a time, each time in order."""
    for some in in_parts(ids):
        rows = connection.execute(_PRESENT_BY_IDS, {"ids": some})
        yield [_from_row(row) for row in rows]


def read_notification(connection: Connection, notification_id: str) -> StoredNotification | None:
    """Read the notification with an id, None if there is none."""
    row = connection.execute(_BY_ID, {"notification_id": notification_id}).one_or_none()
    if row is None:
        return None
    return StoredNotification(_from_row(row), row.key_id, row.removed_seq)


def has_due(connection: Connection, now: int) -> bool:
    """Return whether a notification in the inboxes has expired by now (Unix milliseconds): one read of an index."""
    return connection.execute(_ANY_DUE, {"now": now}).first() is not None


def read_due(connection: Connection, now: int, limit: int, enough_audiences: int) -> list[Notification]:
    """Read the first notifications in the inboxes that have expired by now (Unix milliseconds).

    At most `limit`, and none after the one with which all of them together have `enough_audiences`.
    """
    due: list[Notification] = []
    audiences = 0
    with connection.execute(_DUE, {"now": now, "at_most": limit}) as rows:
        for row in rows:
            due.append(_from_row(row))
            audiences += len(due[-1].to)
            if audiences >= enough_audiences:
                break
    return due


def mark_removed(connection: Connection, seq: int, removed_seq: int) -> None:
    """Store the entry by which the notification at `seq` left every inbox."""
    connection.execute(_MARK_REMOVED, {"position": seq, "removed": removed_seq})


def _read_at(
    connection: Connection, statement: Select[*tuple[Any, ...]], positions: Sequence[int]
) -> list[Notification]:
    by_seq: dict[int, Notification] = {}
    for some in in_parts(positions):
        for row in connection.execute(statement, {"positions": some}):
            by_seq[row.seq] = _from_row(row)
    return [by_seq[seq] for seq in positions if seq in by_seq]


def _from_row(row: Row[*tuple[Any, ...]]) -> Notification:
    return Notification(row.seq, row.id, row.type, tuple(json.loads(row.audiences)), row.document.encode())

"""Inboxes and followed topics."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from notifygate.domain.marks import Marks
from notifygate.storage.tables import FOLLOWS, INBOXES

TypePreferences = dict[str, dict[str, Any]]
"""Type -> {"muted": bool, "display": one of the displays}."""

# Made once: putting a statement together costs more than running it.
_INBOX = select(INBOXES).where(INBOXES.c.recipient == bindparam("recipient"))
_PREFERENCES = select(INBOXES.c.preferences, INBOXES.c.preferences_seq).where(
    INBOXES.c.recipient == bindparam("recipient")
)
_ENSURE = text(
    "INSERT INTO inboxes (recipient, started_seq) VALUES (:recipient, :seq)"
    " ON CONFLICT (recipient) DO UPDATE SET is_polled = true WHERE NOT inboxes.is_polled"
)
_FOLLOWED = (
    select(FOLLOWS.c.topic, FOLLOWS.c.since_seq)
    .where(FOLLOWS.c.recipient == bindparam("recipient"))
    .order_by(FOLLOWS.c.topic)  # so that every worker names the same topic where two match
)


@dataclass(frozen=True, slots=True)
class StoredInbox:
    """A recipient's inbox; the columns are described in `notifygate.storage.tables`."""

    started_seq: int
    seen_marks: Marks
    read_marks: Marks
    dismissed_up_to: int
    preferences: TypePreferences
    is_polled: bool


def ensure_inbox(connection: Connection, recipient: str, seq: int) -> None:
    """Keep a recipient's inbox from now on: the recipient has made a request. Begin it at `seq` if there is none."""
    connection.execute(_ENSURE, {"recipient": recipient, "seq": seq})


def read_inbox(connection: Connection, recipient: str) -> StoredInbox | None:
    """Read a recipient's inbox, None where neither a request nor a publication has begun one."""
    row = connection.execute(_INBOX, {"recipient": recipient}).one_or_none()
    if row is None:
        return None
    return StoredInbox(
        started_seq=row.started_seq,
        seen_marks=_marks_from_json(row.seen_marks),
        read_marks=_marks_from_json(row.read_marks),
        dismissed_up_to=row.dismissed_up_to,
        preferences=json.loads(row.preferences),
        is_polled=row.is_polled,
    )


def store_marks(
    connection: Connection, recipient: str, *, seen: Marks | None = None, read: Marks | None = None
) -> None:
    """Replace a recipient's marks; None leaves them unchanged."""
    given = {"seen_marks": seen, "read_marks": read}
    _update(connection, recipient, **{name: json.dumps(marks) for name, marks in given.items() if marks is not None})


def store_dismissed_up_to(connection: Connection, recipient: str, seq: int) -> None:
    """Store the position up to which a recipient has dismissed everything."""
    _update(connection, recipient, dismissed_up_to=seq)


def read_preferences(connection: Connection, recipient: str) -> tuple[TypePreferences, int]:
    """Read a recipient's preferences and the entry that changed them last; empty ones and 0 without an inbox."""
    row = connection.execute(_PREFERENCES, {"recipient": recipient}).one_or_none()
    return (json.loads(row.preferences), row.preferences_seq) if row else ({}, 0)


def store_preferences(connection: Connection, recipient: str, preferences: TypePreferences, seq: int) -> None:
    """Replace a recipient's preferences by the entry at `seq`."""
    _update(connection, recipient, preferences=json.dumps(preferences), preferences_seq=seq)


def read_followed(connection: Connection, recipient: str) -> dict[str, int]:
    """Read the topics that a recipient follows, by name: topic -> the position after which it counts."""
    return {row.topic: row.since_seq for row in connection.execute(_FOLLOWED, {"recipient": recipient})}


def insert_follow(connection: Connection, recipient: str, topic: str, since_seq: int) -> None:
    """Store that a recipient follows a topic from a position on."""
    connection.execute(insert(FOLLOWS), {"recipient": recipient, "topic": topic, "since_seq": since_seq})


def delete_follow(connection: Connection, recipient: str, topic: str) -> bool:
    """Delete a followed topic; return whether it was followed."""
    followed = FOLLOWS.c.recipient == recipient, FOLLOWS.c.topic == topic
    return connection.execute(delete(FOLLOWS).where(*followed)).rowcount > 0


def _update(connection: Connection, recipient: str, **values: str | int) -> None:
    connection.execute(update(INBOXES).where(INBOXES.c.recipient == recipient).values(**values))


def _marks_from_json(document: str) -> Marks:
    return tuple((seq, at) for seq, at in json.loads(document))

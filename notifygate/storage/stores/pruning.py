"""The statements of retention (`notifygate.publishing.retention`), across the tables."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, literal, select, text

from notifygate.domain.audience import user
from notifygate.domain.entry import EntryKind
from notifygate.storage.tables import ENTRIES, INBOXES, IS_UNPOLLED, NOTIFICATIONS, STATES

_DISMISSED = text("""
    SELECT n.seq
    FROM notifications n
    JOIN log_entries e ON e.seq = n.seq
    JOIN inboxes i ON i.recipient = substr(e.audience, 6)
    LEFT JOIN inbox_states s ON s.recipient = i.recipient AND s.seq = n.seq
    WHERE n.seq > :after AND n.seq <= :until
      AND e.audience LIKE 'user:%'
      AND n.removed_seq IS NULL  -- a view that has yet to follow the removal reads the state
      AND (n.seq <= i.dismissed_up_to OR s.dismissed_at < :cutoff)
      AND NOT EXISTS (SELECT 1 FROM log_entries o WHERE o.seq = n.seq AND o.audience <> e.audience)
""")
_RECIPIENT = INBOXES.c.recipient
_EMPTY = ~select(ENTRIES.c.seq).where(ENTRIES.c.audience == literal(user("")) + _RECIPIENT).exists()


def read_entry_ages(connection: Connection, after: int, limit: int) -> list[tuple[int, int]]:
    """Read (sequence, time of the append) of the first `limit` rows of entries after a position, in order."""
    ages = select(ENTRIES.c.seq, ENTRIES.c.created_at).where(ENTRIES.c.seq > after).order_by(ENTRIES.c.seq).limit(limit)
    return [(row.seq, row.created_at) for row in connection.execute(ages)]


def delete_entries(connection: Connection, after: int, until: int) -> int:
    """Delete the entries in (after, until] but for `published` ones; return how many rows."""
    seq, kind = ENTRIES.c.seq, ENTRIES.c.kind
    return connection.execute(
        delete(ENTRIES).where(seq > after, seq <= until, kind != EntryKind.PUBLISHED.value)
    ).rowcount


def read_removed(connection: Connection, up_to: int, limit: int) -> list[int]:
    """Read positions of up to `limit` notifications that left the inboxes by an entry up to a position."""
    removed = select(NOTIFICATIONS.c.seq).where(NOTIFICATIONS.c.removed_seq <= up_to).limit(limit)
    return list(connection.execute(removed).scalars())


def read_dismissed(connection: Connection, after: int, until: int, cutoff: int) -> list[int]:
    """Read positions of the notifications in (after, until] whose only recipient dismissed them before a time, or
    dismissed everything up to there."""
    return list(connection.execute(_DISMISSED, {"after": after, "until": until, "cutoff": cutoff}).scalars())


def delete_notifications(connection: Connection, positions: Sequence[int]) -> int:
    """Delete notifications with their `published` entries and states; return how many notifications."""
    connection.execute(delete(STATES).where(STATES.c.seq.in_(positions)))
    connection.execute(delete(ENTRIES).where(ENTRIES.c.seq.in_(positions)))
    return connection.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.seq.in_(positions))).rowcount


def read_unpolled_bound(connection: Connection, after: str, limit: int) -> str | None:
    """Return the last of the next `limit` recipients without a request; None if there are no more."""
    unpolled = select(_RECIPIENT).where(IS_UNPOLLED, after < _RECIPIENT).order_by(_RECIPIENT).limit(limit).subquery()
    return connection.execute(select(func.max(unpolled.c.recipient))).scalar_one()


def read_empty_inboxes(connection: Connection, after: str, until: str) -> list[str]:
    """Read the recipients in (after, until] without a request and without an entry."""
    empty = select(_RECIPIENT).where(IS_UNPOLLED, after < _RECIPIENT, until >= _RECIPIENT, _EMPTY)
    return list(connection.execute(empty).scalars())


def delete_empty_inboxes(connection: Connection, recipients: Sequence[str]) -> int:
    """Delete those of some inboxes that are still unpolled and empty; return how many."""
    return connection.execute(delete(INBOXES).where(_RECIPIENT.in_(recipients), IS_UNPOLLED, _EMPTY)).rowcount

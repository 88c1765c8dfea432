"""The statements of retention (`notifygate.publishing.retention`), across the tables."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, literal, not_, select, text

from notifygate.domain.audience import user
from notifygate.domain.entry import EntryKind
from notifygate.storage.stores.entries import ENTRIES
from notifygate.storage.stores.inboxes import INBOXES
from notifygate.storage.stores.notifications import NOTIFICATIONS
from notifygate.storage.stores.states import STATES

_AGES = (
    select(ENTRIES.c.seq, ENTRIES.c.created_at)
    .where(ENTRIES.c.seq > bindparam("after"))
    .order_by(ENTRIES.c.seq)
    .limit(bindparam("at_most"))
)
_DELETE_ENTRIES = delete(ENTRIES).where(
    ENTRIES.c.seq > bindparam("after"),
    ENTRIES.c.seq <= bindparam("until"),
    ENTRIES.c.kind != EntryKind.PUBLISHED.value,
)
_REMOVED = (
    select(NOTIFICATIONS.c.seq).where(NOTIFICATIONS.c.removed_seq <= bindparam("up_to")).limit(bindparam("at_most"))
)
_DISMISSED = text("""
    SELECT n.seq
    FROM notifications n
    JOIN log_entries e ON e.seq = n.seq
    JOIN inboxes i ON e.audience = 'user:' || i.recipient
    LEFT JOIN inbox_states s ON s.recipient = i.recipient AND s.seq = n.seq
    WHERE n.seq > :after AND n.seq <= :until
      AND (n.seq <= i.dismissed_up_to OR s.dismissed_at < :cutoff)
      AND NOT EXISTS (SELECT 1 FROM log_entries o WHERE o.seq = n.seq AND o.audience <> e.audience)
""")
_UNPOLLED = not_(INBOXES.c.is_polled)
"""As the index `ix_inboxes_unpolled` has it."""
_EMPTY = ~select(ENTRIES.c.seq).where(ENTRIES.c.audience == literal(user("")) + INBOXES.c.recipient).exists()
_NEXT_UNPOLLED = (
    select(INBOXES.c.recipient)
    .where(_UNPOLLED, INBOXES.c.recipient > bindparam("after"))
    .order_by(INBOXES.c.recipient)
    .limit(bindparam("at_most"))
    .subquery()
)
_LAST_UNPOLLED = select(func.max(_NEXT_UNPOLLED.c.recipient))
_UNPOLLED_EMPTY = select(INBOXES.c.recipient).where(
    _UNPOLLED, INBOXES.c.recipient > bindparam("after"), INBOXES.c.recipient <= bindparam("until"), _EMPTY
)


def read_entry_ages(connection: Connection, after: int, limit: int) -> list[tuple[int, int]]:
    """Read (sequence, time of the append) of the first `limit` rows of entries after a position, in order."""
    return [(row.seq, row.created_at) for row in connection.execute(_AGES, {"after": after, "at_most": limit})]


def delete_entries(connection: Connection, after: int, until: int) -> int:
    """Delete the entries in (after, until] but for `published` ones; return how many rows."""
    return connection.execute(_DELETE_ENTRIES, {"after": after, "until": until}).rowcount


def read_removed(connection: Connection, up_to: int, limit: int) -> list[int]:
    """Read positions of up to `limit` notifications that left the inboxes by an entry up to a position."""
    return list(connection.execute(_REMOVED, {"up_to": up_to, "at_most": limit}).scalars())


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
    return connection.execute(_LAST_UNPOLLED, {"after": after, "at_most": limit}).scalar_one()


def read_empty_inboxes(connection: Connection, after: str, until: str) -> list[str]:
    """Read the recipients in (after, until] without a request and without an entry."""
    return list(connection.execute(_UNPOLLED_EMPTY, {"after": after, "until": until}).scalars())


def delete_empty_inboxes(connection: Connection, recipients: Sequence[str]) -> int:
    """Delete those of some inboxes that are still unpolled and empty; return how many."""
    return connection.execute(delete(INBOXES).where(INBOXES.c.recipient.in_(recipients), _UNPOLLED, _EMPTY)).rowcount

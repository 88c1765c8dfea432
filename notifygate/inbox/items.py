"""Reading notifications and what one recipient did with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select

from notifygate.domain.entry import Entry, ItemState
from notifygate.domain.notification import Notification
from notifygate.inbox.membership import STATES
from notifygate.log.reader import NOTIFICATION_COLUMNS, NOTIFICATIONS, notification_from_row, read_head

T = TypeVar("T")

VALUES_PER_QUERY = 500
"""Values named in one statement, below the databases' limits on variables."""


# Made once: putting a statement together costs more than running it.
_NOTIFICATIONS = select(NOTIFICATIONS.c.seq, *NOTIFICATION_COLUMNS).where(
    NOTIFICATIONS.c.seq.in_(bindparam("positions", expanding=True))
)
_STATES = select(STATES).where(
    STATES.c.recipient == bindparam("recipient"), STATES.c.seq.in_(bindparam("positions", expanding=True))
)


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut values into parts that one statement can name."""
    rest = iter(values)
    while part := list(islice(rest, VALUES_PER_QUERY)):
        yield part


def read_notifications(connection: Connection, positions: Sequence[int]) -> list[Notification]:
    """Read notifications by position, in the order given; ones that don't exist are left out."""
    rows = connection.execute(_NOTIFICATIONS, {"positions": list(positions)})
    found = {row.seq: notification_from_row(row, row.seq) for row in rows}
    return [found[seq] for seq in positions if seq in found]


def read_states(connection: Connection, recipient: str, positions: Iterable[int]) -> dict[int, ItemState]:
    """Read the state rows of one recipient, by position of the notification."""
    states: dict[int, ItemState] = {}
    for some in in_parts(positions):
        for row in connection.execute(_STATES, {"recipient": recipient, "positions": some}):
            states[row.seq] = ItemState(row.seen_at, row.read_at, row.dismissed_at)
    return states


def read_states_of(connection: Connection, seq: int, recipients: Iterable[str]) -> Mapping[str, ItemState | None]:
    """Read the state rows of one notification for many recipients, a few hundred a query; None for no row."""
    states: dict[str, ItemState | None] = {}
    for some in in_parts(recipients):
        states.update(dict.fromkeys(some))
        statement = select(STATES).where(STATES.c.seq == seq, STATES.c.recipient.in_(some))
        for row in connection.execute(statement):
            states[row.recipient] = ItemState(row.seen_at, row.read_at, row.dismissed_at)
    return states


def learn_last_states(connection: Connection, recipient: str, removals: Sequence[Entry]) -> bool:
    """Look up the final states of removed notifications for one recipient, and leave them with the entries.

    Returns False where they can't be known any more, because retention may have got there first.
    """
    if any(entry.seq <= read_head(connection).floor for entry in removals):
        return False
    by_seq = {entry.notification.seq: entry for entry in removals if entry.notification}
    states = read_states(connection, recipient, by_seq)
    for seq, entry in by_seq.items():
        entry.last_states[recipient] = states.get(seq)
    return True

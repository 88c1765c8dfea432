"""Recipients' states of single notifications (`inbox_states`). A row takes precedence over marks."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select, text

from notifygate.domain.entry import ItemState
from notifygate.storage.stores.parameters import in_parts, write_rows
from notifygate.storage.tables import STATES

# Made once: putting a statement together costs more than running it.
_OF_RECIPIENT = select(STATES).where(
    STATES.c.recipient == bindparam("recipient"), STATES.c.seq.in_(bindparam("positions", expanding=True))
)
_OF_NOTIFICATION = select(STATES).where(
    STATES.c.seq == bindparam("seq"), STATES.c.recipient.in_(bindparam("recipients", expanding=True))
)
_COLUMNS = ("recipient", "seq", "seen_at", "read_at", "dismissed_at")
_INSERT = f"INSERT INTO inbox_states ({', '.join(_COLUMNS)})"
_REPLACE = """
ON CONFLICT (recipient, seq) DO UPDATE SET seen_at = excluded.seen_at, read_at = excluded.read_at,
    dismissed_at = excluded.dismissed_at
"""
_STORE_SQLITE = f"{_INSERT} VALUES (?, ?, ?, ?, ?) {_REPLACE}"
_STORE_POSTGRESQL = f"""{_INSERT}
SELECT * FROM unnest(%(recipient)s::text[], %(seq)s::bigint[], %(seen_at)s::bigint[], %(read_at)s::bigint[],
    %(dismissed_at)s::bigint[])
{_REPLACE}
"""  # noqa: S608
# `Entry.last_states` depends on it: the state of a removed notification never changes again.
_UP_TO = """
    WHERE recipient = :recipient AND seq <= :seq
    AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.seq = inbox_states.seq AND n.removed_seq > 0)
"""
_SET_SEEN = "UPDATE inbox_states SET seen_at = COALESCE(seen_at, :now)"
_SEEN_UP_TO = text(_SET_SEEN + _UP_TO)
_READ_UP_TO = text(f"{_SET_SEEN}, read_at = COALESCE(read_at, :now) {_UP_TO}")


def read_states(connection: Connection, recipient: str, positions: Iterable[int]) -> dict[int, ItemState]:
    """Read the state rows of one recipient, by position of the notification."""
    states: dict[int, ItemState] = {}
    for some in in_parts(positions):
        for row in connection.execute(_OF_RECIPIENT, {"recipient": recipient, "positions": some}):
            states[row.seq] = ItemState(row.seen_at, row.read_at, row.dismissed_at)
    return states


def read_states_of(connection: Connection, seq: int, recipients: Iterable[str]) -> Mapping[str, ItemState | None]:
    """Read the state rows of one notification for many recipients, a few hundred a query; None for no row."""
    states: dict[str, ItemState | None] = {}
    for some in in_parts(recipients):
        states.update(dict.fromkeys(some))
        for row in connection.execute(_OF_NOTIFICATION, {"seq": seq, "recipients": some}):
            states[row.recipient] = ItemState(row.seen_at, row.read_at, row.dismissed_at)
    return states


def store_states(connection: Connection, recipient: str, states: Mapping[int, ItemState]) -> None:
    """Write a recipient's states of notifications, by position of the notification, or replace them."""
    rows = [(recipient, seq, state.seen_at, state.read_at, state.dismissed_at) for seq, state in states.items()]
    write_rows(connection, _COLUMNS, rows, sqlite=_STORE_SQLITE, postgresql=_STORE_POSTGRESQL)


def mark_states_up_to(connection: Connection, recipient: str, seq: int, now: int, *, read: bool) -> None:
    """Set `seen_at`, and with `read` also `read_at`, where unset in a recipient's rows up to a position."""
    connection.execute(_READ_UP_TO if read else _SEEN_UP_TO, {"recipient": recipient, "seq": seq, "now": now})

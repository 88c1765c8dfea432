"""The log's head: the row that assigns sequence numbers, with the data of the gateway as a whole."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, literal_column, select, update

from notifygate.storage.database import StandbyError
from notifygate.storage.tables import ENTRIES, HEAD, INBOXES, NOTIFICATIONS
from notifygate.storage.timeline import CURRENT_TIMELINE, TimelinePolicy, policy_of

_IS_HEAD = HEAD.c.id == 1
_HEAD = select(HEAD.c.epoch, HEAD.c.head, HEAD.c.floor).where(_IS_HEAD)
_HEAD_AND_TIMELINE = _HEAD.add_columns(HEAD.c.timeline, literal_column(CURRENT_TIMELINE))
_IDENTITY = select(HEAD.c.namespace, HEAD.c.key_fingerprint).where(_IS_HEAD)
_REWRITE = update(HEAD).where(_IS_HEAD).values(head=HEAD.c.head)
_COUNTED = {"entries": ENTRIES, "notifications": NOTIFICATIONS, "inboxes": INBOXES}


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the log."""

    epoch: int
    seq: int
    """Sequence of the newest entry."""
    floor: int
    """Entries up to here may be pruned."""
    timeline: str | None = None
    """PostgreSQL's timeline that the log was last written on; None until it is known, and where it is ignored."""
    server_timeline: str | None = None
    """The server's timeline; None on a standby, and where it is ignored."""

    @property
    def is_on_new_timeline(self) -> bool:
        """Whether the server's timeline must be stored before anything is appended."""
        return self.server_timeline is not None and self.server_timeline != self.timeline


def read_head(connection: Connection, *, lock: bool = False) -> Head:
    """Read the head. With `lock` no other transaction can append until this one ends (SQLite: BEGIN IMMEDIATE)."""
    statement = _HEAD if policy_of(connection) is TimelinePolicy.IGNORED else _HEAD_AND_TIMELINE
    return Head(*connection.execute(statement.with_for_update() if lock else statement).one())


def read_head_of_primary(connection: Connection) -> Head:
    """Read the head for the tail, which must not be fed from a standby. Raises StandbyError."""
    head = read_head(connection)
    if head.server_timeline is None and policy_of(connection) is not TimelinePolicy.IGNORED:
        raise StandbyError("The database server is a standby.")
    return head


def read_identity(connection: Connection) -> tuple[str, str | None]:
    """Read the gateway's namespace, and the fingerprint of its secret (None before its first start)."""
    namespace, key_fingerprint = connection.execute(_IDENTITY).one()
    return namespace, key_fingerprint


def update_head(connection: Connection, **values: Any) -> None:
    """Store columns of the head."""
    connection.execute(update(HEAD).where(_IS_HEAD).values(values))


def rewrite_head(connection: Connection) -> None:
    """Write the unchanged head: an error shows that the database can't be written, a full disk included."""
    connection.execute(_REWRITE)


def count_rows(connection: Connection) -> dict[str, int]:
    """Count the rows of `entries` (one for each audience), of `notifications` and of `inboxes`."""
    counts = {name: select(func.count()).select_from(table) for name, table in _COUNTED.items()}
    return {name: connection.execute(count).scalar_one() for name, count in counts.items()}

"""A transaction on the log, for every change but a plain publication.

It holds the log's lock from its first statement on. So its reads stay true until it commits, and its entries have their
numbers at once. Its work is short; the time-outs of `storage.database` bound it.

On a server with another timeline than the log's it first stores that timeline and begins a new epoch. Under the lock
exactly one transaction does so, and nothing is committed to the old epoch on the new timeline: appends without this
class (`log.append`) require the stored timeline.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from notifygate.domain.cursor import EPOCH_BITS
from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification
from notifygate.domain.times import now_ms
from notifygate.storage.database import Database
from notifygate.storage.stores.entries import insert_entries
from notifygate.storage.stores.head import Head, read_head, update_head
from notifygate.storage.timeline import TimelinePolicy, policy_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

ROWS_PER_COMMIT = 5_000
"""Rows of entries, one for each audience, past which nothing more is added to a commit. PostgreSQL takes less than
0.1 s for so many of notifications and 0.4 s for so many of states, and meanwhile everything else that appends waits."""


def other_epoch(epoch: int) -> int:
    """Draw an epoch other than the present one."""
    while (drawn := secrets.randbits(EPOCH_BITS)) == epoch:
        pass
    return drawn


def adopt_timeline(database: Database) -> None:
    """Store the server's timeline, and begin a new epoch where that is due. Nothing where it is stored already."""
    database.write(LogTransaction)


class LogTransaction:
    """An open transaction that can read, write and append entries."""

    def __init__(self, connection: Connection) -> None:
        head = read_head(connection, lock=True)
        self.connection = connection
        self.epoch = head.epoch
        self.head = head.seq
        """Sequence of the newest entry, this transaction's own included."""
        self.floor = head.floor
        self.now = now_ms()
        """The moment of all changes of this transaction, Unix milliseconds."""
        self.entries: list[Entry] = []
        self._rows = 0
        if head.is_on_new_timeline:
            self._adopt_timeline(head)

    def _adopt_timeline(self, head: Head) -> None:
        update_head(self.connection, timeline=head.server_timeline)
        if head.timeline is not None and policy_of(self.connection) is TimelinePolicy.BEGINS_EPOCH:
            logger.warning(
                "The database server was promoted (timeline %s, before %s): a new epoch begins",
                head.server_timeline,
                head.timeline,
            )
            self.begin_new_epoch(other_epoch(self.epoch))

    def append(
        self,
        kind: EntryKind,
        audiences: Sequence[str],
        notification: Notification | None = None,
        *,
        seen_at: int | None = None,
        read_at: int | None = None,
        unread_delta: int = 0,
        unseen_delta: int = 0,
    ) -> Entry:
        """Append an entry; the arguments are the fields of `Entry`."""
        self.head += 1
        entry = Entry(self.head, kind, tuple(audiences), notification, seen_at, read_at, unread_delta, unseen_delta)
        self.entries.append(entry)
        self._rows += len(entry.audiences)
        return entry

    @property
    def is_full(self) -> bool:
        """Whether the entries have ROWS_PER_COMMIT rows, so that no other change should join this transaction."""
        return self._rows >= ROWS_PER_COMMIT

    def prune_up_to(self, seq: int) -> None:
        """Raise the floor: entries up to a position may be missing from now on."""
        self.floor = max(self.floor, seq)
        update_head(self.connection, floor=self.floor)

    def begin_new_epoch(self, epoch: int) -> None:
        """Begin a new epoch: all earlier cursors are invalid."""
        self.epoch = epoch
        update_head(self.connection, epoch=epoch)

    def flush(self) -> None:
        """Write the appended entries and the new head. Called once, right before the commit."""
        if self.entries:
            insert_entries(self.connection, self.entries, self.now)
            update_head(self.connection, head=self.head)


class Transact(Protocol):
    """Runs a change in a transaction on the log and returns its result when that is durable."""

    def __call__(self, change: Callable[[LogTransaction], T], /) -> T:
        """Run the change. Its exceptions are raised here, and then nothing of it is committed."""
        ...

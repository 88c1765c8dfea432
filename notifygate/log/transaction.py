"""A transaction on the log, for every change but a plain publication.

It holds the log's lock from its first statement on. Whatever it reads therefore can't change before it commits, and
its entries have their numbers at once. Its work is short; the time-outs of `storage.database` are the net below it.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, insert, update

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification
from notifygate.domain.times import now_ms
from notifygate.log.reader import ENTRIES, HEAD, read_head

T = TypeVar("T")


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
        return entry

    def prune_up_to(self, seq: int) -> None:
        """Say that entries up to a position may be missing from now on."""
        self.floor = max(self.floor, seq)
        self.connection.execute(update(HEAD).where(HEAD.c.id == 1).values(floor=self.floor))

    def begin_new_epoch(self, epoch: int) -> None:
        """Say that history has begun anew: no cursor made before is worth anything."""
        self.epoch = epoch
        self.connection.execute(update(HEAD).where(HEAD.c.id == 1).values(epoch=epoch))

    def flush(self) -> None:
        """Write the appended entries and the new head. Called once, right before the commit."""
        if not self.entries:
            return
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
                "created_at": self.now,
            }
            for entry in self.entries
            for audience in entry.audiences
        ]
        self.connection.execute(insert(ENTRIES), rows)
        self.connection.execute(update(HEAD).where(HEAD.c.id == 1).values(head=self.head))


class Transact(Protocol):
    """Runs a change in a transaction on the log and returns its result when that is durable."""

    def __call__(self, change: Callable[[LogTransaction], T], /) -> T:
        """Run the change; whatever it raises is raised here and nothing of it is committed."""
        ...

"""Retention: forgetting what is old, in batches small enough that nobody waits long for the log.

What goes: entries older than the retention, but not the `published` entries of notifications that still live, since
those are what an inbox holds; notifications that left every inbox, or were dismissed by the one recipient they were
for, that long ago; inboxes that only publications have begun, with the last entry for them; idempotency records after
their day. The position up to which entries may be missing is kept, and
a cursor below it gets a reset.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, literal, not_, select, text

from notifygate import metrics
from notifygate.domain.audience import user
from notifygate.domain.entry import EntryKind
from notifygate.domain.times import now_ms
from notifygate.inbox.membership import INBOXES, STATES
from notifygate.log.reader import ENTRIES, NOTIFICATIONS
from notifygate.log.transaction import LogTransaction, Transact
from notifygate.publishing.publish import IDEMPOTENCY_SECONDS, RECORDS
from notifygate.storage.database import Database

ROWS_PER_TRANSACTION = 500
POSITIONS_PER_READ = 10_000
"""Positions of the log that are searched at a time, so that no single query takes long."""
INBOXES_PER_READ = 10_000
"""Inboxes that are searched at a time, for the same reason."""
DAY_MS = 24 * 3600 * 1000

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


def _read_dismissed(connection: Connection, after: int, until: int, cutoff: int) -> list[int]:
    values = {"after": after, "until": until, "cutoff": cutoff}
    return list(connection.execute(_DISMISSED, values).scalars())


_UNPOLLED = not_(INBOXES.c.is_polled)
"""As the index `ix_inboxes_unpolled` has it."""
_EMPTY = ~select(ENTRIES.c.seq).where(ENTRIES.c.audience == literal(user("")) + INBOXES.c.recipient).exists()


def _read_bound(connection: Connection, after: str) -> str | None:
    """Return the last of the next INBOXES_PER_READ recipients who have made no request; None if there are no more."""
    some = select(INBOXES.c.recipient).where(_UNPOLLED, INBOXES.c.recipient > after)
    part = some.order_by(INBOXES.c.recipient).limit(INBOXES_PER_READ).subquery()
    return connection.execute(select(func.max(part.c.recipient))).scalar_one()


def _read_empty(connection: Connection, after: str, until: str) -> list[str]:
    wanted = (_UNPOLLED, INBOXES.c.recipient > after, INBOXES.c.recipient <= until, _EMPTY)
    return list(connection.execute(select(INBOXES.c.recipient).where(*wanted)).scalars())


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows retention has removed."""

    entries: int
    notifications: int
    inboxes: int
    idempotency_records: int


class Retention:
    """Prunes. Any worker may do it at any time, several at once too."""

    def __init__(self, database: Database, transact: Transact, retention_days: int) -> None:
        self._database = database
        self._transact = transact
        self._retention_ms = retention_days * DAY_MS

    def prune(self) -> Pruned:
        """Remove everything that is old enough."""
        now = now_ms()
        cutoff = now - self._retention_ms
        entries, floor = self._prune_entries(cutoff)
        notifications = self._prune_removed(floor) + self._prune_dismissed(floor, cutoff)
        pruned = Pruned(
            entries, notifications, self._prune_inboxes(), self._prune_idempotency(now - IDEMPOTENCY_SECONDS * 1000)
        )
        metrics.pruned.labels("entry").inc(pruned.entries)
        metrics.pruned.labels("notification").inc(pruned.notifications)
        metrics.pruned.labels("inbox").inc(pruned.inboxes)
        metrics.pruned.labels("idempotency").inc(pruned.idempotency_records)
        return pruned

    def _prune_entries(self, cutoff: int) -> tuple[int, int]:
        """Remove entries from the floor upwards; return how many, and the new floor."""

        def change(transaction: LogTransaction) -> tuple[int, bool]:
            old = transaction.connection.execute(
                select(ENTRIES.c.seq, ENTRIES.c.created_at)
                .where(ENTRIES.c.seq > transaction.floor)
                .order_by(ENTRIES.c.seq)
                .limit(ROWS_PER_TRANSACTION)
            ).all()
            up_to = next((row.seq - 1 for row in old if row.created_at >= cutoff), old[-1].seq if old else 0)
            if up_to <= transaction.floor:
                return 0, True
            removed = transaction.connection.execute(
                delete(ENTRIES).where(
                    ENTRIES.c.seq > transaction.floor,
                    ENTRIES.c.seq <= up_to,
                    ENTRIES.c.kind != EntryKind.PUBLISHED.value,
                )
            )
            transaction.prune_up_to(up_to)
            return removed.rowcount, len(old) < ROWS_PER_TRANSACTION

        total, finished = 0, False
        while not finished:
            removed, finished = self._transact(change)
            total += removed
        return total, self._transact(lambda transaction: transaction.floor)

    def _prune_removed(self, floor: int) -> int:
        def old(connection: Connection) -> list[int]:
            statement = select(NOTIFICATIONS.c.seq).where(NOTIFICATIONS.c.removed_seq <= floor)
            return list(connection.execute(statement.limit(ROWS_PER_TRANSACTION)).scalars())

        total = 0
        while batch := self._database.read(old):
            total += self._delete_notifications(batch)
        return total

    def _prune_dismissed(self, floor: int, cutoff: int) -> int:
        total = 0
        for after in range(0, floor, POSITIONS_PER_READ):
            until = min(after + POSITIONS_PER_READ, floor)
            batch = self._database.read(functools.partial(_read_dismissed, after=after, until=until, cutoff=cutoff))
            for begin in range(0, len(batch), ROWS_PER_TRANSACTION):
                total += self._delete_notifications(batch[begin : begin + ROWS_PER_TRANSACTION])
        return total

    def _delete_notifications(self, positions: Sequence[int]) -> int:
        def change(transaction: LogTransaction) -> int:
            transaction.connection.execute(delete(STATES).where(STATES.c.seq.in_(positions)))
            transaction.connection.execute(delete(ENTRIES).where(ENTRIES.c.seq.in_(positions)))
            return transaction.connection.execute(
                delete(NOTIFICATIONS).where(NOTIFICATIONS.c.seq.in_(positions))
            ).rowcount

        return self._transact(change)

    def _prune_inboxes(self) -> int:
        total, after = 0, ""
        while (until := self._database.read(functools.partial(_read_bound, after=after))) is not None:
            batch = self._database.read(functools.partial(_read_empty, after=after, until=until))
            for begin in range(0, len(batch), ROWS_PER_TRANSACTION):
                total += self._delete_inboxes(batch[begin : begin + ROWS_PER_TRANSACTION])
            after = until
        return total

    def _delete_inboxes(self, recipients: Sequence[str]) -> int:
        """Delete those that are still unpolled and empty: the log is locked here, and it was not for the search."""

        def change(transaction: LogTransaction) -> int:
            ended = delete(INBOXES).where(INBOXES.c.recipient.in_(recipients), _UNPOLLED, _EMPTY)
            return transaction.connection.execute(ended).rowcount

        return self._transact(change)

    def _prune_idempotency(self, cutoff: int) -> int:
        def change(transaction: LogTransaction) -> int:
            return transaction.connection.execute(delete(RECORDS).where(RECORDS.c.created_at < cutoff)).rowcount

        return self._transact(change)

"""Retention: deletion of old rows, in batches small enough that no request waits long for the log.

It deletes entries older than the retention, but not the `published` entries of live notifications, since inboxes
consist of those; notifications that left every inbox, or were dismissed by the one recipient they were for, that long
ago; inboxes that were begun by publications alone, with the last entry for them; idempotency records after a day. The
position up to which entries may be missing is stored, and a cursor below it gets a reset.
"""

import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from notifygate import metrics
from notifygate.clock import SYSTEM_CLOCK, Clock, unix_ms
from notifygate.domain.cursor import MAX_SEQUENCE
from notifygate.log.transaction import LogTransaction, Transact
from notifygate.publishing.publish import IDEMPOTENCY_SECONDS
from notifygate.storage.database import Database
from notifygate.storage.stores import pruning
from notifygate.storage.stores.idempotency import delete_old_outcomes
from notifygate.storage.stores.parameters import in_parts

ROWS_PER_TRANSACTION = 500
"""Maximum of deleted rows of one transaction, which bounds the time of the log's lock."""

POSITIONS_PER_READ = 10_000
"""Positions of the log that are searched at a time, so that no single query takes long."""

INBOXES_PER_READ = 10_000
"""Inboxes that are searched at a time, for the same reason."""

DAY_MS = 24 * 3600 * 1000
"""A day in milliseconds."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows retention has removed."""

    entries: int
    notifications: int
    inboxes: int
    idempotency_records: int


class Retention:
    """Prunes. Any worker may do it at any time, several at once too."""

    def __init__(
        self, database: Database, transact: Transact, retention_days: int, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._clock = clock
        self._database = database
        self._transact = transact
        self._retention_ms = retention_days * DAY_MS
        self._searched_up_to = random.randrange(MAX_SEQUENCE)  # noqa: S311 - guards nothing

    def prune(self, max_positions: int = MAX_SEQUENCE) -> Pruned:
        """Remove everything that is old enough.

        With `max_positions` the search for dismissed notifications, whose time grows with the number of those that are
        kept, covers so many positions of the log: each time the next ones, beginning anywhere.
        """
        now = unix_ms(self._clock)
        cutoff = now - self._retention_ms
        entries, floor = self._prune_entries(cutoff)
        notifications = self._prune_removed(floor) + self._prune_dismissed(floor, cutoff, max_positions)
        inboxes = self._prune_inboxes()
        oldest = now - IDEMPOTENCY_SECONDS * 1000
        records = self._delete("idempotency", lambda connection: delete_old_outcomes(connection, oldest))
        return Pruned(entries, notifications, inboxes, records)

    def _delete(self, kind: str, delete: Callable[[Connection], int]) -> int:
        """Delete rows of a kind in one transaction; return how many."""
        removed = self._transact(lambda transaction: delete(transaction.connection))
        metrics.pruned.labels(kind).inc(removed)  # at once: a later transaction may fail
        return removed

    def _prune_entries(self, cutoff: int) -> tuple[int, int]:
        """Remove entries from the floor upwards; return how many, and the new floor."""

        def change(transaction: LogTransaction) -> tuple[int, bool]:
            connection, floor = transaction.connection, transaction.floor
            ages = pruning.read_entry_ages(connection, floor, ROWS_PER_TRANSACTION)
            up_to = next((seq - 1 for seq, created_at in ages if created_at >= cutoff), ages[-1][0] if ages else 0)
            if up_to <= floor:
                return 0, True
            removed = pruning.delete_entries(connection, floor, up_to)
            transaction.prune_up_to(up_to)
            return removed, len(ages) < ROWS_PER_TRANSACTION

        total, finished = 0, False
        while not finished:
            removed, finished = self._transact(change)
            metrics.pruned.labels("entry").inc(removed)
            total += removed
        return total, self._transact(lambda transaction: transaction.floor)

    def _prune_removed(self, floor: int) -> int:
        total = 0
        while batch := self._database.read(lambda c: pruning.read_removed(c, floor, ROWS_PER_TRANSACTION)):
            total += self._delete_notifications(batch)
        return total

    def _prune_dismissed(self, floor: int, cutoff: int, max_positions: int) -> int:
        total = 0
        begin = self._searched_up_to % floor if max_positions < floor else 0
        end = min(begin + max_positions, floor)
        for after in range(begin, end, POSITIONS_PER_READ):
            until = min(after + POSITIONS_PER_READ, end)
            batch = self._database.read(
                functools.partial(pruning.read_dismissed, after=after, until=until, cutoff=cutoff)
            )
            total += sum(map(self._delete_notifications, in_parts(batch, ROWS_PER_TRANSACTION)))
        self._searched_up_to = end if end < floor else 0  # begin again: by then the floor has risen
        return total

    def _delete_notifications(self, positions: Sequence[int]) -> int:
        return self._delete("notification", lambda connection: pruning.delete_notifications(connection, positions))

    def _prune_inboxes(self) -> int:
        total, after = 0, ""
        while (until := self._read_unpolled_bound(after)) is not None:
            batch = self._database.read(functools.partial(pruning.read_empty_inboxes, after=after, until=until))
            total += sum(map(self._delete_inboxes, in_parts(batch, ROWS_PER_TRANSACTION)))
            after = until
        return total

    def _read_unpolled_bound(self, after: str) -> str | None:
        return self._database.read(lambda c: pruning.read_unpolled_bound(c, after, INBOXES_PER_READ))

    def _delete_inboxes(self, recipients: Sequence[str]) -> int:
        """Delete those that are still unpolled and empty: the log is locked here, and it was not for the search."""
        return self._delete("inbox", lambda connection: pruning.delete_empty_inboxes(connection, recipients))

"""Taking notifications out of every inbox: retracted by their publisher, or expired."""

from notifygate import metrics
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.domain.entry import EntryKind
from notifygate.domain.notification import Notification
from notifygate.domain.principal import Publisher
from notifygate.errors import NotFoundError
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database
from notifygate.storage.stores.notifications import has_due, mark_removed, read_due, read_notification

EXPIRED_PER_TRANSACTION = 200


def _remove(transaction: LogTransaction, notification: Notification, kind: EntryKind) -> None:
    entry = transaction.append(kind, notification.to, notification)
    mark_removed(transaction.connection, notification.seq, entry.seq)


class Removal:
    """Retracts and expires."""

    def __init__(self, database: Database, writer: LogWriter, clock: Clock = SYSTEM_CLOCK) -> None:
        self._wall = clock.wall
        self._database = database
        self._writer = writer

    def retract(self, publisher: Publisher, notification_id: str) -> None:
        """Take a notification back. One that has left the inboxes already stays as it is.

        Raises NotFoundError for an id that is unknown, or another key's where the publisher is no admin.
        """

        def change(transaction: LogTransaction) -> None:
            stored = read_notification(transaction.connection, notification_id)
            if stored is None or (stored.key_id != publisher.key_id and "admin" not in publisher.scopes):
                raise NotFoundError("There is no such notification of this key.")
            if stored.removed_seq is None:
                _remove(transaction, stored.notification, EntryKind.RETRACTED)

        self._writer.transact(change)

    def expire_due(self) -> int:
        """Take out what has expired by now, and return how many that were.

        Any worker may do this at any time: who comes second finds nothing left. Looking costs one index read, and
        only if there is something the log is locked.
        """

        def change(transaction: LogTransaction) -> int:
            due = read_due(transaction.connection, self._now_ms(), EXPIRED_PER_TRANSACTION)
            for notification in due:
                _remove(transaction, notification, EntryKind.EXPIRED)
            return len(due)

        total = 0
        while self._database.read(lambda connection: has_due(connection, self._now_ms())):
            total += self._writer.transact(change)
        metrics.expired.inc(total)
        return total

    def _now_ms(self) -> int:
        return int(self._wall() * 1000)

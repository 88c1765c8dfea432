"""Taking notifications out of every inbox: retracted by their publisher, or expired."""

from notifygate import metrics
from notifygate.clock import SYSTEM_CLOCK, Clock, unix_ms
from notifygate.domain.entry import EntryKind
from notifygate.domain.notification import Notification
from notifygate.domain.principal import Publisher
from notifygate.errors import NotFoundError
from notifygate.log.transaction import ROWS_PER_COMMIT, LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database
from notifygate.storage.stores.notifications import has_due, mark_removed, read_due, read_notification

EXPIRED_PER_TRANSACTION = 200
"""Maximum of expired notifications of one transaction, fewer if they have ROWS_PER_COMMIT audiences: this bounds the
time of the log's lock."""


def _remove(transaction: LogTransaction, notification: Notification, kind: EntryKind) -> None:
    entry = transaction.append(kind, notification.to, notification)
    mark_removed(transaction.connection, notification.seq, entry.seq)


class Removal:
    """Retracts and expires."""

    def __init__(self, database: Database, writer: LogWriter, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._database = database
        self._writer = writer

    def retract(self, publisher: Publisher, notification_id: str) -> None:
        """Retract a notification. One that has left the inboxes already is not changed.

        Raises NotFoundError for an unknown id, or another key's if the publisher is not an administrator.
        """

        def change(transaction: LogTransaction) -> None:
            stored = read_notification(transaction.connection, notification_id)
            if stored is None or (stored.key_id != publisher.key_id and "admin" not in publisher.scopes):
                raise NotFoundError("The notification does not exist, or belongs to another key.")
            if stored.removed_seq is None:
                _remove(transaction, stored.notification, EntryKind.RETRACTED)

        self._writer.transact(change)

    def expire_due(self) -> int:
        """Remove the notifications that have expired by now from the inboxes, and return their number.

        Any worker may do this at any time: the second one finds nothing left. A check costs one index read, and the log
        is locked only if something has expired.
        """

        def change(transaction: LogTransaction) -> int:
            now = unix_ms(self._clock)
            due = read_due(transaction.connection, now, EXPIRED_PER_TRANSACTION, ROWS_PER_COMMIT)
            for notification in due:
                _remove(transaction, notification, EntryKind.EXPIRED)
            return len(due)

        total = 0
        while self._database.read(lambda connection: has_due(connection, unix_ms(self._clock))):
            expired = self._writer.transact(change)
            metrics.expired.inc(expired)  # at once: a later transaction may fail
            total += expired
        return total

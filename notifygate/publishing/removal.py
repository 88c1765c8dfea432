"""Taking notifications out of every inbox: retracted by their publisher, or expired."""

from typing import Any

from sqlalchemy import Connection, select, update

from notifygate import metrics
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Publisher
from notifygate.domain.times import now_ms
from notifygate.errors import NotFoundError
from notifygate.log.reader import NOTIFICATION_COLUMNS, NOTIFICATIONS, AnyRow, notification_from_row
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database

EXPIRED_PER_TRANSACTION = 200

_COLUMNS = (NOTIFICATIONS.c.seq, NOTIFICATIONS.c.removed_seq, NOTIFICATIONS.c.key_id, *NOTIFICATION_COLUMNS)


def _remove(transaction: LogTransaction, row: AnyRow, kind: EntryKind) -> None:
    notification = notification_from_row(row, row.seq)
    entry = transaction.append(kind, notification.to, notification)
    transaction.connection.execute(
        update(NOTIFICATIONS).where(NOTIFICATIONS.c.seq == row.seq).values(removed_seq=entry.seq)
    )


class Removal:
    """Retracts and expires."""

    def __init__(self, database: Database, writer: LogWriter) -> None:
        self._database = database
        self._writer = writer

    def retract(self, publisher: Publisher, notification_id: str) -> None:
        """Take a notification back. One that has left the inboxes already stays as it is.

        Raises NotFoundError for an id that is unknown, or another key's where the publisher is no admin.
        """

        def change(transaction: LogTransaction) -> None:
            statement = select(*_COLUMNS).where(NOTIFICATIONS.c.id == notification_id)
            row = transaction.connection.execute(statement).one_or_none()
            if row is None or (row.key_id != publisher.key_id and "admin" not in publisher.scopes):
                raise NotFoundError("There is no such notification of this key.")
            if row.removed_seq is None:
                _remove(transaction, row, EntryKind.RETRACTED)

        self._writer.transact(change)

    def expire_due(self) -> int:
        """Take out what has expired by now, and return how many that were.

        Any worker may do this at any time: who comes second finds nothing left. Looking costs one index read, and
        only if there is something the log is locked.
        """

        def due(connection: Connection, *columns: Any) -> list[AnyRow]:
            return list(
                connection.execute(
                    select(*columns)
                    .where(NOTIFICATIONS.c.expires_at <= now_ms(), NOTIFICATIONS.c.removed_seq.is_(None))
                    .order_by(NOTIFICATIONS.c.expires_at, NOTIFICATIONS.c.seq)
                    .limit(EXPIRED_PER_TRANSACTION)
                )
            )

        def change(transaction: LogTransaction) -> int:
            rows = due(transaction.connection, *_COLUMNS)
            for row in rows:
                _remove(transaction, row, EntryKind.EXPIRED)
            return len(rows)

        total = 0
        while self._database.read(lambda connection: due(connection, NOTIFICATIONS.c.seq)):
            total += self._writer.transact(change)
        metrics.expired.inc(total)
        return total

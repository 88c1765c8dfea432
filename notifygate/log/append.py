"""Appending published notifications: a whole batch in one transaction, on PostgreSQL in one statement.

The head's row hands out the sequence numbers and is locked until the commit, so numbers are given in the order of
commits and a reader who has seen n has seen all before it. On PostgreSQL a process that is stopped at any moment either
has not sent the statement or can't hold the lock beyond it. The statement appends nothing on a server with another
timeline than the log's; then the timeline is adopted first (`log.transaction`).
"""

from collections.abc import Sequence

from notifygate.domain.times import now_ms
from notifygate.log.transaction import adopt_timeline
from notifygate.storage.database import Database
from notifygate.storage.stores.append import Publication, append_notifications


def append_published(database: Database, batch: Sequence[Publication]) -> int:
    """Commit a batch; afterwards each notification has its `seq`. Returns the epoch.

    Raises ClaimTakenError if an Idempotency-Key is taken (nothing of the batch was committed then), and
    UnavailableError.
    """
    run = database.write if database.is_sqlite else database.autocommit
    while (placed := run(lambda connection: append_notifications(connection, batch, now_ms()))) is None:
        adopt_timeline(database)
    base, epoch = placed
    for offset, publication in enumerate(batch, 1):
        publication.notification.seq = base + offset
    return epoch

"""The writer: the one greenlet of a process that appends to the log, in groups.

Everything that waits when a commit begins goes into it together (group commit), so that the price of the lock and of
the disk's sync is paid once for many; but no more than a bounded number of rows, for which the lock is not held long.
An append that fails is tried again on its own: it never fails its neighbours.
"""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from gevent.event import AsyncResult
from gevent.queue import Queue
from sqlalchemy import Connection

from notifygate import metrics
from notifygate.announcements.announcement import Announcement, announce
from notifygate.background import Background
from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import NewNotification
from notifygate.errors import UnavailableError
from notifygate.log.append import append_published
from notifygate.log.transaction import ROWS_PER_COMMIT, LogTransaction
from notifygate.storage.database import Database
from notifygate.storage.stores.append import IdempotencyClaim, Publication
from notifygate.storage.stores.head import rewrite_head
from notifygate.waiting import require_greenlet

logger = logging.getLogger(__name__)

T = TypeVar("T")
Change = Callable[[LogTransaction], Any]
"""A change in a transaction on the log, with any result."""

MAX_BATCH = 512
"""Appends per commit: beyond a few hundred the sync is no longer what costs."""

MAX_WAITING = 10_000
"""Appends that may wait; more than a few seconds' worth is answered with "try again" instead of a growing queue."""


class _Waiting:
    """A queued append, with the place of its result."""

    __slots__ = ("done", "rows", "work")

    def __init__(self, work: Publication | Change, rows: int) -> None:
        self.work = work
        self.rows = rows
        """The rows of its entry; 1 for a change, whose rows are known when it has run."""
        self.done: AsyncResult[Any] = AsyncResult()


def run_transaction(database: Database, changes: Sequence[Change]) -> tuple[list[Any], int, list[Entry]]:
    """Run changes in one transaction on the log; return their results, the epoch and the entries appended.

    If the transaction is full before all have run, the others are left out, and so are their results.
    """

    def work(connection: Connection) -> tuple[list[Any], int, list[Entry]]:
        transaction = LogTransaction(connection)
        results: list[Any] = []
        for change in changes:
            results.append(change(transaction))
            if transaction.is_full:
                break
        transaction.flush()
        return results, transaction.epoch, transaction.entries

    return database.write(work)


class LogWriter:
    """Appends to the log. `after_commit`: called in this order after each commit that appended something.

    They can't fail the commit, which is durable by then: an error of one is logged, the others are called, and the next
    read of the head does its work.
    """

    def __init__(self, database: Database, *after_commit: Callable[[Announcement], None]) -> None:
        self._database = database
        self._after_commit = after_commit
        self._queue: Queue[_Waiting] = Queue()
        self._loop = Background(self._step)
        self.is_failing = False
        """Whether the last commit failed because the database was unreachable, too busy or read-only. A commit that was
        rejected for its content does not count."""

    def start(self) -> None:
        """Begin to write."""
        self._loop.start()

    def stop(self) -> None:
        """Stop. All requests have their results, since they end before the writer does."""
        self._loop.stop()

    def publish(self, notification: NewNotification, claim: IdempotencyClaim | None = None) -> None:
        """Append a notification and return when it is durable; it has its `seq` then.

        Raises ClaimTakenError if the claim is taken, UnavailableError if the outcome is not known.
        """
        self._submit(Publication(notification, claim), len(notification.to))

    def transact(self, change: Callable[[LogTransaction], T]) -> T:
        """Run a change in a transaction on the log, shared with others; return its result when it is durable.

        `change` runs again if the transaction is repeated, so it has no effect outside the transaction. Its exceptions
        are raised here, and then nothing of it is committed.
        """
        return cast(T, self._submit(change, 1))

    def probe(self) -> None:
        """Find out whether the database can be written again, by a write that changes nothing. Raises UnavailableError.

        Nothing where the last commit succeeded.
        """
        if self.is_failing:
            self.transact(lambda transaction: rewrite_head(transaction.connection))

    def _submit(self, work: Publication | Change, rows: int) -> Any:
        require_greenlet()
        if self._queue.qsize() >= MAX_WAITING:
            raise UnavailableError("Too many changes wait to be written.")
        waiting = _Waiting(work, rows)
        self._queue.put(waiting)
        return waiting.done.get()

    def _step(self) -> None:
        with self._loop.idle:
            batch = [self._queue.get()]
        rows = batch[0].rows
        while len(batch) < MAX_BATCH and rows < ROWS_PER_COMMIT and not self._queue.empty():
            batch.append(self._queue.get())
            rows += batch[-1].rows
        # The waiting requests are independent, so the order of their results is free.
        self._settle([w for w in batch if isinstance(w.work, Publication)], self._commit_publications)
        self._settle([w for w in batch if not isinstance(w.work, Publication)], self._commit_changes)

    def _settle(self, batch: list[_Waiting], commit: Callable[[list[_Waiting]], None]) -> None:
        """Commit a batch and set the results of all its appends; `commit` may remove those that are done from it."""
        if not batch:
            return
        try:
            commit(batch)
            self.is_failing = False
        except UnavailableError as error:
            self.is_failing = True
            # Whether the commit took place may be unknown: repeating it here could append twice.
            for waiting in batch:
                waiting.done.set_exception(error)
        except Exception as error:
            if len(batch) == 1:
                batch[0].done.set_exception(error)
            else:
                for waiting in batch:
                    self._settle([waiting], commit)

    def _commit_publications(self, batch: list[_Waiting]) -> None:
        publications = [cast(Publication, waiting.work) for waiting in batch]
        began = time.perf_counter()
        epoch = append_published(self._database, publications)
        notifications = [publication.notification for publication in publications]
        self._committed(epoch, [Entry(n.seq, EntryKind.PUBLISHED, n.to, n) for n in notifications], began)
        for waiting in batch:
            waiting.done.set(None)

    def _commit_changes(self, batch: list[_Waiting]) -> None:
        """Commit changes, in several transactions where they have too many rows for one, until none is left."""
        while batch:
            began = time.perf_counter()
            results, epoch, entries = run_transaction(self._database, [cast(Change, w.work) for w in batch])
            self._committed(epoch, entries, began)
            for waiting, result in zip(batch, results, strict=False):
                waiting.done.set(result)
            del batch[: len(results)]  # a later error is not theirs

    def _committed(self, epoch: int, entries: list[Entry], began: float) -> None:
        """Announce and count a commit. Raises nothing: `_settle` would repeat what is durable already."""
        seconds = time.perf_counter() - began
        with _logging_defects():
            if entries:
                self._announce(announce(epoch, entries))  # before the metrics: holds may wait for it
                metrics.appends.inc(len(entries))
                metrics.batch_entries.observe(len(entries))
            metrics.commit_seconds.observe(seconds)

    def _announce(self, announcement: Announcement) -> None:
        for listener in self._after_commit:
            with _logging_defects():
                listener(announcement)


@contextmanager
def _logging_defects() -> Generator[None]:
    """Log an exception and suppress it."""
    try:
        yield
    except Exception:
        metrics.follower_errors.inc()
        logger.exception("Announcing a commit failed")

"""The follower: feeds the tail, and notifies of new entries.

It learns of growth in three ways (the writer of this process, Redis, reading the head), each of which may fail without
harm: sequence numbers are contiguous, so missing entries are detected and read from the database. The database is the
truth, announcements are hints.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gevent.event import Event
from gevent.lock import BoundedSemaphore

from notifygate import metrics
from notifygate.announcements.announcement import Announcement
from notifygate.background import Background
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.domain.entry import Entry
from notifygate.errors import NotifygateError, UnavailableError
from notifygate.log.lost_announcements import LostAnnouncements
from notifygate.log.tail import Tail
from notifygate.log.transaction import adopt_timeline
from notifygate.storage.database import Database
from notifygate.storage.stores.entries import read_range
from notifygate.storage.stores.head import Head, read_head_of_primary
from notifygate.waiting import WouldWaitError, require_greenlet

logger = logging.getLogger(__name__)

RANGE_PER_READ = 500
"""Entries read from the database in one go while catching up, or fewer if they have many audiences (`read_range`)."""

HINTED_READ_SECONDS = 0.25
"""An unusable announcement is a reason to read the head, but no sooner than this after the last read: any number of
them costs at most four reads a second."""

MAX_OFFERED = 100
"""Maximum of other processes' announcements that wait while the database is read. Reading the head finds dropped
ones."""


class _HeadRead(NamedTuple):
    """A read of the head, and what was known when it began."""

    head: Head
    began: float
    end: int
    """End of the tail; it may be further by now."""
    restarts: int
    requests: int
    """Calls of `check_soon`; a later one asks for another read."""


class Follower:
    """Keeps a tail at the end of the log, and calls listeners, each in the order of its list.

    `before_entries`: with new entries before they are visible; may do I/O. `after_entries`: right after the entries are
    in the tail, with the time of the commit where it is known; must not wait. `on_restart`: when there is a new epoch,
    right before the tail begins it. A listener there may do I/O before the first that changes something, not after.
    """

    def __init__(
        self,
        database: Database,
        tail: Tail,
        capacity: int,
        check_interval_seconds: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.before_entries: list[Callable[[Sequence[Entry]], None]] = []
        self.after_entries: list[Callable[[Sequence[Entry], float | None], None]] = []
        self.on_restart: list[Callable[[], None]] = []
        self._clock = clock
        self._monotonic = clock.monotonic
        self._database = database
        self._tail = tail
        self._capacity = capacity
        self._interval = check_interval_seconds
        self._stale_after = max(3.0, 3 * check_interval_seconds)
        self._offered: deque[Announcement] = deque()
        self._news = Event()
        self._lock = BoundedSemaphore()
        self._failed_at = 0.0
        self._current_at = -math.inf
        """When the latest of all successful reads of the head began: the tail has what was committed before."""
        self._restarts = 0
        self._is_head_read_due = False
        self._requests = 0
        self._ranges_ignored_until = -math.inf
        self._loop = Background(self._step)
        self.lost = LostAnnouncements(clock)

    def start(self) -> None:
        """Read the newest entries and begin to follow. Raises UnavailableError if the database can't be read."""
        with self._lock:
            head = self._read_head().head
            self._tail.restart(head.epoch, max(head.floor, head.seq - self._capacity, 0))
            self._fill(head.seq, None)
            self._tail.checked_at = self._monotonic()
        self._loop.start()

    def stop(self) -> None:
        """Stop following."""
        self._loop.stop()

    def follow_commit(self, announcement: Announcement) -> None:
        """Process the announcement of a commit of this process. In a greenlet, return when the tail has its entries.

        So after the response to a publication the next poll to this process has it. Never raises: the follower's
        greenlet processes the rest.
        """
        self._offered.append(announcement)
        try:
            if self._lock.locked():
                require_greenlet()
            with self._lock:
                self._follow_offered()
        except (NotifygateError, WouldWaitError):
            self._news.set()  # the follower's greenlet continues, or reads the head later and logs the error

    def follow_announcement(self, announcement: Announcement) -> None:
        """Process the announcement of another process: as `follow_commit`, but it may be a replayed one.

        One of another epoch, or one too many while the database is read, is only a reason to read the head soon.
        """
        if announcement.epoch != self._tail.epoch or len(self._offered) >= MAX_OFFERED:
            self._read_head_soon()
        elif announcement.last > self._tail.end or self.lost.are_expected:
            self.follow_commit(announcement)

    def _read_head_soon(self) -> None:
        """Make the follower's greenlet read the head, at most once in HINTED_READ_SECONDS."""
        self._is_head_read_due = True
        self._news.set()

    def check_soon(self) -> None:
        """Read the head without waiting for the interval, for example after a reconnect that may have missed
        announcements."""
        self._requests += 1
        self._tail.checked_at = -math.inf
        self._news.set()

    def reach(self, epoch: int, seq: int) -> None:
        """Bring the tail to a position of an epoch, or to wherever the log's end is. Raises UnavailableError."""
        if not self._has_reached(epoch, seq):
            self._follow_head_unless(lambda: self._has_reached(epoch, seq))

    def catch_up(self) -> None:
        """Bring the tail to the log's present end and epoch. Raises UnavailableError."""
        began = self._monotonic()
        self._follow_head_unless(lambda: self._current_at >= began)

    def _has_reached(self, epoch: int, seq: int) -> bool:
        return self._tail.epoch == epoch and self._tail.end >= seq

    @property
    def is_fed(self) -> bool:
        """Whether the tail is current: a read of the head succeeded lately.

        It bounds the age of "nothing new" and no more: a position or epoch that a client knows of is waited for
        (`reach`, `catch_up`), and an entry that a read finds ends the holds that were checked before. So the end of the
        read counts. With its beginning, reads of more than `_stale_after` would leave the tail stale for ever, and all
        polls would read the head, one after the other.
        """
        return self._monotonic() - self._tail.checked_at <= self._stale_after

    def ensure_fed(self) -> None:
        """Make sure that the tail is current: if no read of the head succeeded lately, read it now.

        Raises UnavailableError if that fails: only a current tail may answer "nothing new".
        """
        if not self.is_fed:
            self._follow_head_unless(lambda: self.is_fed)

    def _follow_head_unless(self, is_enough: Callable[[], bool]) -> None:
        """Read the head unless the entries that arrived meanwhile suffice. A greenlet that waited while another one
        failed fails with it: a database that doesn't respond must not delay all of them in turn."""
        require_greenlet()
        began = self._monotonic()
        with self._lock:
            self._follow_offered()
            if is_enough():
                return
            if self._failed_at >= began:
                raise UnavailableError("The log can't be read now.")
            try:
                self._follow_head()
            except UnavailableError:
                self._failed_at = self._monotonic()
                raise

    def _step(self) -> None:
        with self._loop.idle:
            self._clock.wait(self._news, self._seconds_until_head_read())
        self._news.clear()
        try:
            with self._lock:
                self._follow_offered()
            if self._seconds_until_head_read() == 0:
                self._is_head_read_due = False
                self._follow_head_unlocked()
        except NotifygateError as error:
            metrics.follower_errors.inc()
            logger.warning("The log can't be followed now: %s", error.for_operators)
            self._clock.sleep(self._interval)
        except Exception:
            metrics.follower_errors.inc()
            logger.exception("Following the log failed")
            self._clock.sleep(self._interval)

    def _seconds_until_head_read(self) -> float:
        interval = min(self._interval, HINTED_READ_SECONDS) if self._is_head_read_due else self._interval
        return max(0.0, interval - self._tail.seconds_since_check())

    def _follow_offered(self) -> None:
        while self._offered:
            announcement = self._offered.popleft()
            try:
                self._follow(announcement)
            except WouldWaitError:
                self._offered.appendleft(announcement)
                raise
            except NotifygateError:
                raise
            except Exception:  # a defect: announced entries are only a copy, so the log itself has to be read
                metrics.follower_errors.inc()
                logger.exception("Using announced entries failed; they are read from the database")
                self._tail.forget()  # it may have added a part of them
                self._read_head_soon()

    def _follow(self, announcement: Announcement) -> None:
        tail = self._tail
        if announcement.epoch != tail.epoch:
            self._follow_head()
        elif announcement.last > tail.end:
            if announcement.entries is None or announcement.first > tail.end + 1:
                self._follow_range(announcement)
            else:
                entries = [entry for entry in announcement.entries if entry.seq > tail.end]
                self._extend(announcement.last, entries, announcement.committed_at)
        self.lost.announced(announcement.last)

    def _follow_range(self, announcement: Announcement) -> None:
        """Read what was announced from the database, which is the truth: it may end before the announced range.

        An announcement from a copy of it that has gone further, or from before a restore, may come again and again.
        """
        if self._monotonic() < self._ranges_ignored_until:
            self._read_head_soon()
            return
        read = self._read_head()
        if read.head.epoch != self._tail.epoch:
            self._act_on(read)
            return
        if read.head.seq < announcement.last:
            self._ranges_ignored_until = self._monotonic() + HINTED_READ_SECONDS
        self._fill(min(announcement.last, read.head.seq), announcement.committed_at)

    def _follow_head_unlocked(self) -> None:
        """Read the head after the interval: announcements need not wait while the database is read."""
        read = self._read_head()
        with self._lock:
            if read.restarts == self._restarts:  # else this may be the head of what never happened
                self._act_on(read)

    def _follow_head(self) -> None:
        self._act_on(self._read_head())

    def _read_head(self) -> _HeadRead:
        """Read the head. A promotion of the server is noticed here even where nothing is written."""
        began, end, restarts, requests = self._monotonic(), self._tail.end, self._restarts, self._requests
        head = self._database.read(read_head_of_primary)
        if head.is_on_new_timeline:
            adopt_timeline(self._database)
            head = self._database.read(read_head_of_primary)
        return _HeadRead(head, began, end, restarts, requests)

    def _act_on(self, read: _HeadRead) -> None:
        """Bring the tail to a head."""
        head = read.head
        if head.epoch != self._tail.epoch or head.seq < read.end:
            self._restart(head)
        elif head.seq > self._tail.end:
            self.lost.expect(head.seq)
            self._fill(head.seq, None)
        self._current_at = max(self._current_at, read.began)
        if read.requests == self._requests:
            self._tail.checked_at = self._monotonic()
        self.lost.count()

    def _restart(self, head: Head) -> None:
        logger.warning("New epoch %d: every cursor gets a reset", head.epoch)
        for listener in self.on_restart:
            listener()  # may fail; then the tail still has the old epoch, and the next read retries
        self._tail.restart(head.epoch, head.seq)
        self._restarts += 1

    def _fill(self, until: int, committed_at: float | None) -> None:
        """Read what lies between the tail and a committed position."""
        while self._tail.end < until:
            after, last = self._tail.end, min(until, self._tail.end + RANGE_PER_READ)
            entries, end = self._database.read(lambda connection: read_range(connection, after, last))  # noqa: B023
            self._extend(end, entries, committed_at)

    def _extend(self, until: int, entries: Sequence[Entry], committed_at: float | None) -> None:
        for prepare in self.before_entries:
            prepare(entries)
        self._tail.extend(until, entries)
        for listener in self.after_entries:
            listener(entries, committed_at)

"""Following the log, on SQLite and on PostgreSQL: no entry is lost, whatever happens to announcements."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
import pytest
from gevent.event import Event
from sqlalchemy import update

from notifygate.announcements.announcement import Announcement, announce
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.domain.entry import Entry, EntryKind
from notifygate.errors import UnavailableError
from notifygate.log import follower as follower_module
from notifygate.log.follower import Follower
from notifygate.log.lost_announcements import GRACE_SECONDS
from notifygate.log.tail import Tail
from notifygate.log.transaction import LogTransaction
from notifygate.storage.database import Database
from notifygate.storage.stores import entries as entries_module
from notifygate.storage.stores.entries import read_range
from notifygate.storage.stores.head import read_head
from notifygate.storage.tables import HEAD
from notifygate.waiting import require_greenlet
from tests.support.builders import append, make_notification, open_database
from tests.support.manual_clock import ManualClock
from tests.support.metric_values import metric
from tests.support.waiting import eventually

pytestmark = pytest.mark.both_databases

NEVER_SECONDS = 1e9
"""An interval between reads of the head that no test reaches: entries arrive in another way. It is longer than the uptime
of any machine, too, which the clock counts."""


AUDIENCES = ("all", "user:alice", "role:admin")
"""The audiences of the entries here."""


class Followed:
    """A log, and a follower of it that records the delivered entries."""

    def __init__(
        self,
        url: str,
        *,
        in_hub: bool,
        capacity: int = 100,
        interval_seconds: float = NEVER_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.in_hub = in_hub
        self.database = open_database(url)
        self.reads = 0
        self.failure: Exception | None = None
        """Raised by every read while it is set."""
        self.delivered: list[int] = []
        self.prepared: list[int] = []
        self.restarts = 0
        self.errors: list[BaseException] = []
        """Raised by the follower when it was offered announcements."""
        self.hold_prepare: Event | None = None
        self.hold_head_read: Event | None = None
        """The next read of the head waits for it, after the read."""
        self.capacity = capacity
        self.tail = Tail(capacity, clock)
        self.follower = Follower(self._counting_database(), self.tail, capacity, interval_seconds, clock)
        self.follower.before_entries.append(self._prepare)
        self.follower.after_entries.append(self._on_entries)
        self.follower.on_restart.append(self._on_restart)

    def _counting_database(self) -> Database:
        outer = self

        class CountingDatabase(Database):
            def read(self, work: Callable[..., Any]) -> Any:
                if outer.failure:
                    raise outer.failure
                outer.reads += 1
                result = super().read(work)
                hold, outer.hold_head_read = outer.hold_head_read, None
                if hold:
                    hold.wait()
                return result

        return CountingDatabase(self.database.engine)

    def _prepare(self, entries: Sequence[Entry]) -> None:
        assert all(entry.seq > self.tail.end for entry in entries), "entries are prepared before they are visible"
        if self.hold_prepare:
            require_greenlet()
            self.hold_prepare.wait()
        self.prepared += [entry.seq for entry in entries]

    def _on_entries(self, entries: Sequence[Entry], committed_at: float | None) -> None:
        assert all(entry.seq <= self.tail.end for entry in entries), "delivered entries are in the tail"
        self.delivered += [entry.seq for entry in entries]

    def _on_restart(self) -> None:
        self.restarts += 1

    def publish(self, count: int = 1, *to: str) -> Announcement:
        """Commit some notifications together and return their announcement."""
        notifications = append(self.database, *(make_notification(*to, title=str(n)) for n in range(count)))
        entries = [Entry(n.seq, EntryKind.PUBLISHED, n.to, n) for n in notifications]
        return announce(self.database.read(read_head).epoch, entries)

    def offer(self, *announcements: Announcement) -> None:
        """Offer announcements, one after the other, and run the follower's reaction."""
        for announcement in announcements:
            if self.in_hub:
                gevent.get_hub().loop.run_callback(self._follow_commit, announcement)
            else:
                gevent.spawn(self._follow_commit, announcement)
        gevent.idle()

    def _follow_commit(self, announcement: Announcement) -> None:
        try:
            self.follower.follow_commit(announcement)
        except BaseException as error:
            self.errors.append(error)

    def begin_new_epoch(self) -> int:
        """Begin a new epoch in the database and return it."""
        epoch = (self.tail.epoch + 1) % (1 << 20)
        self.database.write(lambda connection: LogTransaction(connection).begin_new_epoch(epoch))
        return epoch

    def reach(self, seq: int) -> None:
        """Wait for a position of the present epoch."""
        self.follower.reach(self.tail.epoch, seq)

    def begin_head_read(self) -> Event:
        """Start a read of the head in the follower's greenlet; return the event that it waits for after the read."""
        head_read = self.hold_head_read = Event()
        self.follower.check_soon()
        eventually(lambda: self.hold_head_read is None, "the read of the head")
        return head_read

    def reaches(self, seq: int) -> None:
        """Wait until the tail ends at a position."""
        eventually(lambda: self.tail.end == seq, f"the tail at {seq} (it is at {self.tail.end})")

    def in_tail(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return the number and the audiences of each entry in the tail."""
        return [(entry.seq, entry.audiences) for entry in self.tail.after(AUDIENCES, self.tail.start) or ()]

    def close(self) -> None:
        self.follower.stop()
        self.database.engine.dispose()


MakeFollowed = Callable[..., Followed]


@pytest.fixture(params=[False, True], ids=["in greenlets", "in the hub"])
def follow(database_url: str, request: pytest.FixtureRequest) -> Iterator[MakeFollowed]:
    """Return a function that makes followers; greenlets offer them commits, as the writer does, or the hub, as Redis."""
    made: list[Followed] = []

    def make(*, starts: bool = True, **options: Any) -> Followed:
        made.append(Followed(database_url, in_hub=request.param, **options))
        if starts:
            made[-1].follower.start()
        return made[-1]

    yield make
    for followed in made:
        followed.close()
        assert followed.errors == []


@pytest.mark.parametrize(("capacity", "floor", "start"), [(10, 0, 15), (100, 0, 0), (100, 20, 20)])
def test_a_follower_starts_with_the_newest_retained_entries(
    follow: MakeFollowed, monkeypatch: pytest.MonkeyPatch, capacity: int, floor: int, start: int
) -> None:
    monkeypatch.setattr(follower_module, "RANGE_PER_READ", 7)  # long logs are read in parts
    followed = follow(starts=False, capacity=capacity)
    followed.publish(25)
    followed.database.write(lambda connection: LogTransaction(connection).prune_up_to(floor))
    followed.follower.start()
    assert (followed.tail.start, followed.tail.end) == (start, 25)
    assert followed.delivered == [seq for seq, _ in followed.in_tail()] == list(range(start + 1, 26))
    assert start == 0 or followed.tail.after(["all"], start - 1) is None


def test_a_follower_reads_entries_with_more_audiences_than_a_range_has_rows(
    follow: MakeFollowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries_module, "ROWS_PER_RANGE", 5)
    followed = follow(starts=False)
    followed.publish(9, *AUDIENCES, *(f"user:{n}" for n in range(4)))
    followed.publish(9)
    followed.follower.start()
    assert followed.tail.end == 18
    assert followed.delivered == [seq for seq, _ in followed.in_tail()] == list(range(1, 19))


def test_announcements_in_order_need_no_database(follow: MakeFollowed) -> None:
    followed = follow()
    announcements = [followed.publish(3) for _ in range(4)]
    reads = followed.reads
    followed.offer(*announcements)
    followed.reaches(12)
    assert followed.reads == reads
    assert followed.delivered == list(range(1, 13))


def test_a_lost_announcement_is_noticed_with_the_next(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish(2)
    followed.offer(followed.publish())
    followed.reaches(3)
    assert followed.delivered == [1, 2, 3]


def test_an_announcement_with_known_entries_adds_the_others(follow: MakeFollowed) -> None:
    followed = follow()
    first = followed.publish(2)
    second = followed.publish(2)
    followed.offer(first)
    followed.reaches(2)
    both = second._replace(first=1, entries=[*(first.entries or ()), *(second.entries or ())])
    reads = followed.reads
    followed.offer(both)
    followed.reaches(4)
    assert (followed.delivered, followed.reads) == ([1, 2, 3, 4], reads)


def test_a_read_of_the_head_finds_entries_without_an_announcement(follow: MakeFollowed) -> None:
    followed = follow(interval_seconds=0.05)
    followed.publish(3)
    followed.reaches(3)
    assert followed.delivered == [1, 2, 3]


def test_a_position_can_be_waited_for(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish(5)
    followed.reach(5)
    assert followed.delivered == [1, 2, 3, 4, 5]
    reads = followed.reads
    followed.reach(5)
    assert followed.reads == reads, "a position that was reached before needs no read"


def test_a_new_epoch_can_be_waited_for(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish(5)
    followed.reach(5)
    epoch = followed.begin_new_epoch()
    followed.follower.reach(epoch, 3)
    assert (followed.restarts, followed.tail.epoch, followed.tail.end) == (1, epoch, 5)


def test_a_new_epoch_restarts_the_follower(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish(4)
    followed.reach(4)
    epoch = followed.begin_new_epoch()
    announcement = followed.publish()
    assert announcement.epoch == epoch
    followed.offer(announcement)
    eventually(lambda: followed.restarts == 1, "the restart")
    assert (followed.tail.epoch, followed.tail.start, followed.tail.end) == (epoch, 5, 5)
    assert followed.in_tail() == []
    followed.offer(followed.publish())
    followed.reaches(6)


def test_a_range_of_an_old_announcement_is_not_read_from_a_new_epoch(follow: MakeFollowed) -> None:
    followed = follow()
    lost = followed.publish(3)._replace(entries=None)
    epoch = followed.begin_new_epoch()
    followed.offer(lost)
    eventually(lambda: followed.tail.epoch == epoch, "the restart")
    assert followed.delivered == []


def test_a_read_of_the_head_delays_no_announcement(follow: MakeFollowed) -> None:
    followed = follow()
    head_read = followed.begin_head_read()
    followed.offer(followed.publish(2))
    assert followed.delivered == [1, 2]
    head_read.set()
    eventually(lambda: followed.tail.seconds_since_check() < NEVER_SECONDS, "the end of the read")
    followed.offer(followed.publish())
    followed.reaches(3)
    assert (followed.delivered, followed.restarts) == ([1, 2, 3], 0), (
        "a head from before the announcement restarts nothing"
    )


def test_a_read_of_the_head_of_an_ended_epoch_is_ignored(follow: MakeFollowed) -> None:
    followed = follow()
    head_read = followed.begin_head_read()
    epoch = followed.begin_new_epoch()
    followed.follower.reach(epoch, 0)
    head_read.set()
    followed.offer(followed.publish())
    followed.reaches(1)
    assert (followed.delivered, followed.restarts, followed.tail.epoch) == ([1], 1, epoch)


def test_a_read_of_the_head_from_before_a_restore_is_ignored(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish(6)
    head_read = followed.begin_head_read()
    followed.reach(6)
    followed.database.write(lambda connection: connection.execute(update(HEAD).values(head=4)))
    followed.tail.checked_at = -math.inf
    followed.follower.ensure_fed()
    head_read.set()
    followed.follower.stop()  # returns after the end of the read
    assert (followed.tail.end, followed.restarts) == (4, 1), "the old head is 6"


def test_catching_up_does_not_accept_a_read_that_began_before(follow: MakeFollowed) -> None:
    followed = follow()
    read = followed.hold_head_read = Event()
    earlier = gevent.spawn(followed.reach, 1)  # has the lock until its read is released
    eventually(lambda: followed.hold_head_read is None, "the read")
    epoch = followed.begin_new_epoch()
    later = gevent.spawn(followed.follower.catch_up)
    gevent.idle()
    read.set()
    gevent.joinall([earlier, later], raise_error=True)
    assert followed.tail.epoch == epoch


def test_catching_up_accepts_the_latest_read_although_an_earlier_one_ends_after_it(follow: MakeFollowed) -> None:
    followed = follow()
    earlier = followed.begin_head_read()
    preparing = followed.hold_prepare = Event()
    commit = gevent.spawn(followed.follower.follow_commit, followed.publish())
    gevent.idle()  # it has the lock, for which the others wait in this order
    catching_up = [gevent.spawn(followed.follower.catch_up)]
    gevent.idle()
    earlier.set()
    gevent.idle()
    catching_up.append(gevent.spawn(followed.follower.catch_up))
    gevent.idle()
    reads = followed.reads
    preparing.set()
    gevent.joinall([commit, *catching_up], raise_error=True)
    assert followed.reads == reads + 1


def test_the_head_is_read_again_if_that_was_requested_during_a_read(follow: MakeFollowed) -> None:
    """Redis is connected again during a read of the head: the announcement of a commit in between is lost."""
    followed = follow()
    head_read = followed.begin_head_read()
    followed.publish()
    followed.follower.check_soon()
    head_read.set()
    followed.reaches(1)


def test_a_head_that_went_back_restarts_the_follower(follow: MakeFollowed) -> None:
    """A backup was restored under the running gateway: the newest entries in its memory never happened."""
    followed = follow()
    followed.publish(6)
    followed.reach(6)
    followed.database.write(lambda connection: connection.execute(update(HEAD).values(head=4)))
    followed.follower.check_soon()
    eventually(lambda: followed.restarts == 1, "the restart")
    assert (followed.tail.start, followed.tail.end, followed.in_tail()) == (4, 4, [])


def test_an_announcement_of_an_unknown_epoch_is_checked_in_the_database(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish(2)
    stale = followed.publish(1)._replace(epoch=(followed.tail.epoch + 1) % (1 << 20), last=99, entries=[])
    followed.offer(stale)
    followed.reaches(3)
    assert followed.delivered == [1, 2, 3]
    assert followed.restarts == 0


def test_entries_are_not_visible_while_they_are_prepared(follow: MakeFollowed) -> None:
    followed = follow()
    followed.hold_prepare = Event()
    followed.offer(followed.publish(2))
    assert followed.tail.after(["all"], 0) == []
    followed.hold_prepare.set()
    followed.reaches(2)


def test_announcements_that_arrive_during_preparation_are_followed_in_order(follow: MakeFollowed) -> None:
    followed = follow()
    followed.hold_prepare = Event()
    first, second, third = followed.publish(), followed.publish(), followed.publish()
    followed.offer(first)
    followed.offer(third, second)
    reaching = gevent.spawn(followed.reach, 3)
    gevent.idle()
    assert followed.delivered == []
    followed.hold_prepare.set()
    reaching.join(10)
    followed.reaches(3)
    assert followed.delivered == followed.prepared == [1, 2, 3]


@pytest.mark.parametrize(
    ("failure", "logged"),
    [
        (UnavailableError("It is away.", "start it"), "The log can't be followed now: It is away: start it"),
        (RuntimeError("a defect"), "Following the log failed"),
    ],
    ids=["away", "defect"],
)
def test_a_database_that_fails_meanwhile_only_delays_entries(
    follow: MakeFollowed, failure: Exception, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    followed = follow(interval_seconds=0.05)
    errors = metric("follower_errors_total")
    followed.failure = failure
    followed.publish(2)  # the announcement is lost
    followed.offer(followed.publish())
    eventually(lambda: metric("follower_errors_total") >= errors + 2, "two failed attempts")
    assert followed.delivered == []
    assert logged in caplog.messages
    followed.failure = None
    followed.reaches(3)
    assert followed.delivered == [1, 2, 3]


def test_a_stale_follower_does_not_answer_nothing_new(follow: MakeFollowed, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = follow(interval_seconds=0.05)
    followed.follower.ensure_fed()
    followed.failure = UnavailableError("The database can't be reached or is too busy.")
    followed.follower.stop()
    followed.tail.checked_at -= 60
    with pytest.raises(UnavailableError):
        followed.follower.ensure_fed()
    followed.failure = None
    followed.publish()
    followed.follower.ensure_fed()
    assert followed.delivered == [1]


def test_polls_that_waited_for_a_slow_read_of_the_head_do_not_read_it_again(follow: MakeFollowed) -> None:
    clock = ManualClock()
    followed = follow(interval_seconds=1.0, clock=clock)
    followed.follower.stop()
    clock.advance(4)
    head_read, reads = Event(), followed.reads
    followed.hold_head_read = head_read
    polls = [gevent.spawn(followed.follower.ensure_fed) for _ in range(5)]
    eventually(lambda: followed.hold_head_read is None, "the read of the head")
    clock.advance(10)
    head_read.set()
    gevent.joinall(polls, raise_error=True)
    assert followed.reads == reads + 1


def test_the_tail_equals_the_log_in_whatever_order_announcements_arrive(follow: MakeFollowed) -> None:
    """Lost, doubled, reordered, without entries, mixed with reads of the head: entries are delivered once and in order."""
    randomly = random.Random(20260)
    followed = follow(capacity=40)
    pending: list[Announcement] = []
    for _ in range(120):
        announcement = followed.publish(randomly.randint(1, 4), randomly.choice(AUDIENCES))
        fate = randomly.random()
        if fate < 0.2:
            continue  # lost
        pending += [announcement] * (2 if fate < 0.4 else 1)
        if fate > 0.8:
            pending[-1] = pending[-1]._replace(entries=None)
        if randomly.random() < 0.4:
            randomly.shuffle(pending)
            keep = randomly.randint(0, len(pending))
            followed.offer(*pending[keep:])
            del pending[keep:]
        if randomly.random() < 0.1:
            followed.follower.check_soon()
        if randomly.random() < 0.1:
            followed.reach(announcement.last)
    followed.offer(*pending)
    head = followed.database.read(read_head)
    followed.follower.check_soon()
    followed.reaches(head.seq)
    assert followed.delivered == list(range(1, head.seq + 1))
    stored, _ = followed.database.read(lambda connection: read_range(connection, followed.tail.start, head.seq))
    assert [(entry.seq, entry.audiences) for entry in stored] == followed.in_tail()


def test_an_announcement_slower_than_the_read_of_the_head_is_not_counted_as_lost(
    follow: MakeFollowed, clock: ManualClock
) -> None:
    followed = follow(interval_seconds=1.0, clock=clock)
    followed.follower.lost.are_counted = True
    before = metric("lost_wake_rescues_total")
    announcement = followed.publish()
    clock.advance(1)
    followed.reaches(1)
    followed.offer(announcement)
    followed.publish()  # its announcement is lost
    clock.advance(1)
    followed.reaches(2)
    clock.advance(GRACE_SECONDS + 1)
    eventually(lambda: metric("lost_wake_rescues_total") > before, "the rescue")
    assert metric("lost_wake_rescues_total") == before + 1


def test_a_range_beyond_the_head_is_not_followed(follow: MakeFollowed) -> None:
    """A tail beyond the head of the database would give cursors for positions that don't exist yet."""
    followed = follow()
    announcement = followed.publish(2)
    followed.offer(announcement._replace(last=5000, entries=None))
    followed.reaches(2)
    followed.offer(followed.publish())
    followed.reaches(3)
    assert followed.delivered == [1, 2, 3]


# --- Announcements of other processes -----------------------------------------------------------


def hint(followed: Followed, *announcements: Announcement) -> None:
    """Offer announcements as they arrive through Redis: in the hub."""
    for announcement in announcements:
        gevent.get_hub().loop.run_callback(followed.follower.follow_announcement, announcement)
    gevent.idle()


def test_old_announcements_sent_again_need_no_read(follow: MakeFollowed) -> None:
    followed = follow()
    announcements = [followed.publish(2) for _ in range(5)]
    hint(followed, *announcements)
    followed.reaches(10)
    reads = followed.reads
    hint(followed, *announcements * 20, *reversed(announcements))
    assert (followed.reads, followed.delivered, followed.restarts) == (reads, list(range(1, 11)), 0)


def test_announcements_of_another_epoch_cause_few_reads_of_the_head(
    follow: MakeFollowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "HINTED_READ_SECONDS", 1000.0)
    followed = follow()
    foreign = followed.publish()._replace(epoch=(followed.tail.epoch + 1) % (1 << 20))
    reads = followed.reads
    for _ in range(20):
        hint(followed, *[foreign] * 20)
    assert (followed.reads, followed.delivered) == (reads, []), "the last read was a moment ago"
    monkeypatch.setattr(follower_module, "HINTED_READ_SECONDS", 0.0)
    hint(followed, foreign)
    followed.reaches(1)


def test_announced_ranges_that_do_not_exist_cause_few_reads_of_the_head(
    follow: MakeFollowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "HINTED_READ_SECONDS", 1000.0)
    followed = follow()
    beyond = followed.publish()._replace(first=5000, last=5000)
    hint(followed, beyond)
    followed.reaches(1)
    reads = followed.reads
    for _ in range(20):
        hint(followed, *[beyond] * 20)
    assert followed.reads == reads


def test_announcements_that_arrive_while_the_database_is_read_are_bounded(follow: MakeFollowed) -> None:
    followed = follow()
    followed.hold_prepare = Event()
    announcements = [followed.publish() for _ in range(follower_module.MAX_OFFERED + 20)]
    reads = followed.reads
    hint(followed, *announcements)
    followed.hold_prepare.set()
    followed.reaches(len(announcements))
    assert followed.delivered == list(range(1, len(announcements) + 1))
    assert followed.reads > reads, "those that were kept need no read"


def test_invalid_announced_entries_are_read_from_the_database(follow: MakeFollowed) -> None:
    followed = follow(capacity=4)
    followed.offer(followed.publish())
    bad = followed.publish(2)
    assert bad.entries
    bad.entries[1].audiences = ([],)  # type: ignore[assignment]
    followed.offer(bad)
    followed.reaches(3)
    assert followed.delivered == [1, 2, 3]
    entries = followed.tail.after(["all"], 1)
    assert entries is not None
    assert [(entry.seq, entry.audiences) for entry in entries] == [(2, ("all",)), (3, ("all",))]
    followed.offer(followed.publish(4))
    followed.reaches(7)
    assert followed.delivered == [1, 2, 3, 4, 5, 6, 7], "no part of the invalid entries is left to be evicted"


# --- Commits of this process ---------------------------------------------------------------------


def test_a_commit_of_this_process_is_in_the_tail_when_its_publisher_is_answered(follow: MakeFollowed) -> None:
    followed = follow()
    announcement = followed.publish()
    followed.follower.follow_commit(announcement)
    # No greenlet ran in between: a publisher that is answered now finds it with the next poll.
    assert followed.tail.end == announcement.last
    assert followed.delivered == [announcement.last]


def test_a_commit_that_can_not_be_followed_at_once_succeeds_and_is_followed_later(follow: MakeFollowed) -> None:
    followed = follow()
    followed.publish()
    announcement = followed.publish()
    followed.failure = UnavailableError(
        "The database can't be reached or is too busy."
    )  # the first of the two has to be read
    followed.follower.follow_commit(announcement)
    assert followed.tail.end < announcement.last
    followed.failure = None
    followed.reach(announcement.last)
    assert followed.delivered == [1, 2]

"""The waiting room: who is woken, who is not, and that nothing is left behind."""

import socket
from collections.abc import Callable

import gevent
import pytest

from notifygate.domain.entry import Entry, EntryKind
from notifygate.holds import room as room_module
from notifygate.holds.room import Hold, WaitingRoom
from tests.contract.builders import eventually
from tests.unit.holds.fake_view import FakeView


class CountingHold(Hold):
    """A hold that counts how often it is ended."""

    def __init__(self, view: FakeView) -> None:
        super().__init__(view)
        self.ends = 0

    def ended(self) -> None:
        self.ends += 1


class Waiter:
    """Somebody who waits in a room."""

    def __init__(self, room: WaitingRoom, view: FakeView) -> None:
        self.hold = CountingHold(view)
        room.enter(self.hold)

    @property
    def ended(self) -> int:
        return self.hold.ends


def entry(*audiences: str, seq: int = 1) -> Entry:
    return Entry(seq, EntryKind.VIEW, audiences)


def assert_empty(room: WaitingRoom) -> None:
    assert (room._count, room._by_audience, room._by_recipient) == (0, {}, {})


@pytest.fixture
def room() -> WaitingRoom:
    return WaitingRoom(per_recipient=3, per_worker=1000)


def waiter(room: WaitingRoom, recipient: str, *audiences: str, **options: Callable[[Entry], bool]) -> Waiter:
    return Waiter(room, FakeView(recipient, *audiences, **options))


def all_ended(*waiters: Waiter) -> None:
    eventually(lambda: all(one.ended for one in waiters), "their end")
    assert [one.ended for one in waiters] == [1] * len(waiters), "each is told once"


def test_an_entry_wakes_those_of_its_audience_alone(room: WaitingRoom) -> None:
    alice, bob, admin = waiter(room, "alice"), waiter(room, "bob"), waiter(room, "carol", "role:admin")
    room.wake([entry("user:alice", "role:admin")], 5.0)
    all_ended(alice, admin)
    assert (alice.hold.reason, alice.hold.committed_at) == ("news", 5.0)
    assert (bob.ended, bob.hold.reason) == (0, None)


def test_who_is_not_told_sleeps_on(room: WaitingRoom) -> None:
    alice = waiter(room, "alice", tells=lambda entry: entry.seq == 2)
    room.wake([entry("all", seq=1)], None)
    gevent.idle()
    assert alice.ended == 0
    room.wake([entry("all", seq=2)], None)
    all_ended(alice)


def test_several_entries_and_audiences_wake_a_hold_once(room: WaitingRoom) -> None:
    alice = waiter(room, "alice", "role:admin")
    room.wake([entry("user:alice", "all", "role:admin", seq=1), entry("all", seq=2)], None)
    all_ended(alice)
    assert_empty(room)


def test_a_woken_room_keeps_nothing(room: WaitingRoom) -> None:
    waiters = [waiter(room, f"r{n}", "topic:deploys", f"role:{n % 3}") for n in range(20)]
    room.wake([entry("topic:deploys")], None)
    all_ended(*waiters)
    assert_empty(room)


def test_leaving_twice_is_leaving_once(room: WaitingRoom) -> None:
    alice, other = waiter(room, "alice"), waiter(room, "alice")
    room.leave(alice.hold, "timeout")
    room.leave(alice.hold, "gone")
    assert alice.hold.reason == "timeout"
    assert room._count == 1
    room.leave(other.hold, "gone")
    assert_empty(room)


def test_who_leaves_is_woken_by_nothing(room: WaitingRoom) -> None:
    alice = waiter(room, "alice")
    room.leave(alice.hold, "timeout")
    room.wake([entry("all")], None)
    room.drain()
    gevent.idle()
    assert alice.ended == 0


def test_who_was_woken_and_leaves_stays_woken(room: WaitingRoom) -> None:
    """The wait is over in the very moment in which news come: the news count."""
    alice = waiter(room, "alice")
    room.wake([entry("all")], 1.0)
    all_ended(alice)
    room.leave(alice.hold, "timeout")
    assert alice.hold.reason == "news"
    all_ended(alice)
    assert_empty(room)


def test_past_a_recipients_number_the_oldest_makes_place(room: WaitingRoom) -> None:
    first, second, third = (waiter(room, "alice") for _ in range(3))
    stranger = waiter(room, "bob")
    fourth = waiter(room, "alice")
    all_ended(first)
    assert first.hold.reason == "crowded"
    fifth = waiter(room, "alice")
    all_ended(second)
    assert [one.hold.reason for one in (third, fourth, fifth, stranger)] == [None] * 4
    room.drain()
    all_ended(third, fourth, fifth, stranger)
    assert_empty(room)


def test_one_hold_a_recipient_is_possible() -> None:
    room = WaitingRoom(per_recipient=1, per_worker=10)
    first = waiter(room, "alice")
    second = waiter(room, "alice")
    all_ended(first)
    room.wake([entry("all")], None)
    all_ended(second)
    assert_empty(room)


def test_a_full_room_accepts_no_more() -> None:
    room = WaitingRoom(per_recipient=3, per_worker=2)
    assert room.accepts
    alice = waiter(room, "alice")
    waiter(room, "bob")
    assert not room.accepts
    room.leave(alice.hold, "gone")
    assert room.accepts


def test_a_drained_room_is_empty_and_accepts_no_more(room: WaitingRoom) -> None:
    waiters = [waiter(room, name) for name in ("alice", "bob", "alice")]
    room.drain()
    all_ended(*waiters)
    assert {one.hold.reason for one in waiters} == {"drained"}
    assert not room.accepts
    assert_empty(room)


def test_a_hold_that_enters_a_draining_room_is_ended_at_once(room: WaitingRoom) -> None:
    """Its request was on its way while the gateway was told to stop."""
    room.drain()
    late = waiter(room, "alice")
    all_ended(late)
    assert late.hold.reason == "drained"
    assert_empty(room)


def test_all_are_woken_when_history_begins_anew(room: WaitingRoom) -> None:
    waiters = [waiter(room, name) for name in ("alice", "bob")]
    room.wake_all()
    all_ended(*waiters)
    assert_empty(room)
    assert room.accepts


def test_many_are_ended_in_slices_with_room_for_others_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "LOOKED_AT_PER_TURN", 10)
    room = WaitingRoom(per_recipient=3, per_worker=1000)
    waiters = [waiter(room, f"r{n}") for n in range(45)]
    seen: list[int] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"a connection that is readable all the time")
        readable = gevent.get_hub().loop.io(theirs.fileno(), 1)
        readable.start(lambda: seen.append(sum(one.ended for one in waiters)))
        room.wake([entry("all")], None)
        all_ended(*waiters)
        readable.stop()
    assert max(b - a for a, b in zip([0, *seen], seen, strict=False)) <= 20, "it has its turn after two slices at most"
    assert_empty(room)


def test_entries_of_one_commit_share_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "LOOKED_AT_PER_TURN", 10)
    room = WaitingRoom(per_recipient=3, per_worker=1000)
    waiters = [waiter(room, f"r{n}") for n in range(25)]
    room.wake([entry(f"user:r{n}", seq=1 + n) for n in range(25)], None)
    assert sum(one.ended for one in waiters) == 10
    all_ended(*waiters)
    assert_empty(room)


def test_who_leaves_before_their_turn_is_not_told(room: WaitingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over, or the client gone, while others are still being looked at."""
    monkeypatch.setattr(room_module, "LOOKED_AT_PER_TURN", 1)
    bob, alice = waiter(room, "bob"), waiter(room, "alice")
    room.wake([entry("all")], None)
    room.leave(alice.hold, "gone")
    all_ended(bob)
    eventually(lambda: not room._calls, "the end of the call")
    assert (alice.ended, alice.hold.reason) == (0, "gone")
    assert_empty(room)


def test_a_hold_that_can_not_be_ended_does_not_keep_the_others_waiting(
    room: WaitingRoom, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Hold):
        def ended(self) -> None:
            raise RuntimeError("a defect")

    room.enter(Broken(FakeView("alice")))
    bob = waiter(room, "bob")
    room.wake([entry("all")], None)
    all_ended(bob)
    assert "could not be ended" in caplog.text
    assert_empty(room)


def test_who_is_ended_may_come_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients poll again as soon as they are answered, while others are still being ended."""
    monkeypatch.setattr(room_module, "LOOKED_AT_PER_TURN", 2)
    room = WaitingRoom(per_recipient=3, per_worker=1000)
    back: list[Waiter] = []

    class Returning(CountingHold):
        def ended(self) -> None:
            super().ended()
            back.append(waiter(room, "again"))

    holds = [Returning(FakeView(f"r{n}")) for n in range(9)]
    for hold in holds:
        room.enter(hold)
    room.wake([entry("all")], None)
    eventually(lambda: len(back) == 9, "their return")
    crowded = [one for one in back if one.hold.reason == "crowded"]
    all_ended(*crowded)
    assert room._count == 3


def test_the_recipients_who_wait_for_an_audience_are_known(room: WaitingRoom) -> None:
    for name in ("alice", "alice", "bob"):
        waiter(room, name, "role:admin")
    waiter(room, "carol")
    assert room.recipients_of(["role:admin"]) == {"alice", "bob"}
    assert room.recipients_of(["all", "user:bob"]) == {"alice", "bob", "carol"}
    assert room.recipients_of(["topic:deploys"]) == set()

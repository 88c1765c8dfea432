"""The registry of holds: which holds an entry ends, and that nothing is left behind."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import pytest

from notifygate.delivery import registry as registry_module
from notifygate.delivery.hold import TRANSITIONS, Hold
from notifygate.delivery.registry import HoldRegistry
from notifygate.domain.entry import Entry, EntryKind
from tests.support.waiting import eventually
from tests.unit.delivery.fake_view import FakeView


class Waiter:
    """A parked hold, and its transport, which counts how often it is delivered."""

    def __init__(self, registry: HoldRegistry, view: FakeView, on_end: Callable[[], object] = lambda: None) -> None:
        self.hold: Hold[Any] = Hold(view, deadline=float("inf"))
        self.hold.transport = self  # type: ignore[assignment]
        self.ended = 0
        self._on_end = on_end
        registry.arm(self.hold)
        if self.hold.state == "checking":
            self.hold.change("park")
        else:  # ended while it was armed: there is nothing to deliver
            self.ended = 1

    def deliver_many(self, holds: Sequence[Hold[Any]]) -> None:
        for hold in holds:
            assert hold.state == "ended"
            self.ended += 1
            self._on_end()


def entry(*audiences: str, seq: int = 1) -> Entry:
    return Entry(seq, EntryKind.VIEW, audiences)


def assert_empty(registry: HoldRegistry) -> None:
    assert (registry._count, registry._by_audience, registry._by_recipient) == (0, {}, {})


@pytest.fixture
def registry() -> HoldRegistry:
    return HoldRegistry(per_recipient=3, per_worker=1000)


def waiter(registry: HoldRegistry, recipient: str, *audiences: str, **options: Callable[[Entry], bool]) -> Waiter:
    return Waiter(registry, FakeView(recipient, *audiences, **options))


def all_ended(*waiters: Waiter) -> None:
    eventually(lambda: all(one.ended for one in waiters), "their end")
    assert [one.ended for one in waiters] == [1] * len(waiters), "each is told once"


def test_an_entry_wakes_those_of_its_audience_alone(registry: HoldRegistry) -> None:
    alice, bob, admin = waiter(registry, "alice"), waiter(registry, "bob"), waiter(registry, "carol", "role:admin")
    registry.wake([entry("user:alice", "role:admin")], 5.0)
    all_ended(alice, admin)
    assert (alice.hold.reason, alice.hold.committed_at) == ("news", 5.0)
    assert (bob.ended, bob.hold.reason) == (0, None)


def test_an_entry_that_is_not_visible_ends_no_hold(registry: HoldRegistry) -> None:
    alice = waiter(registry, "alice", affects=lambda entry: entry.seq == 2)
    registry.wake([entry("all", seq=1)], None)
    gevent.idle()
    assert alice.ended == 0
    registry.wake([entry("all", seq=2)], None)
    all_ended(alice)


def test_several_entries_and_audiences_wake_a_hold_once(registry: HoldRegistry) -> None:
    alice = waiter(registry, "alice", "role:admin")
    registry.wake([entry("user:alice", "all", "role:admin", seq=1), entry("all", seq=2)], None)
    all_ended(alice)
    assert_empty(registry)


def test_ended_holds_are_not_kept(registry: HoldRegistry) -> None:
    waiters = [waiter(registry, f"r{n}", "topic:deploys", f"role:{n % 3}") for n in range(20)]
    registry.wake([entry("topic:deploys")], None)
    all_ended(*waiters)
    assert_empty(registry)


def test_leaving_twice_is_leaving_once(registry: HoldRegistry) -> None:
    alice, other = waiter(registry, "alice"), waiter(registry, "alice")
    registry.leave(alice.hold, "timeout")
    registry.leave(alice.hold, "gone")
    assert alice.hold.reason == "timeout"
    assert registry._count == 1
    registry.leave(other.hold, "gone")
    assert_empty(registry)


def test_a_hold_that_left_is_not_ended(registry: HoldRegistry) -> None:
    alice = waiter(registry, "alice")
    registry.leave(alice.hold, "timeout")
    registry.wake([entry("all")], None)
    registry.drain()
    gevent.idle()
    assert alice.ended == 0


def test_a_hold_that_was_ended_stays_ended(registry: HoldRegistry) -> None:
    """The wait is over in the very moment in which news come: the news count."""
    alice = waiter(registry, "alice")
    registry.wake([entry("all")], 1.0)
    all_ended(alice)
    registry.leave(alice.hold, "timeout")
    assert alice.hold.reason == "news"
    all_ended(alice)
    assert_empty(registry)


def test_past_a_recipients_number_the_oldest_hold_is_ended(registry: HoldRegistry) -> None:
    first, second, third = (waiter(registry, "alice") for _ in range(3))
    stranger = waiter(registry, "bob")
    fourth = waiter(registry, "alice")
    all_ended(first)
    assert first.hold.reason == "crowded"
    fifth = waiter(registry, "alice")
    all_ended(second)
    assert [one.hold.reason for one in (third, fourth, fifth, stranger)] == [None] * 4
    registry.drain()
    all_ended(third, fourth, fifth, stranger)
    assert_empty(registry)


def test_one_hold_a_recipient_is_possible() -> None:
    registry = HoldRegistry(per_recipient=1, per_worker=10)
    first = waiter(registry, "alice")
    second = waiter(registry, "alice")
    all_ended(first)
    registry.wake([entry("all")], None)
    all_ended(second)
    assert_empty(registry)


def test_a_full_registry_accepts_no_more() -> None:
    registry = HoldRegistry(per_recipient=3, per_worker=2)
    assert registry.accepts
    alice = waiter(registry, "alice")
    waiter(registry, "bob")
    assert not registry.accepts
    registry.leave(alice.hold, "gone")
    assert registry.accepts


def test_a_drained_registry_is_empty_and_accepts_no_more(registry: HoldRegistry) -> None:
    waiters = [waiter(registry, name) for name in ("alice", "bob", "alice")]
    registry.drain()
    all_ended(*waiters)
    assert {one.hold.reason for one in waiters} == {"drained"}
    assert not registry.accepts
    assert_empty(registry)


def test_a_hold_armed_during_a_drain_is_ended_at_once(registry: HoldRegistry) -> None:
    """Its request was on its way when the gateway began to stop."""
    registry.drain()
    late = waiter(registry, "alice")
    all_ended(late)
    assert late.hold.reason == "drained"
    assert_empty(registry)


def test_a_new_epoch_wakes_all_holds(registry: HoldRegistry) -> None:
    waiters = [waiter(registry, name) for name in ("alice", "bob")]
    registry.wake_all()
    all_ended(*waiters)
    assert_empty(registry)
    assert registry.accepts


def test_many_are_ended_in_slices_with_room_for_others_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "CHECKED_PER_TURN", 10)
    registry = HoldRegistry(per_recipient=3, per_worker=1000)
    waiters = [waiter(registry, f"r{n}") for n in range(45)]
    seen: list[int] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"a connection that is readable all the time")
        readable = gevent.get_hub().loop.io(theirs.fileno(), 1)
        readable.start(lambda: seen.append(sum(one.ended for one in waiters)))
        registry.wake([entry("all")], None)
        all_ended(*waiters)
        readable.stop()
    assert max(b - a for a, b in zip([0, *seen], seen, strict=False)) <= 20, "it has its turn after two slices at most"
    assert_empty(registry)


def test_entries_of_one_commit_share_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "CHECKED_PER_TURN", 10)
    registry = HoldRegistry(per_recipient=3, per_worker=1000)
    waiters = [waiter(registry, f"r{n}") for n in range(25)]
    registry.wake([entry(f"user:r{n}", seq=1 + n) for n in range(25)], None)
    assert sum(one.hold.state == "ended" for one in waiters) == 10
    all_ended(*waiters)
    assert_empty(registry)


def test_a_hold_that_leaves_before_its_turn_is_not_ended(
    registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is over, or the client gone, while others are still being looked at."""
    monkeypatch.setattr(registry_module, "CHECKED_PER_TURN", 1)
    bob, alice = waiter(registry, "bob"), waiter(registry, "alice")
    registry.wake([entry("all")], None)
    registry.leave(alice.hold, "gone")
    all_ended(bob)
    eventually(lambda: not registry._calls, "the end of the call")
    assert (alice.ended, alice.hold.reason) == (0, "gone")
    assert_empty(registry)


def test_a_hold_whose_view_fails_is_checked(registry: HoldRegistry) -> None:
    def fail(_: Entry) -> bool:
        raise RuntimeError("a defect")

    broken, bob = waiter(registry, "alice", affects=fail), waiter(registry, "bob")
    registry.wake([entry("all")], None)
    all_ended(broken, bob)
    assert_empty(registry)


def test_clients_may_return_while_others_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients poll again as soon as they are answered, while others are still being ended."""
    monkeypatch.setattr(registry_module, "CHECKED_PER_TURN", 2)
    registry = HoldRegistry(per_recipient=3, per_worker=1000)
    back: list[Waiter] = []
    for n in range(9):
        Waiter(registry, FakeView(f"r{n}"), on_end=lambda: back.append(waiter(registry, "again")))
    registry.wake([entry("all")], None)
    eventually(lambda: len(back) == 9, "their return")
    crowded = [one for one in back if one.hold.reason == "crowded"]
    all_ended(*crowded)
    assert registry._count == 3


def test_an_entry_that_comes_at_the_end_of_a_check_is_not_missed(registry: HoldRegistry) -> None:
    class Checked(Hold[str]):
        checks = 0

        def check(self, *, is_last: bool) -> str | None:
            self.checks += 1
            if self.checks > 1:
                return "news"
            registry.wake([entry("user:alice")], None)  # this check has looked already
            return None

    hold = Checked(FakeView("alice"), deadline=float("inf"))
    assert registry.begin(hold) == "news"
    assert_empty(registry)


def test_every_other_transition_is_an_error(registry: HoldRegistry) -> None:
    for state in ("idle", "checking", "interrupted", "waiting", "ended"):
        for event in ("arm", "park", "end", "leave", "resume"):
            hold: Hold[Any] = Hold(FakeView("alice"), deadline=0.0)
            hold.state = state
            if (state, event) in TRANSITIONS:
                hold.change(event)
            else:
                with pytest.raises(KeyError):
                    hold.change(event)


def test_recipients_with_holds_for_an_audience_are_known(registry: HoldRegistry) -> None:
    for name in ("alice", "alice", "bob"):
        waiter(registry, name, "role:admin")
    waiter(registry, "carol")
    assert registry.recipients_of(["role:admin"]) == {"alice", "bob"}
    assert registry.recipients_of(["all", "user:bob"]) == {"alice", "bob", "carol"}
    assert registry.recipients_of(["topic:deploys"]) == set()

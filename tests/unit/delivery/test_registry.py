"""The registry of holds: an entry ends the holds that it affects, and no ended hold stays registered.

The bounds on holds, broadcasts and new epochs are tested in `tests/api/test_holding.py`.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

import gevent
import pytest

from notifygate.delivery import hold as holds
from notifygate.delivery.hold import TRANSITIONS, Hold
from notifygate.delivery.registry import HoldRegistry
from notifygate.domain.entry import Entry, EntryKind
from tests.support.fake_view import FakeView
from tests.support.transitions import check_transitions
from tests.support.waiting import eventually


class Waiter:
    """A parked hold, and its transport, which counts how often it is delivered."""

    def __init__(self, registry: HoldRegistry, view: FakeView, on_end: Callable[[], object] = lambda: None) -> None:
        self.hold: Hold[Any] = Hold(deadline=float("inf"))
        self.hold.view = view
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


class NullTransport:
    def deliver_many(self, holds: Sequence[Hold[Any]]) -> None:
        """Drop the responses."""


def entry(*audiences: str, seq: int = 1) -> Entry:
    return Entry(seq, EntryKind.VIEW, audiences)


@pytest.fixture
def registry() -> Iterator[HoldRegistry]:
    """A registry that is drained at the end of a test, when each hold must be unregistered."""
    registry = HoldRegistry(per_recipient=3, per_worker=1000)
    yield registry
    registry.drain()
    eventually(lambda: not registry._calls, "the end of the drain")
    assert (registry._count, registry._by_audience, registry._by_recipient) == (0, {}, {})


def waiter(registry: HoldRegistry, recipient: str, *audiences: str, **options: Callable[[Entry], bool]) -> Waiter:
    return Waiter(registry, FakeView(recipient, *audiences, **options))


def all_ended(*waiters: Waiter) -> None:
    eventually(lambda: all(one.ended for one in waiters), "their end")
    assert [one.ended for one in waiters] == [1] * len(waiters), "each is delivered once"


def test_an_entry_wakes_only_the_holds_of_its_audiences_and_each_once(registry: HoldRegistry) -> None:
    alice, bob, admin = (
        waiter(registry, *names) for names in (["alice", "role:admin"], ["bob"], ["carol", "role:admin"])
    )
    assert registry.recipients_of(["role:admin"]) == {"alice", "carol"}
    assert registry.recipients_of(["all", "user:bob"]) == {"alice", "bob", "carol"}
    assert registry.recipients_of(["topic:deploys"]) == set()
    registry.wake([entry("user:alice", "role:admin"), entry("role:admin", seq=2)], 5.0)
    all_ended(alice, admin)
    assert (alice.hold.reason, alice.hold.committed_at) == ("news", 5.0)
    assert (bob.ended, bob.hold.reason) == (0, None)
    assert registry.recipients_of(["all", "role:admin"]) == {"bob"}, "an ended hold is not kept"


def test_a_hold_that_left_is_not_ended(registry: HoldRegistry) -> None:
    alice, other = waiter(registry, "alice"), waiter(registry, "alice")
    registry.leave(alice.hold, "timeout")
    registry.leave(alice.hold, "gone")
    assert alice.hold.reason == "timeout", "leaving again has no effect"
    registry.wake([entry("all")], None)
    all_ended(other)
    assert alice.ended == 0


def test_a_hold_that_was_ended_stays_ended(registry: HoldRegistry) -> None:
    """The wait ends at the moment when an entry arrives: the entry takes precedence."""
    alice = waiter(registry, "alice")
    registry.wake([entry("all")], 1.0)
    all_ended(alice)
    registry.leave(alice.hold, "timeout")
    assert alice.hold.reason == "news"
    all_ended(alice)


def test_a_hold_armed_during_a_drain_is_ended_at_once(registry: HoldRegistry) -> None:
    """Its request was on its way when the gateway began to stop."""
    registry.drain()
    late = waiter(registry, "alice")
    all_ended(late)
    assert late.hold.reason == "drained"


def test_many_holds_are_ended_in_slices_with_turns_for_others_in_between(
    registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.delivery.registry.CHECKED_PER_TURN", 10)
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


def test_entries_of_one_commit_share_a_slice(registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifygate.delivery.registry.CHECKED_PER_TURN", 10)
    waiters = [waiter(registry, f"r{n}") for n in range(25)]
    registry.wake([entry(f"user:r{n}", seq=1 + n) for n in range(25)], None)
    assert sum(one.hold.state == "ended" for one in waiters) == 10
    all_ended(*waiters)


def test_entries_of_one_audience_share_the_copy_of_its_holds(
    registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy takes half a millisecond for ten thousand holds, and hundreds of notifications may expire at once."""
    copied: list[str] = []
    holds_of = HoldRegistry._holds_of

    def note_and_copy(self: HoldRegistry, audience: str) -> Sequence[Hold[Any]]:
        copied.append(audience)
        return holds_of(self, audience)

    monkeypatch.setattr(HoldRegistry, "_holds_of", note_and_copy)
    last = waiter(registry, "alice", affects=lambda entry: entry.seq == 50)
    registry.wake([entry("all", "user:alice", seq=n) for n in range(1, 51)], None)
    all_ended(last)
    assert copied == ["all", "user:alice"]


def test_ended_holds_take_no_place_in_the_slices_of_later_entries(
    registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand holds times hundreds of entries would occupy the hub for most of a second."""
    monkeypatch.setattr("notifygate.delivery.registry.CHECKED_PER_TURN", 30)
    ended = [waiter(registry, f"r{n}") for n in range(20)]
    last = waiter(registry, "last", affects=lambda entry: entry.seq == 9)
    registry.wake([entry("all", seq=n) for n in range(1, 10)], None)
    assert last.hold.state == "ended", "after 21 checks for the first entry and one for each of the others"
    all_ended(*ended, last)


def test_a_hold_that_leaves_before_its_turn_is_not_ended(
    registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait ends, or the client leaves, while others are still being checked."""
    monkeypatch.setattr("notifygate.delivery.registry.CHECKED_PER_TURN", 1)
    bob, alice, last = (waiter(registry, name) for name in ("bob", "alice", "last"))
    registry.wake([entry("all")], None)
    registry.leave(alice.hold, "gone")
    all_ended(bob, last)
    assert (alice.ended, alice.hold.reason) == (0, "gone")


def test_a_hold_whose_view_fails_is_checked(registry: HoldRegistry) -> None:
    def fail(_: Entry) -> bool:
        raise RuntimeError("a defect")

    broken, bob = waiter(registry, "alice", affects=fail), waiter(registry, "bob")
    registry.wake([entry("all")], None)
    all_ended(broken, bob)


def test_a_defect_while_holds_are_ended_does_not_end_wake_ups(
    registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = HoldRegistry._end

    def fail_once(self: HoldRegistry, hold: Hold[Any], reason: holds.Reason) -> None:
        monkeypatch.setattr(HoldRegistry, "_end", end)
        raise ZeroDivisionError

    monkeypatch.setattr(HoldRegistry, "_end", fail_once)
    one, other = waiter(registry, "alice"), waiter(registry, "bob")
    registry.wake([entry("all")], None)
    eventually(lambda: other.ended == 1, "the end of the other hold")
    registry.wake([entry("user:alice")], None)
    eventually(lambda: one.ended == 1, "the end of the hold with a later entry")


def test_clients_may_return_while_others_are_ended(registry: HoldRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients poll again as soon as they are answered, while others are still being ended."""
    monkeypatch.setattr("notifygate.delivery.registry.CHECKED_PER_TURN", 2)
    back: list[Waiter] = []
    for n in range(9):
        Waiter(registry, FakeView(f"r{n}"), on_end=lambda: back.append(waiter(registry, "again")))
    registry.wake([entry("all")], None)
    eventually(lambda: len(back) == 9, "their return")
    all_ended(*(one for one in back if one.hold.reason == "crowded"))
    assert sum(one.hold.state == "waiting" for one in back) == 3


def test_an_entry_that_arrives_at_the_end_of_a_check_is_not_missed(registry: HoldRegistry) -> None:
    class Checked(Hold[str]):
        checks = 0

        def refresh_view(self) -> None:
            self.view = FakeView("alice")

        def check(self, *, is_last: bool) -> str | None:
            self.checks += 1
            if self.checks > 1:
                return "news"
            registry.wake([entry("user:alice")], None)  # after this check read the log
            return None

    assert registry.begin(Checked(deadline=float("inf"))) == "news"


def test_a_hold_waits_for_the_audiences_of_its_current_view(registry: HoldRegistry) -> None:
    views = iter([FakeView("alice", "role:guest"), FakeView("alice", "role:staff")])

    class Refreshed(Hold[str]):
        def check(self, *, is_last: bool) -> str | None:
            return None

        def refresh_view(self) -> None:
            self.view = next(views)

    hold = Refreshed(deadline=float("inf"))
    hold.transport = NullTransport()  # type: ignore[assignment]
    assert registry.begin(hold) is None
    registry.wake([entry("role:guest")], None)
    assert hold.state == "ended"
    assert registry.conclude(hold) is None, "there was no change, so that it waits again"
    registry.wake([entry("role:guest")], None)
    assert hold.state == "waiting"
    registry.wake([entry("role:staff")], None)
    assert hold.state == "ended"


def test_every_other_transition_is_an_error() -> None:
    states, events = get_args(holds.State), get_args(holds.Event)
    check_transitions(lambda: Hold(deadline=0.0), TRANSITIONS, states, events)

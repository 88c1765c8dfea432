"""A view: visible notifications, relevant entries, and their changes of the counts."""

import tracemalloc
from typing import Any

import pytest

from notifygate.domain.entry import Entry, EntryKind, ItemState
from notifygate.domain.notification import Notification
from notifygate.domain.principal import Recipient
from notifygate.inbox.view import View
from tests.support.builders import make_notification

ALICE = Recipient("alice", ("admin", "ops"), 0)

UNTOUCHED = ItemState()
SEEN = ItemState(seen_at=5)
READ = ItemState(seen_at=5, read_at=6)
DISMISSED = ItemState(seen_at=5, dismissed_at=7)


def make_view(principal: Recipient = ALICE, **fields: Any) -> View:
    values: dict[str, Any] = {
        "tag": 1,
        "started_seq": 10,
        "followed_since": {"deploys": 20, "secret": 20},
        "forbidden_topics": frozenset({"secret"}),
        "hidden_types": frozenset({"muted"}),
        "seen_marks": (),
        "read_marks": (),
        "dismissed_up_to": 0,
    }
    return View(principal, **{**values, **fields})


def note(seq: int, *to: str, type_name: str = "general") -> Notification:
    return make_notification(*to, seq=seq, type=type_name)


def published(seq: int, *to: str, type_name: str = "general") -> Entry:
    notification = note(seq, *to, type_name=type_name)
    return Entry(seq, EntryKind.PUBLISHED, notification.to, notification)


def removal(kind: EntryKind, notification: Notification, last: ItemState | None = None, *, known: bool = True) -> Entry:
    entry = Entry(notification.seq + 100, kind, notification.to, notification)
    if known:
        entry.last_states["alice"] = last
    return entry


@pytest.mark.parametrize(
    ("seq", "to", "shown_as"),
    [
        (11, ("all",), "all"), (11, ("role:ops", "all"), "role:ops"), (11, ("all", "role:ops", "role:admin"), "role:admin"),
        (21, ("all", "topic:deploys"), "topic:deploys"), (21, ("all", "topic:deploys", "user:alice"), "user:alice"),
        (11, ("user:bob", "role:other", "topic:other"), None),
        (10, ("all", "user:alice", "role:admin"), None),  # from before the inbox began
        (20, ("topic:deploys",), None), (20, ("topic:deploys", "all"), "all"),  # from before it was followed
        (999, ("topic:secret",), None), (999, ("topic:secret", "all"), "all"),  # its roles forbid it
        (11, ("user:admin", "role:alice", "topic:alice"), None),  # names of another kind
    ],
)  # fmt: skip
def test_a_notification_is_returned_with_its_most_specific_audience(
    seq: int, to: tuple[str, ...], shown_as: str | None
) -> None:
    assert make_view().shown_as(note(seq, *to)) == shown_as
    assert make_view().shown_as(note(seq, *to, type_name="muted")) is None
    assert make_view(dismissed_up_to=seq).shown_as(note(seq, *to)) is None
    assert make_view(dismissed_up_to=seq - 1).shown_as(note(seq, *to)) == shown_as


def test_the_json_of_a_notification_is_kept_for_audiences_with_many_recipients_only() -> None:
    users = [f"user:{n}" for n in range(100)]
    notification = make_notification(*users, "all", "role:ops", "topic:deploys", body="x" * 4000)
    tracemalloc.start()
    try:
        for audience in users:
            notification.json_for(audience, None, None)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 10 * len(notification.document)
    for audience in ("all", "role:ops", "topic:deploys"):
        assert notification.json_for(audience, None, None) is notification.json_for(audience, None, None)


def test_audiences_of_a_view_are_those_of_roles_and_topics() -> None:
    """A forbidden topic stays an audience, so that its release is noticed."""
    assert "topic:secret" in make_view().audiences
    plain = make_view(Recipient("bob", (), 0), followed_since={}, forbidden_topics=frozenset())
    assert plain.audiences == ("user:bob", "all")


def test_a_removal_is_not_counted_before_its_last_state_is_known() -> None:
    view = make_view()
    entry = removal(EntryKind.RETRACTED, note(11, "all"), known=False)
    assert view.needs_last_state(entry)
    assert view.affects(entry), "a wake-up too many is preferred"
    entry.last_states["bob"] = READ
    assert view.needs_last_state(entry), "bob's state has no effect on alice"


def test_a_row_takes_precedence_over_marks() -> None:
    view = make_view(seen_marks=((30, 100), (40, 200)), read_marks=((20, 150),))
    for seq, row, state in (
        (15, None, ItemState(seen_at=100, read_at=150)),
        (20, None, ItemState(seen_at=100, read_at=150)),
        (21, None, ItemState(seen_at=100)),
        (31, None, ItemState(seen_at=200)),
        (41, None, UNTOUCHED),
        (15, SEEN, SEEN),
        (15, UNTOUCHED, UNTOUCHED),
    ):
        assert view.state_of(seq, row) == state
        counted = (0 if state.read_at else -1, 0 if state.seen_at else -1)
        assert view.deltas(removal(EntryKind.EXPIRED, note(seq, "all"), row)) == counted, "the counts without it"


def state(to: str, unread_delta: int = 0, unseen_delta: int = 0, kind: EntryKind = EntryKind.STATE) -> Entry:
    """Make an entry of alice's change of a notification's state."""
    return Entry(50, kind, ("user:alice",), note(11, to), unread_delta=unread_delta, unseen_delta=unseen_delta)


@pytest.mark.parametrize(
    ("entry", "is_affected", "deltas"),
    [
        (published(11, "all"), True, (1, 1)),
        (published(11, "all", "user:alice", "role:admin"), True, (1, 1)),
        (published(11, "user:bob"), False, (0, 0)),
        (published(11, "all", type_name="muted"), False, (0, 0)),
        (Entry(50, EntryKind.VIEW, ("all",)), True, (0, 0)),
        (Entry(50, EntryKind.CONFIG, ("gateway",)), False, (0, 0)),
        (state("all", -1, -1), True, (-1, -1)),
        (state("all", 1), True, (1, 0)),
        (state("all", -1, kind=EntryKind.DISMISSED), True, (-1, 0)),
        (state("role:other", -1), False, (0, 0)),  # returned only to another device of alice, with other roles
        *(
            (removal(EntryKind.EXPIRED, notification, known=False), False, (0, 0))
            for notification in (note(11, "user:bob"), note(9, "all"), note(11, "all", type_name="muted"))
        ),
        *(
            (removal(kind, note(11, "all"), last), last is not DISMISSED, deltas)
            for kind in (EntryKind.RETRACTED, EntryKind.EXPIRED)
            for last, deltas in ((None, (-1, -1)), (UNTOUCHED, (-1, -1)), (SEEN, (-1, 0)), (READ, (0, 0)), (DISMISSED, (0, 0)))
        ),
    ],
)  # fmt: skip
def test_an_entry_affects_a_view_and_its_counts(entry: Entry, is_affected: bool, deltas: tuple[int, int]) -> None:
    view = make_view()
    assert not view.needs_last_state(entry)
    assert view.affects(entry) is is_affected
    assert view.deltas(entry) == deltas

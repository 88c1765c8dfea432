"""A view: visible notifications, relevant entries, and their changes of the counts."""

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
        (11, ("all",), "all"),
        (11, ("role:ops", "all"), "role:ops"),
        (11, ("all", "role:ops", "role:admin"), "role:admin"),
        (21, ("all", "topic:deploys"), "topic:deploys"),
        (21, ("all", "topic:deploys", "user:alice"), "user:alice"),
        (11, ("user:bob", "role:other", "topic:other"), None),
        (10, ("all", "user:alice", "role:admin"), None),  # from before the inbox began
        (20, ("topic:deploys",), None),  # from before it was followed
        (20, ("topic:deploys", "all"), "all"),
        (999, ("topic:secret",), None),  # its roles forbid it
        (999, ("topic:secret", "all"), "all"),
        (11, ("user:admin", "role:alice", "topic:alice"), None),  # names of another kind
    ],
)
def test_a_notification_is_shown_as_the_most_specific_audience(
    seq: int, to: tuple[str, ...], shown_as: str | None
) -> None:
    assert make_view().shown_as(note(seq, *to)) == shown_as


def test_a_hidden_type_is_shown_to_no_audience() -> None:
    assert make_view().shown_as(note(11, "user:alice", "all", type_name="muted")) is None


def test_what_was_dismissed_up_to_a_position_is_not_shown() -> None:
    view = make_view(dismissed_up_to=30)
    assert view.shown_as(note(30, "user:alice")) is None
    assert view.shown_as(note(31, "user:alice")) == "user:alice"


def test_a_forbidden_topic_stays_an_audience_so_that_its_release_is_noticed() -> None:
    assert "topic:secret" in make_view().audiences


def test_a_recipient_without_roles_has_two_audiences() -> None:
    view = make_view(Recipient("bob", (), 0), followed_since={}, forbidden_topics=frozenset())
    assert view.audiences == ("user:bob", "all")


def test_a_view_is_affected_by_what_it_shows_and_by_its_end() -> None:
    view = make_view()
    assert view.affects(published(11, "all"))
    assert not view.affects(published(11, "user:bob"))
    assert not view.affects(published(11, "all", type_name="muted"))
    assert view.affects(Entry(50, EntryKind.VIEW, ("all",)))
    assert not view.affects(Entry(50, EntryKind.CONFIG, ("gateway",)))
    state = Entry(50, EntryKind.STATE, ("user:alice",), note(11, "all"), seen_at=5, unseen_delta=-1)
    assert view.affects(state)
    hidden = Entry(50, EntryKind.STATE, ("user:alice",), note(11, "role:other"), seen_at=5, unseen_delta=-1)
    assert not view.affects(hidden), "another device of the recipient, with other roles, is shown this one"


@pytest.mark.parametrize("kind", [EntryKind.RETRACTED, EntryKind.EXPIRED])
@pytest.mark.parametrize(
    ("last", "is_told", "deltas"),
    [
        (None, True, (-1, -1)),
        (UNTOUCHED, True, (-1, -1)),
        (SEEN, True, (-1, 0)),
        (READ, True, (0, 0)),
        (DISMISSED, False, (0, 0)),
    ],
)
def test_a_removal_takes_back_what_the_notification_counted(
    kind: EntryKind, last: ItemState | None, is_told: bool, deltas: tuple[int, int]
) -> None:
    entry = removal(kind, note(11, "all"), last)
    view = make_view()
    assert not view.needs_last_state(entry)
    assert view.affects(entry) is is_told
    assert view.deltas(entry) == deltas


def test_a_removal_is_not_counted_before_its_last_state_is_known() -> None:
    view = make_view()
    entry = removal(EntryKind.RETRACTED, note(11, "all"), known=False)
    assert view.needs_last_state(entry)
    assert view.affects(entry), "rather one wake-up too many"
    entry.last_states["bob"] = READ
    assert view.needs_last_state(entry), "what bob did is nothing to alice"


def test_a_removal_of_what_is_not_shown_needs_no_look() -> None:
    view = make_view()
    for notification in (note(11, "user:bob"), note(9, "all"), note(11, "all", type_name="muted")):
        entry = removal(EntryKind.EXPIRED, notification, known=False)
        assert not view.needs_last_state(entry)
        assert not view.affects(entry)
        assert view.deltas(entry) == (0, 0)


def test_marks_say_what_a_removed_notification_counted_where_no_row_does() -> None:
    view = make_view(seen_marks=((30, 100), (40, 200)), read_marks=((20, 100),))
    assert view.deltas(removal(EntryKind.EXPIRED, note(15, "all"))) == (0, 0)
    assert view.deltas(removal(EntryKind.EXPIRED, note(25, "all"))) == (-1, 0)
    assert view.deltas(removal(EntryKind.EXPIRED, note(45, "all"))) == (-1, -1)
    assert view.deltas(removal(EntryKind.EXPIRED, note(15, "all"), UNTOUCHED)) == (-1, -1), "a row says more"


def test_a_row_says_all_and_marks_say_the_rest() -> None:
    view = make_view(seen_marks=((30, 100), (40, 200)), read_marks=((20, 150),))
    assert view.state_of(15, None) == ItemState(seen_at=100, read_at=150)
    assert view.state_of(20, None) == ItemState(seen_at=100, read_at=150)
    assert view.state_of(21, None) == ItemState(seen_at=100)
    assert view.state_of(31, None) == ItemState(seen_at=200)
    assert view.state_of(41, None) == UNTOUCHED
    assert view.state_of(15, SEEN) == SEEN


@pytest.mark.parametrize(
    ("entry", "deltas"),
    [
        (published(11, "all"), (1, 1)),
        (published(11, "all", "user:alice", "role:admin"), (1, 1)),
        (published(11, "user:bob"), (0, 0)),
        (published(11, "all", type_name="muted"), (0, 0)),
        (Entry(50, EntryKind.VIEW, ("all",)), (0, 0)),
        (Entry(50, EntryKind.CONFIG, ("gateway",)), (0, 0)),
        (Entry(50, EntryKind.STATE, ("user:alice",), note(11, "all"), unread_delta=-1, unseen_delta=-1), (-1, -1)),
        (Entry(50, EntryKind.STATE, ("user:alice",), note(11, "all"), unread_delta=1), (1, 0)),
        (Entry(50, EntryKind.DISMISSED, ("user:alice",), note(11, "all"), unread_delta=-1), (-1, 0)),
        (Entry(50, EntryKind.STATE, ("user:alice",), note(11, "role:other"), unread_delta=-1), (0, 0)),
    ],
)
def test_what_an_entry_does_to_the_counts(entry: Entry, deltas: tuple[int, int]) -> None:
    assert make_view().deltas(entry) == deltas

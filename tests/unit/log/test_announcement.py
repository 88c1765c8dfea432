"""Announcements: what another process reads is what was committed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification
from notifygate.log.announcement import MAX_CARRIED_BYTES, Announcement, announce, from_bytes, to_bytes
from tests.contract.builders import make_notification

ENTRY_FIELDS = ("seq", "kind", "audiences", "seen_at", "read_at", "unread_delta", "unseen_delta")
NOTIFICATION_FIELDS = list(Notification.__dataclass_fields__)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
times = st.none() | st.integers(0, 2**53)
audiences = st.lists(texts.map("user:{}".format), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def notifications(draw: st.DrawFn) -> Notification:
    return make_notification(
        *draw(audiences),
        seq=draw(st.integers(1, 2**44 - 1)),
        title=draw(texts),
        body=draw(texts),
        sender=draw(texts),
        icon=draw(st.none() | texts),
        action_url=draw(st.none() | texts),
        data=json.dumps(draw(st.dictionaries(texts, texts | st.integers() | st.none(), max_size=2))),
        expires_at=draw(times),
    )


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(EntryKind))
    notification = None if kind in (EntryKind.VIEW, EntryKind.CONFIG) else draw(notifications())
    is_for_all = notification is not None and draw(st.booleans())
    return Entry(
        seq=draw(st.integers(1, 2**44 - 1)),
        kind=kind,
        audiences=notification.to if is_for_all and notification else draw(audiences),
        notification=notification,
        seen_at=draw(times),
        read_at=draw(times),
        unread_delta=draw(st.integers(-1, 1)),
        unseen_delta=draw(st.integers(-1, 1)),
    )


def there_and_back(announcement: Announcement) -> Announcement:
    return from_bytes(to_bytes(announcement))


def assert_same(got: Entry, sent: Entry) -> None:
    for name in ENTRY_FIELDS:
        assert getattr(got, name) == getattr(sent, name), name
    assert (got.notification is None) == (sent.notification is None)
    if got.notification is not None and sent.notification is not None:
        for name in NOTIFICATION_FIELDS:
            assert getattr(got.notification, name) == getattr(sent.notification, name), name


@given(st.lists(entries(), min_size=1, max_size=3))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_every_field_of_every_entry_survives(sent: list[Entry]) -> None:
    got = there_and_back(Announcement(7, sent[0].seq, sent[-1].seq, 1234.5, sent))
    assert (got.epoch, got.first, got.last, got.committed_at) == (7, sent[0].seq, sent[-1].seq, 1234.5)
    assert got.entries is not None
    for mine, theirs in zip(got.entries, sent, strict=True):
        assert_same(mine, theirs)


def test_an_announcement_is_of_the_whole_range_of_its_entries() -> None:
    made = announce(5, [Entry(seq, EntryKind.VIEW, ("all",)) for seq in (11, 12, 13)])
    assert (made.epoch, made.first, made.last) == (5, 11, 13)


def test_entries_that_are_too_large_are_left_out() -> None:
    notification = make_notification(body="x" * 4000)
    small = announce(1, [Entry(n, EntryKind.PUBLISHED, ("all",), notification) for n in range(1, 3)])
    large = announce(1, [Entry(n, EntryKind.PUBLISHED, ("all",), notification) for n in range(1, 30)])
    assert there_and_back(small).entries is not None
    got = there_and_back(large)
    assert (got.first, got.last, got.entries) == (1, 29, None)
    assert len(to_bytes(large)) < 1000 < len(to_bytes(small)) <= MAX_CARRIED_BYTES


def test_an_announcement_without_entries_stays_without() -> None:
    """ "Read them" must not turn into "there are none"."""
    assert there_and_back(Announcement(1, 5, 9, 0.0, None)).entries is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no JSON",
        b"7",
        b"[]",
        b"{}",
        b'{"epoch":1,"first":1,"last":1,"committed_at":0,"entries":[]}',
        b"[1,1,1,0]",
        b"[1,1,1,0,7]",
        b"[1,1,1,0,[7]]",
        b"[1,1,1,0,[[]]]",
        b"[1,1,1,0,[{}]]",
        b'[1,1,1,0,[[1,"unheard of",["all"],null,null,null,0,0]]]',
        b'[1,1,1,0,[[1,"published",null,null,null,null,0,0]]]',
        b'[1,1,1,0,[[1,"published",null,[1,"an id","general",["all"]],null,null,0,0]]]',
    ],
)
def test_anything_else_is_refused(message: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, IndexError)):
        from_bytes(message)

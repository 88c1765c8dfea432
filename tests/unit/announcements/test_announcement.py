"""Announcements: another process reads the entries that were committed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifygate.announcements.announcement import (
    MAX_CARRIED_BYTES,
    MAX_TIME_MS,
    Announcement,
    announce,
    from_bytes,
    to_bytes,
)
from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification
from notifygate.domain.principal import Recipient
from notifygate.inbox.view import View
from notifygate.log.tail import Tail
from tests.support.builders import make_notification

ENTRY_FIELDS = ("seq", "kind", "audiences", "seen_at", "read_at", "unread_delta", "unseen_delta")
NOTIFICATION_FIELDS = list(Notification.__dataclass_fields__)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
times = st.none() | st.integers(0, MAX_TIME_MS)
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
    seq = draw(st.integers(2, 2**44 - 10))
    notification = None if kind in (EntryKind.VIEW, EntryKind.CONFIG) else draw(notifications())
    if notification is not None:
        notification.seq = seq if kind is EntryKind.PUBLISHED else draw(st.integers(1, seq - 1))
    is_personal = kind in (EntryKind.STATE, EntryKind.DISMISSED)
    return Entry(
        seq=seq,
        kind=kind,
        audiences=notification.to if notification and not is_personal else draw(audiences)[: 1 if is_personal else 3],
        notification=notification,
        seen_at=draw(times),
        read_at=draw(times),
        unread_delta=draw(st.integers(-1, 1)),
        unseen_delta=draw(st.integers(-1, 1)),
    )


def encode_and_decode(announcement: Announcement) -> Announcement:
    return from_bytes(to_bytes(announcement), *announcement[:3])


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
    for seq, entry in enumerate(sent, sent[0].seq):
        entry.seq = seq
        if entry.is_published and entry.notification:
            entry.notification.seq = seq
        elif entry.notification:
            entry.notification.seq = min(entry.notification.seq, seq - 1)
    got = encode_and_decode(Announcement(7, sent[0].seq, sent[-1].seq, 1234.5, sent))
    assert (got.epoch, got.first, got.last, got.committed_at) == (7, sent[0].seq, sent[-1].seq, 1234.5)
    assert got.entries is not None
    for mine, theirs in zip(got.entries, sent, strict=True):
        assert_same(mine, theirs)


def test_an_integer_that_no_double_holds_is_announced_unchanged() -> None:
    """Version 0.1 accepted it, and its notifications are retracted and marked by later versions."""
    for number in ("1" + "0" * 400, "-18" + "0" * 307):
        stored = make_notification(seq=3, data=f'{{"n":{number}}}')
        sent = [Entry(3, EntryKind.PUBLISHED, ("all",), stored), Entry(4, EntryKind.RETRACTED, ("all",), stored)]
        got = encode_and_decode(announce(1, sent)).entries
        assert got is not None
        for mine, theirs in zip(got, sent, strict=True):
            assert_same(mine, theirs)


def of_large_entries(count: int) -> Announcement:
    large = (make_notification(seq=n, body="x" * 4000) for n in range(1, count + 1))
    return announce(1, [Entry(one.seq, EntryKind.PUBLISHED, ("all",), one) for one in large])


def test_too_large_entries_are_left_out() -> None:
    """Then `entries` is None, so that they are read from the database, and not an empty list."""
    small, large = of_large_entries(2), of_large_entries(29)
    assert encode_and_decode(small).entries is not None
    got = encode_and_decode(large)
    assert (got.epoch, got.first, got.last, got.entries) == (1, 1, 29, None)
    assert len(to_bytes(large)) < 1000 < len(to_bytes(small)) <= MAX_CARRIED_BYTES


DOCUMENT = b'{"id":"n","title":"t"}'
"""The document of a notification."""

VIEW = ["view", ["all"], None, None, None, 0, 0]
PUBLISHED = ["published", None, [5, "n", "t", ["all"]], None, None, 0, 0]
RETRACTED = ["retracted", None, [3, "n", "t", ["all"]], None, None, 0, 0]
STATE = ["state", ["user:a"], [3, "n", "t", ["user:a"]], 7, None, -1, 1]


def message(*entries: Any, texts: bytes | None = None, at: Any = 1) -> bytes:
    """Write an announcement of entries at 5 and on; by default with one document if it names a notification."""
    if texts is None:
        texts = b"\n" + DOCUMENT if any(entry[2] for entry in entries) else b""
    return json.dumps([at, list(entries)]).encode() + texts


def with_value(entry: list[Any], field: int, value: Any, inside: int | None = None) -> list[Any]:
    """Return an entry with another value in a field, or in a place inside of one."""
    copy = json.loads(json.dumps(entry))
    if inside is None:
        copy[field] = value
    else:
        copy[field][inside] = value
    return copy


BAD_DOCUMENTS = [
    *(b"", b"no JSON", b"7", b"[]", b"{}", b'{"committed_at":0,"entries":[]}', b"[1]", b"[1,7]", b"[1,[]]", b"[1,[7]]"),
    *(b"[1,[[]]]", b"[1,[{}]]", b"[1,[[],[]]]", message(VIEW, VIEW), message(VIEW, texts=b"\n" + DOCUMENT)),
    *(message(VIEW, at=at) for at in ("1", True, None, -1, [])),
    *(
        message(with_value(VIEW, field, value))
        for field, values in {
            0: ("unheard of", ["view"]),
            1: (None, [], "all", [[]], [1]),
            3: ("x",),
            4: (1.5,),
            5: ("1", True),
            6: (2,),
        }.items()
        for value in values
    ),
    *(message(with_value(VIEW, 3, time)) for time in (MAX_TIME_MS + 1, -1)),
    message(with_value(VIEW, 2, PUBLISHED[2])),
    message(with_value(PUBLISHED, 2, None)),
    message(with_value(PUBLISHED, 1, ["role:a"])),
    *(
        message(with_value(PUBLISHED, 2, value, inside))
        for inside, values in {0: (4, "5"), 1: (1,), 2: (None,), 3: ([], {"all": 1})}.items()
        for value in values
    ),
    *(
        message(PUBLISHED, texts=texts)
        for texts in (
            *(b"", b'\n{"id":"another"}', b'\n{"id":"n","title":}', b'\n{"id":"n"},{}', b"\n" + DOCUMENT + b" "),
            *(b'\n["id","n"]', (b"\n" + DOCUMENT) * 2, b'\n{"id":"n","data":0%d}' % 10**400),
        )
    ),
    message(with_value(RETRACTED, 1, ["user:a"])),
    *(message(with_value(RETRACTED, 2, seq, 0)) for seq in (6, 5, "x")),
    message([*STATE[:5], "x", "y"]),
    message(with_value(with_value(STATE, 1, None), 2, ["user:a", "user:b"], 3)),
    message(with_value(STATE, 1, ["user:a", "user:b"])),
]


@pytest.mark.parametrize("document", BAD_DOCUMENTS)
def test_invalid_announcements_are_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"invalid|column"):
        from_bytes(document, 3, 5, 5)


def test_the_parts_of_the_refused_announcements_are_valid() -> None:
    for document in (message(VIEW), message(PUBLISHED, at=1.5), message(RETRACTED), message(STATE)):
        assert from_bytes(document, 3, 5, 5).entries is not None


@pytest.mark.parametrize(
    ("epoch", "first", "last"), [(1 << 20, 5, 5), (3, 0, 5), (3, 6, 5), (3, 5, 1 << 44), (3, 5, (1 << 44) + 5)]
)
def test_a_range_that_no_log_can_have_is_refused(epoch: int, first: int, last: int) -> None:
    with pytest.raises(ValueError, match="range"):
        from_bytes(b"[1,null]", epoch, first, last)


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(entries(), st.integers(0, 6), st.integers(-1, 3), junk)
@settings(max_examples=300, derandomize=True, deadline=None)
def test_an_altered_entry_is_refused_or_can_be_counted_and_rendered(
    sent: Entry, field: int, inside: int, value: Any
) -> None:
    """Accepted values can't make a poll fail: they are used like those of an entry from the database."""
    line, *texts = to_bytes(Announcement(7, sent.seq, sent.seq, 1234.5, [sent])).split(b"\n")
    committed_at, (fields,) = json.loads(line)
    if field == 2 and inside >= 0 and fields[2] is not None:
        fields[2][inside] = value
    else:
        fields[field] = value
    message = b"\n".join([json.dumps([committed_at, [fields]]).encode(), *texts])
    try:
        got = from_bytes(message, 7, sent.seq, sent.seq)
    except ValueError:
        return
    (entry,) = got.entries or ()
    tail = Tail(10)
    tail.restart(7, entry.seq - 1)
    tail.extend(entry.seq, [entry])
    for audience in entry.audiences:
        view = a_view(audience.removeprefix("user:"))
        assert len(tail.after(view.audiences, entry.seq - 1) or ()) == (audience in view.audiences)
        view.affects(entry)
        assert all(type(delta) is int and -1 <= delta <= 1 for delta in view.deltas(entry))
        if entry.notification and (shown_as := view.shows(entry)):
            shown = json.loads(entry.notification.json_for(shown_as, entry.seen_at, entry.read_at))
            assert shown["id"] == entry.notification.id


def a_view(recipient: str) -> View:
    return View(
        Recipient(recipient, (), 0),
        tag=bytes(8),
        started_seq=0,
        followed_since={},
        forbidden_topics=frozenset(),
        hidden_types=frozenset(),
        seen_marks=(),
        read_marks=(),
        dismissed_up_to=0,
    )

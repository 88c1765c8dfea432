"""Sealed announcements: in Redis they can be neither read nor altered nor moved to another position."""

import pytest

from notifygate.announcements.announcement import MAX_CARRIED_BYTES, Announcement, announce, to_bytes
from notifygate.announcements.seal import MAX_MESSAGE_BYTES, AnnouncementSeal
from notifygate.domain.entry import Entry, EntryKind
from tests.support.builders import make_notification

OLD, NEW = "the old secret of more than 32 bytes", "the new secret of more than 32 bytes"
CHANNEL = "notifygate:tests:log"


def an_announcement(body: str = "the body", count: int = 1) -> Announcement:
    notifications = [make_notification(seq=5 + n, title="the title", body=body) for n in range(count)]
    return announce(3, [Entry(n.seq, EntryKind.PUBLISHED, n.to, n) for n in notifications])


def a_seal(*secrets: str, channel: str = CHANNEL) -> AnnouncementSeal:
    return AnnouncementSeal(secrets or (OLD,), channel)


def test_a_sealed_announcement_can_be_read_with_the_same_secret_alone() -> None:
    announcement, seal = an_announcement(), a_seal()
    messages = {seal.seal(announcement) for _ in range(100)}
    assert len(messages) == 100, "equal announcements are sealed differently"
    opened = a_seal().open(messages.pop())
    assert opened[:4] == announcement[:4]
    assert [entry.seq for entry in opened.entries or ()] == [5]
    for text in (b"the title", b"the body", b"all", b"published", b'"id"'):
        assert text in to_bytes(announcement)
        assert not any(text in message for message in messages)


def test_each_secret_opens_and_the_first_seals() -> None:
    announcement = an_announcement()
    assert a_seal(NEW, OLD).open(a_seal(OLD).seal(announcement))
    assert a_seal(OLD, NEW).open(a_seal(NEW, OLD).seal(announcement))
    with pytest.raises(ValueError, match="unknown version or key"):
        a_seal(OLD).open(a_seal(NEW, OLD).seal(announcement))


def test_another_key_under_the_same_key_id_opens_nothing() -> None:
    """The id of the key is public: it is in every message."""
    genuine, forged = a_seal(OLD).seal(an_announcement()), a_seal(NEW).seal(an_announcement())
    with pytest.raises(ValueError, match="invalid seal"):
        a_seal(OLD).open(forged[:9] + genuine[9:17] + forged[17:])


def test_no_byte_can_be_changed() -> None:
    message = a_seal().seal(an_announcement())
    for place in range(len(message)):
        altered = bytearray(message)
        altered[place] ^= 1
        with pytest.raises(ValueError, match=r"invalid|unknown"):
            a_seal().open(bytes(altered))


def test_a_message_opens_on_its_own_channel_alone() -> None:
    message = a_seal().seal(an_announcement())
    with pytest.raises(ValueError, match="invalid seal"):
        a_seal(channel="notifygate:another:log").open(message)


@pytest.mark.parametrize("field", ["epoch", "first", "last"])
def test_a_message_opens_for_its_own_epoch_and_range_alone(field: str) -> None:
    announcement = an_announcement()._replace(entries=None)
    moved = announcement._replace(**{field: getattr(announcement, field) + (-1 if field == "first" else 1)})
    message, header = a_seal().seal(announcement), a_seal().seal(moved)[:37]
    with pytest.raises(ValueError, match="invalid seal"):
        a_seal().open(header[:1] + message[1:9] + header[9:] + message[37:])


def test_decrypted_content_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifygate.announcements.seal.to_bytes", lambda _: b'["not a time",null]')
    with pytest.raises(ValueError, match="time of the commit"):
        a_seal().open(a_seal().seal(an_announcement()))


def test_the_largest_announcement_is_no_longer_than_the_bound() -> None:
    seal = a_seal()
    sizes = [len(seal.seal(an_announcement("x" * (4000 + n), count=15))) for n in range(0, 400, 5)]
    carried = [size for size in sizes if size > 1000]
    assert len(carried) < len(sizes), "the largest are sent without their entries"
    assert MAX_CARRIED_BYTES - 100 < max(carried) <= MAX_MESSAGE_BYTES
    with pytest.raises(ValueError, match="length"):
        seal.open(bytes(MAX_MESSAGE_BYTES + 1))

"""An announcement: the log has grown, with the new entries where they are small enough to be carried along.

How it travels: sealed (`notifygate.announcements.seal`), with the epoch and the range in the clear in front of it.
"""

import math
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from notifygate.domain.cursor import EPOCH_BITS, MAX_SEQUENCE
from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification

MAX_CARRIED_BYTES = 64 * 1024
"""Past this an announcement carries only the range, and followers read the entries from the database."""

MAX_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, the end of what RFC 3339 can write."""

_LONG_INTEGER = re.compile(rb"[1-9][0-9]{308,}")
"""An integer that may be beyond the range of a double."""

_KINDS = {kind.value: kind for kind in EntryKind}
_WITHOUT_NOTIFICATION = frozenset((EntryKind.VIEW, EntryKind.CONFIG))
_PERSONAL = frozenset((EntryKind.STATE, EntryKind.DISMISSED))
_ENTRY_FIELDS = 7
_ABOUT_FIELDS = 4


class Announcement(NamedTuple):
    """The announcement that entries `first` to `last` of an epoch are committed."""

    epoch: int
    first: int
    last: int
    committed_at: float
    """`time.time()` right after the commit; wake-up delays are counted from here."""
    entries: Sequence[Entry] | None
    """All entries of the range in order, None where they have to be read."""


def announce(epoch: int, entries: Sequence[Entry]) -> Announcement:
    """Make the announcement of entries that were committed just now (at least one, contiguous)."""
    return Announcement(epoch, entries[0].seq, entries[-1].seq, time.time(), entries)


def to_bytes(announcement: Announcement) -> bytes:
    """Encode all of an announcement but its epoch and range; the entries are left out where they are too large.

    A line of JSON; below it, on a line each, the notifications' documents, which other processes send as they are.
    """
    committed_at, entries = announcement.committed_at, announcement.entries
    if entries is not None:
        documents: list[bytes] = []
        lines = [orjson.dumps((committed_at, [_entry_to_json(entry, documents) for entry in entries])), *documents]
        carried = b"\n".join(lines)
        if len(carried) <= MAX_CARRIED_BYTES:
            return carried
    return orjson.dumps((committed_at, None))


def from_bytes(message: bytes, epoch: int, first: int, last: int) -> Announcement:
    """Decode the bytes of `to_bytes` for an announcement of this epoch and range.

    Raises ValueError unless every value has the type, size and place of an entry of the log: the result can be counted,
    compared and sent like an entry from the database.
    """
    _check(0 <= epoch < 1 << EPOCH_BITS and 0 < first <= last <= MAX_SEQUENCE, "epoch or range")
    line, *documents = message.split(b"\n")
    document = _list_of(orjson.loads(line), 2, "document")
    committed_at, carried = document
    _check(type(committed_at) in (int, float) and 0 <= committed_at < math.inf, "time of the commit")
    entries: list[Entry] | None = None
    if carried is not None:
        entries = []
        remaining = iter(documents)
        for seq, fields in enumerate(_list_of(carried, last - first + 1, "entries"), first):
            entries.append(_entry_from_json(fields, seq, remaining))
        documents = list(remaining)
    _check(not documents, "more documents than notifications")
    return Announcement(epoch, first, last, committed_at, entries)


def _entry_to_json(entry: Entry, documents: list[bytes]) -> tuple[Any, ...]:
    """Return the fields of an entry; the document of its notification is added to `documents`."""
    about, audiences, notification = None, entry.audiences, entry.notification
    if notification is not None:
        about = (notification.seq, notification.id, notification.type, notification.to)
        documents.append(notification.document)
        if audiences == notification.to:
            audiences = None
    state = (entry.seen_at, entry.read_at, entry.unread_delta, entry.unseen_delta)
    return entry.kind.value, audiences, about, *state


def _entry_from_json(fields: Any, seq: int, documents: Iterator[bytes]) -> Entry:
    """Make the entry of a position from its fields; the document of its notification is the next of `documents`."""
    kind_name, audiences, about, seen_at, read_at, unread, unseen = _list_of(fields, _ENTRY_FIELDS, "entry")
    _check(type(kind_name) is str and kind_name in _KINDS, "kind")
    kind = _KINDS[kind_name]
    _check((about is None) == (kind in _WITHOUT_NOTIFICATION), "notification of an entry of this kind")
    notification: Notification | None = None
    if about is not None:
        notification = _notification_from_json(about, seq, next(documents, b""))
        _check((notification.seq == seq) == (kind is EntryKind.PUBLISHED), "position of the notification")
    if notification is None:
        to = _names(audiences, "audiences")
    else:
        to = notification.to if audiences is None else _names(audiences, "audiences")
        _check(len(to) == 1 if kind in _PERSONAL else to == notification.to, "audiences")
    for at in (seen_at, read_at):
        _check(at is None or (type(at) is int and 0 <= at <= MAX_TIME_MS), "time")
    for delta in (unread, unseen):
        _check(type(delta) is int and -1 <= delta <= 1, "change of the counts")
    return Entry(seq, kind, to, notification, seen_at, read_at, unread, unseen)


def _notification_from_json(about: Any, entry_seq: int, document: bytes) -> Notification:
    seq, id_, type_, to = _list_of(about, _ABOUT_FIELDS, "notification")
    _check(type(seq) is int and 0 < seq <= entry_seq, "position of the notification")
    _check(type(id_) is str and type(type_) is str, "id or type")
    # It is sent to clients as it is, with more fields before its last brace: it has to be one JSON object.
    _check(document.startswith(b"{") and document.endswith(b"}"), "document")
    _check(_id_in(document) == id_, "document")
    return Notification(seq, id_, type_, _names(to, "audiences"), document)


def _id_in(document: bytes) -> Any:
    """Return the id in the document of a notification. Raises ValueError unless it is JSON."""
    try:
        return orjson.loads(document).get("id")
    except orjson.JSONDecodeError:
        # Version 0.1 accepted integers that orjson rejects, in notifications that are still retracted and marked.
        return orjson.loads(_LONG_INTEGER.sub(b"0", document)).get("id")


def _names(value: Any, what: str) -> tuple[str, ...]:
    """Return a list of at least one text as a tuple."""
    _check(type(value) is list and len(value) > 0, what)
    for name in value:
        _check(type(name) is str and name != "", what)
    return tuple(value)


def _list_of(value: Any, length: int, what: str) -> list[Any]:
    _check(type(value) is list and len(value) == length, what)
    return value


def _check(is_so: bool, what: str) -> None:
    """Raise ValueError that names what is wrong, never its value."""
    if not is_so:
        raise ValueError(f"invalid {what}")

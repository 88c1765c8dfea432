"""An announcement: the news that the log has grown, with the entries where they are small enough to carry along."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import orjson

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification

MAX_CARRIED_BYTES = 64 * 1024
"""Past this an announcement carries only the range, and followers read the entries from the database."""


@dataclass(slots=True, frozen=True)
class Announcement:
    """Entries `first` to `last` of an epoch have been committed."""

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
    """Encode an announcement for another process; the entries are left out where they are too large."""
    head: dict[str, Any] = {
        "epoch": announcement.epoch,
        "first": announcement.first,
        "last": announcement.last,
        "committed_at": announcement.committed_at,
    }
    if announcement.entries is not None:
        carried = orjson.dumps({**head, "entries": [_entry_to_json(entry) for entry in announcement.entries]})
        if len(carried) <= MAX_CARRIED_BYTES:
            return carried
    return orjson.dumps({**head, "entries": None})


def from_bytes(message: bytes) -> Announcement:
    """Decode what `to_bytes` has made. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    document = orjson.loads(message)
    entries = document["entries"]
    return Announcement(
        epoch=document["epoch"],
        first=document["first"],
        last=document["last"],
        committed_at=document["committed_at"],
        entries=None if entries is None else [_entry_from_json(entry) for entry in entries],
    )


_NOTIFICATION_FIELDS = (
    "seq", "id", "type", "title", "body", "priority", "sender", "icon", "action_url", "data", "to", "key_id",
    "created_at", "expires_at",
)  # fmt: skip
_ENTRY_FIELDS = ("seq", "seen_at", "read_at", "unread_delta", "unseen_delta")
_notification_values, _entry_values = attrgetter(*_NOTIFICATION_FIELDS), attrgetter(*_ENTRY_FIELDS)


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    document: dict[str, Any] = dict(zip(_ENTRY_FIELDS, _entry_values(entry), strict=True))
    document["kind"] = entry.kind.value
    notification = entry.notification
    if notification is None:
        document["audiences"] = entry.audiences
    else:
        document["notification"] = dict(zip(_NOTIFICATION_FIELDS, _notification_values(notification), strict=True))
        if entry.audiences is not notification.to:
            document["audiences"] = entry.audiences
    return document


def _entry_from_json(document: dict[str, Any]) -> Entry:
    notification = None
    if fields := document.pop("notification", None):
        fields["to"] = tuple(fields["to"])
        notification = Notification(**fields)
    audiences = tuple(document.pop("audiences", ()))
    return Entry(
        kind=EntryKind(document.pop("kind")),
        audiences=audiences or (notification.to if notification else ()),
        notification=notification,
        **document,
    )

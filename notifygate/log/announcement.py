"""An announcement: the news that the log has grown, with the entries where they are small enough to carry along."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from notifygate.domain.entry import Entry, EntryKind
from notifygate.domain.notification import Notification

MAX_CARRIED_BYTES = 64 * 1024
"""Past this an announcement carries only the range, and followers read the entries from the database."""

_KINDS = {kind.value: kind for kind in EntryKind}


class Announcement(NamedTuple):
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
    """Encode an announcement for another process; the entries are left out where they are too large.

    A line of JSON; below it, on a line each, the texts of the notifications, which that process hands on as they are.
    """
    *head, entries = announcement
    if entries is not None:
        texts: list[bytes] = []
        lines = [orjson.dumps((*head, [_entry_to_json(entry, texts) for entry in entries])), *texts]
        carried = b"\n".join(lines)
        if len(carried) <= MAX_CARRIED_BYTES:
            return carried
    return orjson.dumps((*head, None))


def from_bytes(message: bytes) -> Announcement:
    """Decode what `to_bytes` has made. Raises ValueError, KeyError, TypeError or IndexError for anything else."""
    line, *texts = message.split(b"\n")
    epoch, first, last, committed_at, carried = orjson.loads(line)
    entries = None if carried is None else [_entry_from_json(fields, texts) for fields in carried]
    return Announcement(epoch, first, last, committed_at, entries)


def _entry_to_json(entry: Entry, texts: list[bytes]) -> tuple[Any, ...]:
    """Return what an entry consists of; the text of its notification is added to `texts`."""
    about, audiences, notification = None, entry.audiences, entry.notification
    if notification is not None:
        about = (notification.seq, notification.id, notification.type, notification.to)
        texts.append(notification.text)
        if audiences is notification.to:
            audiences = None
    state = (entry.seen_at, entry.read_at, entry.unread_delta, entry.unseen_delta)
    return entry.seq, entry.kind.value, audiences, about, *state


def _entry_from_json(fields: Sequence[Any], texts: list[bytes]) -> Entry:
    """Make an entry of what it consists of; the text of its notification is the first in `texts`, and taken out."""
    seq, kind, audiences, about, *state = fields
    notification: Notification | None = None
    if about is not None:
        position, id_, type_, to = about
        notification = Notification(position, id_, type_, tuple(to), texts.pop(0))
        audiences = notification.to if audiences is None else audiences
    return Entry(seq, _KINDS[kind], tuple(audiences), notification, *state)

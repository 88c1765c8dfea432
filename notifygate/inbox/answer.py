"""The result of a poll, and its body as JSON (docs/protocol.md section 4)."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from notifygate.inbox.view import CountsAt, View


class InboxUpdate(NamedTuple):
    """A snapshot, changes, or counts that the client doesn't have."""

    notifications: Sequence[bytes]
    """Each as JSON."""
    removed: Sequence[str]
    """Ids of notifications that left the inbox."""
    unread: int
    unseen: int
    cursor: str
    """The new cursor and ETag: the position at which the update is true."""
    has_more: bool = False
    reset: bool = False
    has_changes: bool = True
    """False for an update without changes, with a fresh cursor or counts only; it does not count against `poll`."""


class Unchanged(NamedTuple):
    """The result of a poll without changes after the client's position."""

    view: View
    at: CountsAt
    """The position at which the result is true, with the counts."""
    matched: str | None
    """The valid cursor of If-None-Match, which a 304 repeats; None without one."""
    since: int
    """The older position of the cursor and that entity tag: the client needs a fresh one before it leaves the tail."""


# Formatted by hand: all values but the ids are numbers, booleans or cursors, and a broadcast to ten thousand formats as
# many bodies.
_CHANGES = b'{"notifications":[%b],"removed":%b,'
_POSITION = b'"unread":%d,"unseen":%d,"cursor":"%b"'
_PACING = b',"has_more":%b,"reset":%b,"poll":{"after":%d,"wait":%d}}'
_BODY = _CHANGES + _POSITION + _PACING
_TRUTH = {True: b"true", False: b"false"}


def poll_body(update: InboxUpdate, poll_after: int, poll_wait: int) -> bytes:
    """Return the body of an inbox response. `poll_after`, `poll_wait`: seconds for the member `poll`."""
    return _BODY % (
        b",".join(update.notifications),
        orjson.dumps(update.removed) if update.removed else b"[]",
        update.unread,
        update.unseen,
        update.cursor.encode(),
        _TRUTH[update.has_more],
        _TRUTH[update.reset],
        poll_after,
        poll_wait,
    )


def single_news_body(poll_after: int, poll_wait: int) -> bytes:
    """Return the template of bodies with one new notification and no removals.

    It has placeholders for the notification as JSON (%b), for `unread` and `unseen` (%d), and for the cursor (%b).
    """
    pacing = _PACING % (_TRUTH[False], _TRUTH[False], poll_after, poll_wait)
    return _CHANGES % (b"%b", b"[]") + _POSITION + pacing


def counts_body(unread: int, unseen: int) -> bytes:
    """Return the body of a counts response."""
    return orjson.dumps({"unread": unread, "unseen": unseen})

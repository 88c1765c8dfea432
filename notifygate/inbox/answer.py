"""What a poll found, and how it is written as JSON."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from notifygate.inbox.view import CountsAt, View


class InboxUpdate(NamedTuple):
    """Something to tell: a snapshot, changes, or just counts that the client doesn't have."""

    notifications: Sequence[bytes]
    """Each as JSON."""
    removed: Sequence[str]
    """Ids that have left the inbox."""
    unread: int
    unseen: int
    token: str
    """The position at which all of this is true: the new cursor and ETag."""
    has_more: bool = False
    reset: bool = False
    is_news: bool = True
    """False for an answer without news that only brings a fresh cursor or counts; it costs no quota."""


class Unchanged(NamedTuple):
    """Nothing lies after the client's position."""

    view: View
    at: CountsAt
    """The position at which this is true, and the counts there."""
    matched: str | None
    """The token of If-None-Match that still holds, which a 304 repeats."""
    since: int
    """The oldest position among the cursor and that tag: when it ages out of the tail, a fresh one is due."""


# Put together by hand: everything but the ids is a number, a truth or a token, and ten thousand of these are written
# when a broadcast wakes everybody.
_CHANGES = b'{"notifications":[%b],"removed":%b,'
_POSITION = b'"unread":%d,"unseen":%d,"cursor":"%b"'
_PACING = b',"has_more":%b,"reset":%b,"poll":{"after":%d,"wait":%d}}'
_BODY = _CHANGES + _POSITION + _PACING
_TRUTH = {True: b"true", False: b"false"}


def poll_body(update: InboxUpdate, poll_after: int, poll_wait: int) -> bytes:
    """Write the body of an inbox answer. The notifications are JSON already and are joined as they are."""
    return _BODY % (
        b",".join(update.notifications),
        orjson.dumps(update.removed) if update.removed else b"[]",
        update.unread,
        update.unseen,
        update.token.encode(),
        _TRUTH[update.has_more],
        _TRUTH[update.reset],
        poll_after,
        poll_wait,
    )


def single_news_body(poll_after: int, poll_wait: int) -> bytes:
    """Write what all bodies share that tell one new notification.

    With blanks for the notification as JSON (%b), for `unread` and `unseen` (%d), and for the cursor (%b).
    """
    pacing = _PACING % (_TRUTH[False], _TRUTH[False], poll_after, poll_wait)
    return _CHANGES % (b"%b", b"[]") + _POSITION + pacing


def counts_body(unread: int, unseen: int) -> bytes:
    """Write the body of a counts answer."""
    return orjson.dumps({"unread": unread, "unseen": unseen})

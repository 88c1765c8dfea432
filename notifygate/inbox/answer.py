"""What a poll found, and how it is written as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Found:
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


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing lies after the client's position."""

    token: str
    """The position at which this is true."""
    matched: str | None
    """The token of If-None-Match that still holds, which a 304 repeats."""
    unread: int
    unseen: int

    def as_found(self) -> Found:
        """Return the answer for a client that has no matching ETag: empty lists and the counts."""
        return Found((), (), self.unread, self.unseen, self.token, is_news=False)


def poll_body(found: Found, poll_after: int, poll_wait: int) -> bytes:
    """Write the body of an inbox answer. The notifications are JSON already and are joined as they are."""
    rest = orjson.dumps(
        {
            "removed": list(found.removed),
            "unread": found.unread,
            "unseen": found.unseen,
            "cursor": found.token,
            "has_more": found.has_more,
            "reset": found.reset,
            "poll": {"after": poll_after, "wait": poll_wait},
        }
    )
    return b'{"notifications":[' + b",".join(found.notifications) + b"]," + rest[1:]


def counts_body(unread: int, unseen: int) -> bytes:
    """Write the body of a counts answer."""
    return orjson.dumps({"unread": unread, "unseen": unseen})

"""A notification: immutable once published. A recipient's state of it is stored beside it (`notifygate.inbox`)."""

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from notifygate.domain.times import rfc3339, rfc3339_or_none

Priority = Literal["low", "normal", "high", "critical"]
"""Priorities of notifications (docs/protocol.md section 3)."""

PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "critical")
"""All priorities, ascending."""

_NEVER_TOUCHED = b'"seen_at":null,"read_at":null}'


@dataclass(slots=True, eq=False)
class Notification:
    """One item of the log, as clients are told of it."""

    seq: int
    """Position of its `published` entry in the log; its order in every inbox."""
    id: str
    type: str
    to: tuple[str, ...]
    """Its audiences, without duplicates, in the order in which the publisher gave them."""
    text: bytes
    """Its JSON up to what differs between recipients (`shared_text`)."""
    audiences: frozenset[str] = field(init=False)
    """`to` for look-ups."""
    _untouched: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.audiences = frozenset(self.to)
        self._untouched = {}

    def json_for(self, audience: str, seen_at: int | None, read_at: int | None) -> bytes:
        """Write the notification as JSON for a recipient who gets it as a member of `audience`.

        Everything but the state is the same for all who share the audience: it is kept, so that a broadcast to ten
        thousand recipients is not put together ten thousand times.
        """
        untouched = self._untouched.get(audience)
        if untouched is None:
            untouched = b'%b"audience":%b,%b' % (self.text, orjson.dumps(audience), _NEVER_TOUCHED)
            self._untouched[audience] = untouched
        if seen_at is None and read_at is None:
            return untouched
        state = {"seen_at": rfc3339_or_none(seen_at), "read_at": rfc3339_or_none(read_at)}
        return untouched.removesuffix(_NEVER_TOUCHED) + orjson.dumps(state)[1:]


@dataclass(slots=True, eq=False, kw_only=True)
class NewNotification(Notification):
    """One that is about to be published, with all that the database keeps of it."""

    text: bytes = field(init=False)
    title: str
    body: str
    priority: str
    sender: str
    icon: str | None
    action_url: str | None
    data: str
    """A JSON object as text, handed to clients as it is."""
    key_id: str
    """The API key that publishes it."""
    created_at: int
    """Unix milliseconds."""
    expires_at: int | None
    """Unix milliseconds, None for one that never expires."""

    def __post_init__(self) -> None:
        Notification.__post_init__(self)  # `super()` doesn't know the class that `slots` has made of this one
        self.text = shared_text(self)

    def in_log(self) -> Notification:
        """Return what is kept of it in memory when it is in the log: the text, and not the fields besides."""
        return Notification(self.seq, self.id, self.type, self.to, self.text)


def shared_text(content: Any) -> bytes:
    """Write what all recipients are told of a notification: the beginning of a JSON object, up to a comma.

    `content` has the attributes of NewNotification: it may be a row of the database.
    """
    document = {
        "id": content.id,
        "type": content.type,
        "title": content.title,
        "body": content.body,
        "priority": content.priority,
        "sender": content.sender,
        "icon": content.icon,
        "action_url": content.action_url,
        "data": orjson.Fragment(content.data),
        "created_at": rfc3339(content.created_at),
        "expires_at": rfc3339_or_none(content.expires_at),
    }
    return orjson.dumps(document)[:-1] + b","

"""A notification: immutable once published. What a recipient does with it is state beside it (`notifygate.inbox`)."""

from dataclasses import dataclass, field
from typing import Literal

import orjson

from notifygate.domain.times import rfc3339, rfc3339_or_none

Priority = Literal["low", "normal", "high", "critical"]
PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "critical")

_NEVER_TOUCHED = b'"seen_at":null,"read_at":null}'


@dataclass(slots=True, eq=False)
class Notification:
    """One item of the log, as it was published."""

    seq: int
    """Position of its `published` entry in the log; its order in every inbox."""
    id: str
    type: str
    title: str
    body: str
    priority: str
    sender: str
    icon: str | None
    action_url: str | None
    data: str
    """A JSON object as text, handed to clients as it is."""
    to: tuple[str, ...]
    """Its audiences, without duplicates, in the order in which the publisher gave them."""
    key_id: str
    """The API key that published it."""
    created_at: int
    """Unix milliseconds."""
    expires_at: int | None
    """Unix milliseconds, None for one that never expires."""
    audiences: frozenset[str] = field(init=False)
    """`to` for look-ups."""
    _untouched: dict[str, bytes] = field(init=False, default_factory=dict[str, bytes])

    def __post_init__(self) -> None:
        self.audiences = frozenset(self.to)

    def json_for(self, audience: str, seen_at: int | None, read_at: int | None) -> bytes:
        """Write the notification as JSON for a recipient who gets it as a member of `audience`.

        Everything but the state is the same for all who share the audience: it is encoded once, so that a broadcast
        to ten thousand recipients is not encoded ten thousand times.
        """
        untouched = self._untouched.get(audience)
        if untouched is None:
            untouched = self._untouched[audience] = self._encode(audience)
        if seen_at is None and read_at is None:
            return untouched
        state = {"seen_at": rfc3339_or_none(seen_at), "read_at": rfc3339_or_none(read_at)}
        return untouched.removesuffix(_NEVER_TOUCHED) + orjson.dumps(state)[1:]

    def _encode(self, audience: str) -> bytes:
        document = {
            "id": self.id,
            "type": self.type,
            "title": self.title,
            "body": self.body,
            "priority": self.priority,
            "sender": self.sender,
            "icon": self.icon,
            "action_url": self.action_url,
            "data": orjson.Fragment(self.data),
            "audience": audience,
            "created_at": rfc3339(self.created_at),
            "expires_at": rfc3339_or_none(self.expires_at),
        }
        return orjson.dumps(document)[:-1] + b"," + _NEVER_TOUCHED

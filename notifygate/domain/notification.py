"""A notification: immutable once published. A recipient's state of it is stored beside it (`notifygate.inbox`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from notifygate.domain.audience import recipient_of
from notifygate.domain.times import rfc3339, rfc3339_or_none

_NEVER_TOUCHED = b'"seen_at":null,"read_at":null}'


@dataclass(slots=True, eq=False)
class Notification:
    """A published notification, in the form for clients."""

    seq: int
    """Position of its `published` entry in the log; its order in every inbox."""
    id: str
    type: str
    to: tuple[str, ...]
    """Its audiences, without duplicates, in the order in which the publisher gave them."""
    document: bytes
    """The content for all recipients, as it is sent and stored: a JSON object (`encode_document`)."""
    audiences: frozenset[str] = field(init=False)
    """`to` as a set."""
    _untouched: dict[str, bytes] = field(init=False)
    """By audience, for those with more than one recipient."""

    def __post_init__(self) -> None:
        self.audiences = frozenset(self.to)
        self._untouched = {}

    def json_for(self, audience: str, seen_at: int | None, read_at: int | None) -> bytes:
        """Write the notification as JSON for a recipient who gets it as a member of `audience`.

        Everything but the state is the same for all who share the audience: it is kept, so that a broadcast to ten
        thousand recipients is not put together ten thousand times. For a single recipient it is not kept: a
        notification may have a thousand of them.
        """
        untouched = self._untouched.get(audience)
        if untouched is None:
            untouched = b'%b,"audience":%b,%b' % (self.document[:-1], orjson.dumps(audience), _NEVER_TOUCHED)
            if recipient_of(audience) is None:
                self._untouched[audience] = untouched
        if seen_at is None and read_at is None:
            return untouched
        state = {"seen_at": rfc3339_or_none(seen_at), "read_at": rfc3339_or_none(read_at)}
        return untouched.removesuffix(_NEVER_TOUCHED) + orjson.dumps(state)[1:]


@dataclass(slots=True, eq=False, kw_only=True)
class NewNotification(Notification):
    """One that is about to be published, with what the database keeps beside its document."""

    key_id: str
    """The API key that publishes it."""
    created_at: int
    """Unix milliseconds."""
    expires_at: int | None
    """Unix milliseconds, None for one that never expires."""


def encode_document(notification_id: str, content: Mapping[str, Any], created_at: int, expires_at: int | None) -> bytes:
    """Encode what all recipients get of a notification: its id and times (Unix milliseconds) around its content.

    `content` has the fields of docs/protocol.md section 4 by name; of `data` the JSON text.
    """
    return orjson.dumps(
        {
            "id": notification_id,
            **content,
            "data": orjson.Fragment(content["data"]),
            "created_at": rfc3339(created_at),
            "expires_at": rfc3339_or_none(expires_at),
        }
    )

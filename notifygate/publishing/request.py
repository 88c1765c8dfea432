"""A request to publish a notification, field by field (docs/protocol.md section 3), in every form of publishing."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

import orjson
from pydantic import AfterValidator, BeforeValidator, Field

from notifygate.domain.audience import AUDIENCE_PATTERN
from notifygate.settings import MAX_TTL_SECONDS
from notifygate.validation import BodyModel

MAX_BODY_CHARACTERS = 4000
"""Maximum of a body (docs/protocol.md section 3, like the other maxima)."""

MAX_TITLE_CHARACTERS = 200
"""Maximum of a title."""

MAX_DATA_BYTES = 4096
"""Maximum of `data` as compact JSON."""

MAX_DATA_DEPTH = 32
"""Maximum depth of objects and lists in `data`: more than notifications need, and less than clients parse."""

MAX_AUDIENCES = 1000
"""Maximum of audiences of a notification."""

# Patterns are used by Python here and by ECMA-262 in openapi.json: they have the same meaning in both.
TYPE_PATTERN = r"^[a-z0-9_.\-]{1,64}$"
TEXT_PATTERN = r"[^\x00\ud800-\udfff]*"
"""A text: no NUL, no surrogates."""

LINE_PATTERN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*"
"""A line: no control characters, no line separators, no surrogates."""

_REST_OF_URL = r"[^\\\s\x00-\x1f\x7f-\x9f]*"
_AFTER_SCHEME = rf"://[^/?#\\\s\x00-\x1f\x7f-\x9f]+{_REST_OF_URL}"
URL_PATTERN = rf"[Hh][Tt][Tt][Pp][Ss]?{_AFTER_SCHEME}|/(?![/\\]){_REST_OF_URL}|"
"""An http or https URL with a host, a path that begins with a single slash, or empty."""

ICON_PATTERN = rf"[Hh][Tt][Tt][Pp][Ss]{_AFTER_SCHEME}|[^\s:/\\<>\"'`\x00-\x1f\x7f-\x9f]*"
"""An https URL, a short name, or empty."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that a line must not contain."""

_TEXT = re.compile(TEXT_PATTERN)
_write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_write_sorted_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _text(value: Any) -> Any:
    if isinstance(value, str) and not _TEXT.fullmatch(value):
        raise ValueError("must be Unicode text without NUL characters and lone surrogates")
    return value


def _matching(pattern: str, message: str) -> AfterValidator:
    """Return a validator of a whole text by a pattern, with the message of its error."""
    fullmatch = re.compile(pattern).fullmatch

    def check(value: str) -> str:
        if not fullmatch(value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _integer(value: Any) -> Any:
    """JSON knows one kind of number: 60.0 is 60, as JSON schema's `integer` has it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _fits(value: Any, levels: int) -> bool:
    """Return whether objects and lists are nested at most so many levels deep."""
    if not isinstance(value, dict | list):
        return True
    inner = cast("Iterable[Any]", value.values() if isinstance(value, dict) else value)
    return levels > 0 and all(_fits(item, levels - 1) for item in inner)


def _data_as_json(data: Any) -> str:
    """Write `data` as the JSON text that clients get. Raises ValueError where that can't be done."""
    if not isinstance(data, dict):
        raise ValueError("must be an object")
    if not _fits(data, MAX_DATA_DEPTH):
        raise ValueError(f"must be at most {MAX_DATA_DEPTH} objects and lists deep")
    try:
        text = _write_json(data)
        size = len(text.encode())
    except (ValueError, RecursionError, TypeError) as error:
        raise ValueError("must be a JSON object that UTF-8 can encode") from error
    if size > MAX_DATA_BYTES:
        raise ValueError(f"must be at most {MAX_DATA_BYTES} bytes of JSON")
    try:
        orjson.loads(text)  # as the workers that get it in an announcement do
    except orjson.JSONDecodeError as error:
        raise ValueError("must not contain a number beyond the range of a double") from error
    if _ESCAPED_NUL.search(text):
        raise ValueError("must not contain NUL characters")
    return text


Text = Annotated[str, BeforeValidator(_text)]
"""A text of `TEXT_PATTERN`."""

Line = Annotated[Text, _matching(LINE_PATTERN, "must be one line of text without control characters")]
"""A text of `LINE_PATTERN`."""

Audience = Annotated[Text, _matching(AUDIENCE_PATTERN, "must be user:<id>, role:<name>, topic:<name> or all")]
"""An audience (docs/protocol.md section 3)."""

Priority = Literal["low", "normal", "high", "critical"]
"""A priority (docs/protocol.md section 3)."""

TypeName = Annotated[Text, Field(pattern=TYPE_PATTERN)]
"""A notification type, of `TYPE_PATTERN`."""

Url = Annotated[
    Text,
    Field(max_length=2000),
    _matching(URL_PATTERN, "must be an http or https URL, or a path that begins with a single /"),
]
"""A link, of `URL_PATTERN`."""

Icon = Annotated[Line, Field(max_length=200), _matching(ICON_PATTERN, "must be a short name or an https URL")]
"""An icon, of `ICON_PATTERN`."""

NotificationId = Annotated[Text, Field(min_length=1, max_length=64)]
"""An id, opaque to the gateway."""

Ttl = Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS), BeforeValidator(_integer)]
"""A time to live in seconds."""


@dataclass(frozen=True, slots=True)
class NotificationRequest:
    """A validated publication."""

    to: tuple[str, ...]
    content: dict[str, Any]
    """The fields that recipients get, by name; None where the type's or the gateway's default is wanted. `data` is the
    text of a JSON object."""
    ttl_seconds: int | None
    cut_off: str = ""
    """The text beyond the maximum of the body. The response reports the truncation, and another rest is another
    request."""

    def digest(self) -> str:
        """Return the hash of the whole request, to which an Idempotency-Key is bound.

        It is the same for every order of the fields in `data`.
        """
        return self._digest(_write_sorted_json(json.loads(self.content["data"])))

    def has_digest(self, digest: str) -> bool:
        """Return whether a hash is that of this request, or that of version 0.1, which depends on the order."""
        return digest == self.digest() or digest == self._digest(self.content["data"])

    def _digest(self, data: str) -> str:
        fields = (self.to, *(self.content | {"data": data}).values(), self.ttl_seconds, self.cut_off)
        return hashlib.sha256(orjson.dumps(fields)).hexdigest()


class NotificationBody(BodyModel):
    """A notification to be published. Every field but `to` and `ttl` is part of what recipients get, in this order."""

    to: Annotated[list[Audience], BeforeValidator(_list), Field(min_length=1, max_length=MAX_AUDIENCES)]
    type: TypeName = "general"
    title: Annotated[Line, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)]
    body: Annotated[Text, Field(max_length=MAX_BODY_CHARACTERS)] = ""
    priority: Priority | None = None
    sender: Annotated[Line, Field(max_length=100)] | None = None
    icon: Icon | None = None
    action_url: Url | None = None
    data: Annotated[str, BeforeValidator(_data_as_json)] = "{}"
    """An object, as JSON text."""
    ttl: Ttl | None = None

    def to_request(self, cut_off: str = "") -> NotificationRequest:
        """Return the request for `Publishing`: each audience once, in the order given."""
        content = dict(self)
        to, ttl_seconds = content.pop("to"), content.pop("ttl")
        content["action_url"] = self.action_url or None
        return NotificationRequest(tuple(dict.fromkeys(to)), content, ttl_seconds, cut_off)

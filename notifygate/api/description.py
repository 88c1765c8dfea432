"""What openapi.json says beyond what flask-openapi3 gathers from the routes.

The routes' models say what stands in paths, queries and bodies. Headers are read where they are needed and have no
model, the body of POST /v1/notify is any text, and flask-openapi3 (4.3.2) drops what pydantic says of an object's keys.
"""

from typing import Any

from notifygate.api.v1.notification_body import (
    ICON_PATTERN,
    LINE_PATTERN,
    MAX_TITLE_CHARACTERS,
    MAX_TTL_SECONDS,
    TEXT_PATTERN,
    TYPE_PATTERN,
    URL_PATTERN,
)
from notifygate.api.v1.published import MAX_KEY_CHARACTERS
from notifygate.api.validated import whole
from notifygate.domain.notification import PRIORITIES

Json = dict[str, Any]


def _text(pattern: str | None = None, **keywords: Any) -> Json:
    """Describe a text; `pattern` is one that it matches from end to end."""
    return {"type": "string", **({"pattern": whole(pattern)} if pattern else {}), **keywords}


def _parameter(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


IF_NONE_MATCH = _parameter("If-None-Match", "ETags; 304 if nothing has changed since one of them.", _text())
PREFER = _parameter("Prefer", "wait=N (RFC 7240), the same as the parameter wait, which wins.", _text())
IF_MATCH = _parameter(
    "If-Match", "ETags, or *; 412 if another device has changed the preferences since.", _text(r"\S(?:.*\S)?")
)
IDEMPOTENCY_KEY = _parameter(
    "Idempotency-Key",
    "For 24 hours, a request with the same key and content publishes nothing and gets the first one's answer; 422 for"
    " other content.",
    # HTTP takes spaces away from both ends.
    _text(rf"[!-~](?:[ -~]{{0,{MAX_KEY_CHARACTERS - 2}}}[!-~])?"),
)
# One that is empty says nothing.
NOTIFY = [
    _parameter(name, f"As the query parameter {name.lower().replace('-', '_')}, which wins.", schema)
    for name, schema in {
        "Title": _text(LINE_PATTERN, maxLength=MAX_TITLE_CHARACTERS),
        "Priority": _text(enum=[*PRIORITIES, ""]),
        "Type": _text(rf"{TYPE_PATTERN}|"),
        "Sender": _text(LINE_PATTERN, maxLength=100),
        "Icon": _text(ICON_PATTERN, maxLength=200),
        "Action-Url": _text(URL_PATTERN, maxLength=2000),
        "Ttl": {"type": "integer", "minimum": 1, "maximum": MAX_TTL_SECONDS},
    }.items()
]

REQUEST_HEADERS: dict[tuple[str, str], list[Json]] = {
    ("get", "/v1/inbox"): [IF_NONE_MATCH, PREFER],
    ("get", "/v1/inbox/unread"): [IF_NONE_MATCH, PREFER],
    ("get", "/v1/inbox/preferences"): [IF_NONE_MATCH],
    ("put", "/v1/inbox/preferences"): [IF_MATCH],
    ("post", "/v1/notifications"): [IDEMPOTENCY_KEY],
    ("post", "/v1/notify/{audience}"): [IDEMPOTENCY_KEY, *NOTIFY],
}

NOTIFY_BODY: Json = {
    "description": "The notification's body, whatever its Content-Type. Without it, a title is needed.",
    "required": False,
    "content": {"text/plain": {"schema": _text(TEXT_PATTERN)}},
}

ANSWER_HEADERS: dict[str, Json] = {
    "ETag": {"description": "A weak tag of this recipient's state.", "schema": _text('W/"[^"]+"')},
    "Poll-Interval": {
        "description": "Seconds after which a client that short-polls should come back.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Preference-Applied": {
        "description": "wait=N: the wait that was granted, where one was asked for.",
        "schema": _text("wait=[0-9]+"),
    },
    "Location": {"description": "The notification's path.", "schema": _text("/v1/notifications/[^/]+")},
    "Idempotency-Replayed": {
        "description": "The answer is that of an earlier request with this Idempotency-Key.",
        "schema": _text(enum=["true"]),
    },
    "WWW-Authenticate": {"description": "The scheme of credentials.", "schema": _text(enum=["Bearer"])},
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "X-Request-Id": {
        "description": "The request's X-Request-Id if that was a sane one, else a new one.",
        "schema": _text(minLength=1, maxLength=128),
    },
    "RateLimit-Policy": {"description": "The limits that this request was counted against.", "schema": _text()},
    "RateLimit": {"description": "What is left of them.", "schema": _text()},
}

_POLL_HEADERS = ("ETag", "Poll-Interval")
_OF_SUCCESS: dict[tuple[str, str], tuple[str, ...]] = {
    ("get", "/v1/inbox"): (*_POLL_HEADERS, "Preference-Applied"),
    ("get", "/v1/inbox/unread"): (*_POLL_HEADERS, "Preference-Applied"),
    ("get", "/v1/inbox/preferences"): ("ETag",),
    ("put", "/v1/inbox/preferences"): ("ETag",),
    ("post", "/v1/notifications"): ("Location", "Idempotency-Replayed"),
    ("post", "/v1/notify/{audience}"): ("Location", "Idempotency-Replayed"),
}
_OF_STATUS = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}
_ALWAYS = {"ETag", "Poll-Interval", "Location", "WWW-Authenticate", "Retry-After", "X-Request-Id"}
"""Where a header is described, it comes with each answer; the others come where there is something to say."""


def completed(document: Json) -> Json:
    """Return an OpenAPI document with what its generator leaves out; the given one is changed."""
    components = document["components"]
    components["headers"] = {name: {**header, "required": name in _ALWAYS} for name, header in ANSWER_HEADERS.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if headers := REQUEST_HEADERS.get((method, path)):
                operation["parameters"] = [*operation.get("parameters", []), *headers]
            for status, answer in operation["responses"].items():
                names = _headers_of(method, path, status)
                answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    document["paths"]["/v1/notify/{audience}"]["post"]["requestBody"] = NOTIFY_BODY
    types = components["schemas"]["PreferencesBody"]["properties"]["types"]
    types["propertyNames"] = {"pattern": TYPE_PATTERN}
    types["additionalProperties"] = {"$ref": "#/components/schemas/TypePreference"}
    return document


def _headers_of(method: str, path: str, status: str) -> tuple[str, ...]:
    """Return the headers of an answer, by name."""
    own = _OF_SUCCESS.get((method, path), ()) if status < "400" else _OF_STATUS.get(status, ())
    if not path.startswith("/v1/"):
        own = ()
    elif status != "304":
        own = (*own, "RateLimit-Policy", "RateLimit")
    return own if status == "304" else (*own, "X-Request-Id")

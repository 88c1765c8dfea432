"""Plain requests, read without Flask: the same parameters and headers, as long as they need no thought."""

from notifygate.api.headers import SANE_REQUEST_ID
from notifygate.api.long_poll import asked_wait
from notifygate.api.v1.get_inbox import DEFAULT_LIMIT, MAX_LIMIT
from notifygate.api.v1.notification_body import NotificationBody
from notifygate.api.validated import CACHE_BUSTER, parse_json, validate
from notifygate.domain.cursor import TOKEN_CHARACTERS, tokens_of_if_none_match
from notifygate.errors import InvalidRequestError
from notifygate.publishing.publish import NotificationRequest
from notifygate.server.plain_request import PlainRequest

INBOX, UNREAD, NOTIFICATIONS = "/v1/inbox", "/v1/inbox/unread", "/v1/notifications"

_POLLED = {b"/v1/inbox": INBOX, b"/v1/inbox/unread": UNREAD}
_CACHE_BUSTER = CACHE_BUSTER.encode()
_MAX_DIGITS = 6
_LIMITS = {b"%d" % limit: limit for limit in range(1, MAX_LIMIT + 1)}
"""Limits as nearly all clients write them."""
_BEARER = b"Bearer "
_JSON = {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}


class DeskRequest:
    """What the answer to any request depends on."""

    __slots__ = ("is_http_11", "keeps_alive", "origin", "request_id", "route")
    method = ""

    def __init__(self, request: PlainRequest, route: str) -> None:
        self.route = route
        self.is_http_11 = request.is_http_11
        self.keeps_alive = request.keeps_alive
        fields = request.fields
        self.origin = fields[b"origin"].decode() if b"origin" in fields else None
        self.request_id: str | None = None
        """The caller's own, if it sent a sane one."""
        if b"x-request-id" in fields and SANE_REQUEST_ID.fullmatch(given := fields[b"x-request-id"].decode()):
            self.request_id = given


class Poll(DeskRequest):
    """A request for the inbox or its counts."""

    __slots__ = ("cursor", "limit", "tags", "token", "wait")
    method = "GET"

    def __init__(self, request: PlainRequest, route: str, token: bytes) -> None:
        super().__init__(request, route)
        self.token = token
        """The recipient's token; emptied once it is known whose it is."""
        self.cursor: str | None = None
        self.wait: int | None = None
        """Seconds asked for, then granted; None if nothing was asked."""
        self.limit = DEFAULT_LIMIT
        self.tags: list[str] | tuple[str, ...] = ()


class Publication(DeskRequest):
    """A request that publishes a notification, as JSON."""

    __slots__ = ("idempotency_key", "key", "text")
    method = "POST"

    def __init__(self, request: PlainRequest, key: str, text: bytes) -> None:
        super().__init__(request, NOTIFICATIONS)
        self.key = key
        """The publisher's API key."""
        self.text = text
        """The body."""
        given = request.fields.get(b"idempotency-key")
        self.idempotency_key = None if given is None else given.decode()

    def wanted(self) -> NotificationRequest:
        """Return what is to be published. Raises MalformedJsonError and InvalidRequestError."""
        return validate(NotificationBody, parse_json(self.text)).to_request()


def read_poll(request: PlainRequest) -> Poll | None:
    """Read a poll; None for whatever the endpoint itself should look at: errors, and what is seldom sent."""
    route = _POLLED.get(request.path)
    credential = _credential(request)
    if route is None or credential is None:
        return None
    poll = Poll(request, route, credential)
    if not _read_query(poll, request.query):
        return None
    fields = request.fields
    if b"prefer" in fields:
        try:
            poll.wait = asked_wait(poll.wait, fields[b"prefer"].decode())
        except InvalidRequestError:
            return None
    if b"if-none-match" in fields:
        poll.tags = _read_tags(fields[b"if-none-match"], poll.cursor)
    return poll


def read_publication(request: PlainRequest) -> Publication | None:
    """Read the head of a publication; None for one that the endpoint itself should look at."""
    credential = _credential(request)
    if request.body is None or credential is None or request.fields.get(b"content-type") not in _JSON:
        return None
    return Publication(request, credential.decode(), request.body)


def _credential(request: PlainRequest) -> bytes | None:
    credential = request.fields.get(b"authorization")
    if credential is None or not credential.startswith(_BEARER):
        return None
    return credential[7:].strip(b" ")


def _read_query(poll: Poll, query: bytes) -> bool:
    """Read the parameters; False if there is one that isn't plain, or one that is given twice."""
    if not query:
        return True
    limit = None
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"cursor" and poll.cursor is None and len(value) == TOKEN_CHARACTERS and poll.route == INBOX:
            poll.cursor = value.decode()
        elif name == b"wait" and poll.wait is None and value.isdigit() and len(value) <= _MAX_DIGITS:
            poll.wait = int(value)
        elif name == b"limit" and limit is None and value in _LIMITS and poll.route == INBOX:
            poll.limit = limit = _LIMITS[value]
        elif name != _CACHE_BUSTER:
            return False
    return True


def _read_tags(header: bytes, cursor: str | None) -> list[str] | tuple[str, ...]:
    if cursor is not None and header == b'W/"%b"' % cursor.encode():
        return (cursor,)  # what nearly every client sends, and one text less in memory while it is held
    return tokens_of_if_none_match(header.decode())

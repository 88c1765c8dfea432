"""Reading a plain request, a poll or a publication, and nothing else.

What is read here is answered without gunicorn's parser, so only what can mean just one thing is read: one complete
GET without a body, or one complete POST whose Content-Length is what came; in printable ASCII, every header a single
line, and each header that matters at most once. Of anything else `read_request` says None, and the parser decides
(RFC 9112; docs/architecture.md, "The server").
"""

import re

MAX_HEAD_BYTES = 8000
"""Below gunicorn's limits on a line and on a field, so that none of them has to be looked at here."""

MAX_FIELDS = 100
"""gunicorn's own limit on the number of header fields."""

MAX_HOST_BYTES = 100
"""Longer ones are seldom, and Werkzeug has limits of its own."""

_POLL = b"GET /v1/inbox"
_PUBLICATION = b"POST /v1/notifications HTTP/1."
_END = b"\r\n\r\n"
_TARGET_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte != ord("#"))
_PRINTABLE = bytes(range(0x20, 0x7F))
_TOKEN = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")
"""A field name (RFC 9110 section 5.6.2), but for `_`: gunicorn drops or refuses such fields."""

_HOST = re.compile(rb"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

_IGNORED, _REFUSED = 0, -1
_HOST_FIELD, _AUTHORIZATION, _IF_NONE_MATCH, _PREFER, _ORIGIN, _REQUEST_ID, _CONNECTION, _SCHEME = range(1, 9)
_CONTENT_TYPE, _CONTENT_LENGTH, _IDEMPOTENCY_KEY = range(9, 12)
_MEANINGS = {
    b"host": _HOST_FIELD,
    b"authorization": _AUTHORIZATION,
    b"if-none-match": _IF_NONE_MATCH,
    b"prefer": _PREFER,
    b"origin": _ORIGIN,
    b"x-request-id": _REQUEST_ID,
    b"connection": _CONNECTION,
    b"content-type": _CONTENT_TYPE,
    b"content-length": _CONTENT_LENGTH,
    b"idempotency-key": _IDEMPOTENCY_KEY,
    # One of these is nothing to us; of two that differ gunicorn makes an error.
    b"x-forwarded-proto": _SCHEME,
    b"x-forwarded-protocol": _SCHEME,
    b"x-forwarded-ssl": _SCHEME,
    # These speak of a body in pieces, of another protocol or of an answer before the answer.
    b"transfer-encoding": _REFUSED,
    b"trailer": _REFUSED,
    b"expect": _REFUSED,
    b"upgrade": _REFUSED,
    b"http2-settings": _REFUSED,
}

_MAX_KNOWN = 1000
"""Names, hosts and whole lines that are remembered; clients could make up any number."""

_MAX_KNOWN_BYTES = 300
"""Longest line that is remembered."""

_known_names: dict[bytes, int] = {}
_known_hosts: set[bytes] = set()
_idle_lines: set[bytes] = set()
"""Lines that were found to mean nothing here: most of a head, and the same in the heads of many clients."""


class PlainRequest:
    """A plain request. Values are as they were sent, without blanks around them; None for what wasn't."""

    __slots__ = (
        "authorization",
        "body",
        "content_type",
        "idempotency_key",
        "if_none_match",
        "is_http_11",
        "keeps_alive",
        "origin",
        "path",
        "prefer",
        "query",
        "request_id",
    )

    def __init__(
        self, path: bytes, query: bytes, is_http_11: bool, found: list[bytes | None], body: bytes | None
    ) -> None:
        self.path = path
        self.query = query
        self.body = body
        """None for a poll."""
        self.is_http_11 = is_http_11
        self.authorization = found[_AUTHORIZATION]
        self.if_none_match = found[_IF_NONE_MATCH]
        self.prefer = found[_PREFER]
        self.origin = found[_ORIGIN]
        self.request_id = found[_REQUEST_ID]
        self.content_type = found[_CONTENT_TYPE]
        self.idempotency_key = found[_IDEMPOTENCY_KEY]
        self.keeps_alive = is_http_11
        """Whether the connection stays after the answer (RFC 9112 section 9.3)."""


def read_request(data: bytes) -> PlainRequest | None:
    """Read a plain request; None if `data` isn't exactly one."""
    body = None
    if data.startswith(_POLL) and data.endswith(_END):
        head = data[:-4]
    elif data.startswith(_PUBLICATION):
        head, _, body = data.partition(_END)
    else:
        return None
    if len(head) > MAX_HEAD_BYTES:
        return None
    lines = head.split(b"\r\n")
    if len(lines) > MAX_FIELDS:
        return None
    told = [line for line in lines if line not in _idle_lines]
    request_line = told[0]
    version = request_line[-9:]
    if version != b" HTTP/1.1" and version != b" HTTP/1.0":
        return None
    target = request_line.partition(b" ")[2][:-9]
    if target.translate(None, _TARGET_BYTES):
        return None
    found: list[bytes | None] = [None] * 12
    for line in told[1:]:
        name, colon, value = line.partition(b":")
        meaning = _known_names.get(name)
        if meaning is None:
            meaning = _meaning_of(name)
        # Whatever isn't printable, a lone CR or LF above all, is the parser's to judge.
        if not colon or meaning == _REFUSED or value.translate(None, _PRINTABLE):
            return None
        if meaning == _IGNORED:
            if len(_idle_lines) < _MAX_KNOWN and len(line) <= _MAX_KNOWN_BYTES:
                _idle_lines.add(line)
        elif found[meaning] is not None:
            return None
        else:
            found[meaning] = value.strip(b" ")
    host = found[_HOST_FIELD]
    if host is None or (host not in _known_hosts and not _is_host(host)):
        return None
    if found[_CONTENT_LENGTH] != (None if body is None else b"%d" % len(body)):
        return None
    path, _, query = target.partition(b"?")
    request = PlainRequest(path, query, version == b" HTTP/1.1", found, body)
    connection = found[_CONNECTION]
    if connection is not None:
        option = connection.lower()
        if option != b"keep-alive" and option != b"close":
            return None
        request.keeps_alive = option == b"keep-alive"
    return request


def _is_host(host: bytes) -> bool:
    if len(host) > MAX_HOST_BYTES or not _HOST.fullmatch(host):
        return False
    if len(_known_hosts) < _MAX_KNOWN:
        _known_hosts.add(host)
    return True


def _meaning_of(name: bytes) -> int:
    meaning = _MEANINGS.get(name.lower(), _IGNORED) if _TOKEN.fullmatch(name) else _REFUSED
    if len(_known_names) < _MAX_KNOWN:
        _known_names[name] = meaning
    return meaning

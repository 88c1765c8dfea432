"""Parsing of plain requests, polls and publications, and of no others.

These are answered without gunicorn's parser, so only unambiguous bytes are accepted: one complete GET without a body,
or one complete POST whose Content-Length equals the received body; in printable ASCII, every header field a single
line, and each relevant field at most once. For all others `read_request` returns None, and gunicorn's parser reads them
(RFC 9112; docs/architecture.md, "The server").
"""

import re
from functools import partial

from notifygate.protocol.request import Request, no_body

MAX_HEAD_BYTES = 8000
"""Below gunicorn's limits on a line and on a field, so that this module need not check them."""

MAX_FIELDS = 100
"""gunicorn's own limit on the number of header fields."""

MAX_HOST_BYTES = 100
"""Maximum of a Host that is accepted here: longer ones are rare, and Werkzeug has limits of its own."""

MAX_VARIABLE_BYTES = 128
"""Maximum of a cache-buster or a request id that `repeat_key` removes."""

_REQUEST_ID_LINES = b"\r\nX-Request-Id: ", b"\r\nX-Request-ID: ", b"\r\nx-request-id: "
_POLL = b"GET /v1/inbox"
_PUBLICATION = b"POST /v1/notifications HTTP/1."
_END = b"\r\n\r\n"
_PRINTABLE = bytes(range(0x20, 0x7F))
_TOKEN = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")
"""A field name (RFC 9110 section 5.6.2) without `_`: gunicorn drops or rejects fields with it."""

_HOST = re.compile(rb"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

_IGNORED, _REFUSED = b"", b"refused"
_SCHEME = b"scheme"
_MEANINGS = {
    **{
        name: name
        for name in (
            b"host", b"authorization", b"if-none-match", b"prefer", b"origin", b"x-request-id", b"connection",
            b"content-type", b"content-length", b"idempotency-key",
        )
    },
    # One alone is harmless; gunicorn rejects two that disagree.
    b"x-forwarded-proto": _SCHEME,
    b"x-forwarded-protocol": _SCHEME,
    b"x-forwarded-ssl": _SCHEME,
    # Fields of a chunked body, another protocol, or an interim response.
    b"transfer-encoding": _REFUSED,
    b"trailer": _REFUSED,
    b"expect": _REFUSED,
    b"upgrade": _REFUSED,
    b"http2-settings": _REFUSED,
}  # fmt: skip

_MAX_KNOWN = 1000
"""Maximum of remembered names, of hosts and of lines; clients could invent any number. With more, all are dropped, so
that invented ones can't displace the common ones for long: those are soon remembered again."""

_MAX_KNOWN_BYTES = 300
"""Maximum of a remembered line."""

_known_names: dict[bytes, bytes] = {}
_known_hosts: set[bytes] = set()
_idle_lines: set[bytes] = set()
"""Irrelevant lines: most of a head, and the same in the heads of many clients."""


def read_request(data: bytes) -> Request | None:
    """Parse a plain request; None unless `data` is exactly one. The result has only the relevant header fields."""
    body = None
    if data.startswith(_POLL) and data.endswith(_END):
        head = data[:-4]
    elif data.startswith(_PUBLICATION):
        head, _, body = data.partition(_END)
    else:
        return None
    lines = head.split(b"\r\n")
    if len(head) > MAX_HEAD_BYTES or len(lines) > MAX_FIELDS:
        return None
    # All bytes but line ends must be printable: others, a lone CR or LF above all, are left to gunicorn's parser.
    if len(head.translate(None, _PRINTABLE)) != 2 * len(lines) - 2:
        return None
    relevant = [line for line in lines if line not in _idle_lines]
    words = relevant[0].split(b" ")
    if len(words) != 3:
        return None
    _, target, version = words
    is_http_11 = version == b"HTTP/1.1"
    if not (is_http_11 or version == b"HTTP/1.0") or b"#" in target:
        return None
    fields: dict[bytes, bytes] = {}
    for line in relevant[1:]:
        name, colon, value = line.partition(b":")
        meaning = _known_names.get(name)
        if meaning is None:
            meaning = _meaning_of(name)
        if meaning is _IGNORED and colon:
            if len(line) <= _MAX_KNOWN_BYTES:
                _evict_if_full(_idle_lines)
                _idle_lines.add(line)
        elif meaning is _REFUSED or meaning in fields or not colon:
            return None
        else:
            fields[meaning] = value.strip(b" ")
    host = fields.get(b"host")
    if host is None or (host not in _known_hosts and not _is_host(host)):
        return None
    if fields.get(b"content-length") != (None if body is None else b"%d" % len(body)):
        return None
    path, _, query = target.partition(b"?")
    keep_alive = is_http_11
    if b"connection" in fields:
        option = fields[b"connection"].lower()
        if option != b"keep-alive" and option != b"close":
            return None
        keep_alive = option == b"keep-alive"
    method, read_body = ("GET", no_body) if body is None else ("POST", partial(bytes, body))
    return Request(method, path, query, fields, read_body=read_body, is_http_11=is_http_11, keep_alive=keep_alive)


def repeat_key(data: bytes) -> bytes:
    """Return the cache key of a request: its bytes without the varying parts that have no effect on its 304.

    These are the value of a cache-buster, if it has digits only, and that of X-Request-Id, if it is alphanumeric.
    """
    end = data.find(b"\r\n")
    value_at = data.find(b"&_=", 0, end) + 3
    value_end = value_at
    if value_at > 2:
        value_end = data.find(b" ", value_at, end)
        if value_end - value_at > MAX_VARIABLE_BYTES or not data[value_at:value_end].isdigit():
            value_end = value_at
    for name in _REQUEST_ID_LINES:
        id_at = data.find(name, end) + len(name)
        if id_at >= len(name):
            id_end = data.find(b"\r\n", id_at)
            if id_end - id_at <= MAX_VARIABLE_BYTES and data[id_at:id_end].isalnum():
                return data[:value_at] + data[value_end:id_at] + data[id_end:]
            break
    return data[:value_at] + data[value_end:] if value_end > value_at else data


def _is_host(host: bytes) -> bool:
    if len(host) > MAX_HOST_BYTES or not _HOST.fullmatch(host):
        return False
    _evict_if_full(_known_hosts)
    _known_hosts.add(host)
    return True


def _meaning_of(name: bytes) -> bytes:
    meaning = _MEANINGS.get(name.lower(), _IGNORED) if _TOKEN.fullmatch(name) else _REFUSED
    _evict_if_full(_known_names)
    _known_names[name] = meaning
    return meaning


def _evict_if_full(known: set[bytes] | dict[bytes, bytes]) -> None:
    if len(known) >= _MAX_KNOWN:
        known.clear()

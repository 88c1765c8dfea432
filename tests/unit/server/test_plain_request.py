"""Reading a plain request: those that are read, and those left to gunicorn's parser."""

from typing import Any

import pytest

from notifygate.server import plain_request
from notifygate.server.plain_request import read_request, repeat_key
from tests.support.environ_path import environ_of, parse

KNOWN = plain_request._known_names, plain_request._known_hosts, plain_request._idle_lines
HOST = "Host: gate.example:8080"


def head(*lines: str, request_line: str = "GET /v1/inbox HTTP/1.1") -> bytes:
    return "\r\n".join((request_line, *lines, "", "")).encode("latin-1")


@pytest.mark.parametrize(
    ("target", "line", "key_target", "key_line"),
    [
        ("?cursor=c&_=17", "X-Request-Id: a1", "?cursor=c&_=", "X-Request-Id: "),
        ("?cursor=c&_=17", "X-Request-ID: a1", "?cursor=c&_=", "X-Request-ID: "),
        ("?cursor=c&_=17", "x-request-id: a1", "?cursor=c&_=", "x-request-id: "),
        ("?cursor=c", "Accept: */*", "?cursor=c", "Accept: */*"),
        ("?_=17", "Accept: */*", "?_=17", "Accept: */*"),
        ("?cursor=c&_=1x", "X-Request-Id: a b", "?cursor=c&_=1x", "X-Request-Id: a b"),
        ("?cursor=c&_=1&wait=5", "X-Request-Id: ", "?cursor=c&_=1&wait=5", "X-Request-Id: "),
        ("?cursor=c&_=" + "1" * 129, "X-Request-Id: " + "a" * 129, "", ""),
        ("?cursor=c&_=", "X-Other: &_=17", "?cursor=c&_=", "X-Other: &_=17"),
    ],
)
def test_the_repeat_key_of_a_request_leaves_out_parts_without_effect(
    target: str, line: str, key_target: str, key_line: str
) -> None:
    def request(target: str, line: str) -> bytes:
        return head(HOST, line, "Authorization: Bearer a", request_line=f"GET /v1/inbox{target} HTTP/1.1")

    assert repeat_key(request(target, line)) == request(key_target or target, key_line or line)


def publication(*lines: str, body: bytes = b"{}", length: str = "2", path: str = "/v1/notifications") -> bytes:
    return head(HOST, f"Content-Length: {length}", *lines, request_line=f"POST {path} HTTP/1.1") + body


POLL = head(
    HOST,
    "Authorization: Bearer a.b",
    'If-None-Match: W/"x"',
    "Accept: */*",
    request_line="GET /v1/inbox?wait=5 HTTP/1.1",
)
PUBLICATION = publication("Content-Type: application/json", "Authorization: Bearer a.b", "Idempotency-Key: k")

BYTES = (*range(33), *b"\"#%&'(),-./09:;=?@AZ[\\]_az{}~", 0x7F, 0x80, 0x85, 0xA0, 0xB2, 0xE9, 0xFF)
"""Control characters, delimiters, one of each kind of letter and digit, and bytes beyond ASCII."""

ODD_LINES = (
    # Framing (RFC 9112 sections 6 and 7)
    *(f"Content-Length:{value}" for value in ("", " 0", " 2", " 02", " 2, 2", " -1", " +2", " 0x2", " 2.0", " 1e1", ' "2"')),
    *(f"Content-Length:{value}" for value in (" 2 2", "\t2", " \x0b2", " 2\0", " \xb2", " 1_0", " " + "9" * 5000)),
    "Content-Length : 2", "Content_Length: 2", "content-length: 2",
    *(f"Transfer-Encoding:{value}" for value in ("", " chunked", " identity", " gzip, chunked", " chunked, gzip", " cow")),
    *(f"Transfer-Encoding:{value}" for value in (" chunked;x=1", ' "chunked"', "\tchunked", " ,chunked", " xchunked")),
    "TRANSFER-ENCODING: CHUNKED", "Transfer-Encoding : chunked", "Transfer_Encoding: chunked", "Trailer: Authorization",
    "Expect: 100-continue", "Expect: a-miracle", "Expect:",
    # Connections and protocols
    *(f"Connection:{value}" for value in ("", " close", " keep-alive", " close, TE", " keep-alive, close", " closed")),
    "Connection: Upgrade\r\nUpgrade: websocket", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Keep-Alive: max=1",
    # Hosts
    *(f"Host:{value}" for value in ("", " ", " a b", " gate.example/x", " a, b", " u@h", " h:", " h:8a", " [::1", " \xe4")),
    "Host: " + "a" * 5000, HOST, "host: other.example",
    # Requests that could be mistaken for others
    "Authorization: Bearer other", "authorization:", "Authorization_: Bearer other", "HTTP_AUTHORIZATION: Bearer other",
    'If-None-Match: "y"', 'If_None_Match: "y"', "Prefer: wait=1\r\nPrefer: wait=2", "Idempotency-Key: b", "Origin: a\r\nOrigin: b",
    "X-Request-Id: one\r\nX-Request-Id: two", "Content-Type: a/b", "Content-Type: a/b\r\nContent-Type: c/d",
    "X-Forwarded-Proto: https", "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off", "X-Forwarded-Ssl: on",
    "SCRIPT_NAME: /v1", "PATH_INFO: /healthz", "REMOTE_USER: mallory", "X_Something: 1", "Script-Name: /v1",
    # Invalid lines
    "Accept", ":", ": 1", " folded", "\tfolded", "X-A: b\r\n c", "Authorization:\r\n Bearer other", "   ", "X A: 1", "X-A : 1",
    "X(A): 1", '"X": 1', "X-\xeb: 1", "!#$%&'*+-.^_`|~: 1", "X-A: \xe4", "X-A: b\nConnection: close", "X-A: b\rConnection: close",
    "X-A: b\r", "", "\r\nGET /v1/inbox HTTP/1.1", "X-A: " + "b" * 9000, "X-" + "a" * 9000 + ": b",
    "\r\n".join(f"X-{n}: {n}" for n in range(110)),
)  # fmt: skip

REQUEST_LINES = tuple(
    f"{method} {target} {version}"
    for method, target, version in (
        *((method, "/v1/inbox", "HTTP/1.1") for method in ("POST", "HEAD", "get", "GETS", "G@T", "", " GET", "GET ", "\tGET")),
        *(("GET", "/v1/inbox", version) for version in ("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1", "", "HTTP/1.1 ")),
        *(("GET", "/v1/inbox", version) for version in ("HTTP/01.1", "HTTP/1,1", "HTTP/\xb9.1", "HTTP/1.1 HTTP/1.1", "ICY/1.1")),
        *(
            ("GET", target, "HTTP/1.1")
            for target in (
                "/v1/types", "/v1/inbox#a?b", "/v1/inbox?a#b", "/v1/inbox?\t", "/v1/inbox?a b", "/v1/inb\xf6x", "/v1/inbo%78",
                "//v1/inbox", "/v1/./inbox", "/v1/x/../inbox", "/V1/INBOX", "v1/inbox", "*", "http://gateway/v1/inbox",
                "http://gateway", "gateway:80", "/v1/inbox?" + "x" * 9000,
            )
        ),
        *(
            ("POST", target, "HTTP/1.1")
            for target in ("/v1/notifications?a=b", "/v1/notifications/", "/v1/notifications", "/v1/notify/all")
        ),
    )
)  # fmt: skip


def is_plain(data: bytes) -> bool:
    """Return whether a request is read; fail if gunicorn's parser reads it otherwise, or not at all."""
    request = read_request(data)
    if request is None:
        return False
    parsed: Any = parse(data)
    _, environ = environ_of(parsed)
    assert (request.method, request.path, request.query) == (
        parsed.method, parsed.path.encode("latin-1"), parsed.query.encode("latin-1"),
    ), data  # fmt: skip
    read = {name: value.decode("latin-1") for name, value in request.fields.items() if name in FIELDS}
    keys = {name: name.decode().upper().replace("-", "_") for name in FIELDS}
    keys |= {name: f"HTTP_{key}" for name, key in keys.items() if not key.startswith("CONTENT_")}
    assert read == {name: environ[key] for name, key in keys.items() if key in environ}, data
    assert (request.is_http_11, request.keep_alive) == (parsed.version == (1, 1), not parsed.should_close()), data
    assert request.read_body() == parsed.body.read(), data
    assert parsed.unreader.take_buffered() == b"", data
    return True


FIELDS = (
    b"host", b"authorization", b"if-none-match", b"prefer", b"origin", b"x-request-id", b"connection", b"content-type",
    b"content-length", b"idempotency-key",
)  # fmt: skip
"""The fields that a plain request has."""

ALL_FIELDS = (
    "authorization: Bearer abc ",
    'If-None-Match:W/"x"',
    "PREFER: wait=5",
    "Origin: https://a.example",
    "X-Request-Id: r",
)
CONNECTIONS = [f"Connection: {option}" for option in ("keep-alive", "Close", "Keep-Alive", "close")]


@pytest.mark.parametrize(
    "data",
    [
        head(HOST),
        head(HOST, *ALL_FIELDS, "Accept: */*", request_line="GET /v1/inbox/unread?wait=5&_=1 HTTP/1.1"),
        *(head(HOST, line, request_line=f"GET /v1/inbox HTTP/1.{n}") for line in CONNECTIONS for n in (0, 1)),
        head(HOST, request_line="GET /v1/inbox HTTP/1.0"),
        publication(body=b"", length="0"),
    ],
)
def test_plain_request_is_read_as_the_parser_reads_it(data: bytes) -> None:
    assert is_plain(data)


@pytest.mark.parametrize("whole", [POLL, PUBLICATION], ids=["poll", "publication"])
def test_a_request_with_any_byte_altered_is_read_as_the_parser_reads_it(whole: bytes) -> None:
    assert is_plain(whole)
    plain = 0
    for at in range(len(whole)):
        for byte in BYTES:
            one = bytes([byte])
            plain += is_plain(whole[:at] + one + whole[at:]) + is_plain(whole[:at] + one + whole[at + 1 :])
        is_plain(whole[:at] + whole[at + 1 :])
    assert plain > 1000, "many alterations leave the request readable"


@pytest.mark.parametrize("whole", [POLL, PUBLICATION], ids=["poll", "publication"])
def test_a_request_with_any_odd_line_is_read_as_the_parser_reads_it(whole: bytes) -> None:
    plain: list[str] = []
    for odd in ODD_LINES:
        line = odd.encode("latin-1") + b"\r\n"
        first, end = whole.index(b"\r\n") + 2, whole.index(b"\r\n\r\n") + 2
        if is_plain(whole[:first] + line + whole[first:]) + is_plain(whole[:end] + line + whole[end:]):
            plain.append(odd)
    assert "Keep-Alive: max=1" in plain
    assert len(plain) < 30, "most of them are left to the parser"


def test_an_odd_request_line_is_read_as_the_parser_reads_it() -> None:
    rest = POLL[POLL.index(b"\r\n") :]
    plain = [line for line in REQUEST_LINES if is_plain(line.encode("latin-1") + rest)]
    assert plain == ["GET /v1/inbox HTTP/1.0"]


OTHER_REQUESTS = {
    "nothing": b"",
    "an end that is missing": POLL[:-2],
    "more behind the end": POLL + b"GET",
    "two polls": POLL * 2,
    "an empty line first": b"\r\n" + POLL,
    "bare line ends": POLL.replace(b"\r\n", b"\n"),
    "no host": head("Accept: */*"),
    "a body that isn't all there": publication(length="3"),
    "more than the body": publication(body=b"{}x"),
    "a publication without a length": head(HOST, request_line="POST /v1/notifications HTTP/1.1"),
    "TLS": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the PROXY protocol": b"PROXY TCP4 203.0.113.9 127.0.0.1 5 80\r\n" + POLL,
}


@pytest.mark.parametrize("data", OTHER_REQUESTS.values(), ids=OTHER_REQUESTS)
def test_other_requests_are_left_to_the_parser(data: bytes) -> None:
    assert read_request(data) is None
    assert read_request(POLL) is not None
    assert read_request(data) is None, "remembered lines of other heads have no effect"


def test_lines_are_remembered_exactly_and_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_request, "_MAX_KNOWN", 3)
    for n in range(20):
        whole = head(f"Host: gate{n}.example", f"X-{n}: {n}", f"Authorization: Bearer {n}")
        request = read_request(whole)
        assert request is not None
        assert request.fields.get(b"authorization") == b"Bearer %d" % n
        assert all(read_request(whole[:length]) is None for length in range(len(whole))), "a truncated one is not plain"
    assert max(map(len, KNOWN)) <= 3


def test_made_up_heads_do_not_keep_real_ones_from_being_remembered() -> None:
    for n in range(12):
        lines = [f"X-Made-Up-{n}-{line}: {line}" for line in range(98)]
        assert read_request(head(f"Host: made-up-{n}.example", *lines)) is not None
    for n in range(1000):
        assert read_request(head(f"Host: made-up-{n}.example")) is not None
    assert read_request(head(HOST, "Accept-Language: de", "If-None-Match: x")) is not None
    assert b"gate.example:8080" in plain_request._known_hosts
    assert b"Accept-Language: de" in plain_request._idle_lines
    assert {b"Host", b"Accept-Language", b"If-None-Match"} <= set(plain_request._known_names)

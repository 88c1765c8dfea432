"""Reading a plain request: what is read, and what is left to gunicorn's parser."""

import pytest

from notifygate.server import plain_request
from notifygate.server.plain_request import MAX_HEAD_BYTES, read_request, repeat_key

KNOWN = plain_request._known_names, plain_request._known_hosts, plain_request._idle_lines
HOST = "Host: gate.example:8080"


def head(*lines: str, request_line: str = "GET /v1/inbox HTTP/1.1") -> bytes:
    return "\r\n".join((request_line, *lines, "", "")).encode("latin-1")


def test_everything_that_matters_is_read() -> None:
    found = read_request(
        head(
            HOST,
            "authorization: Bearer abc ",
            'If-None-Match:W/"x"',
            "PREFER: wait=5",
            "Origin: https://app.example",
            "X-Request-Id: r1",
            "Accept: */*",
            request_line="GET /v1/inbox/unread?wait=5&_=1 HTTP/1.1",
        )
    )
    assert found is not None
    assert (found.path, found.query) == (b"/v1/inbox/unread", b"wait=5&_=1")
    assert (found.fields.get(b"authorization"), found.fields.get(b"if-none-match"), found.fields.get(b"prefer")) == (
        b"Bearer abc",
        b'W/"x"',
        b"wait=5",
    )
    assert (found.fields.get(b"origin"), found.fields.get(b"x-request-id")) == (b"https://app.example", b"r1")
    assert (found.is_http_11, found.keep_alive) == (True, True)


def test_what_was_not_sent_is_none() -> None:
    found = read_request(head(HOST))
    assert found is not None
    assert [
        found.fields.get(b"authorization"),
        found.fields.get(b"if-none-match"),
        found.fields.get(b"prefer"),
        found.fields.get(b"origin"),
        found.fields.get(b"x-request-id"),
    ] == [None] * 5
    assert found.query == b""


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        ("1.1", None, True),
        ("1.1", "keep-alive", True),
        ("1.1", "Close", False),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
        ("1.0", "close", False),
    ],
)
def test_whether_the_connection_stays(version: str, connection: str | None, keep_alive: bool) -> None:
    lines = [HOST] if connection is None else [HOST, f"Connection: {connection}"]
    found = read_request(head(*lines, request_line=f"GET /v1/inbox HTTP/{version}"))
    assert found is not None
    assert found.keep_alive is keep_alive


NOT_PLAIN = {
    "another method": head(HOST, request_line="POST /v1/inbox HTTP/1.1"),
    "a method in small letters": head(HOST, request_line="get /v1/inbox HTTP/1.1"),
    "another path": head(HOST, request_line="GET /v1/types HTTP/1.1"),
    "another version": head(HOST, request_line="GET /v1/inbox HTTP/1.2"),
    "two blanks": head(HOST, request_line="GET /v1/inbox  HTTP/1.1"),
    "a fragment": head(HOST, request_line="GET /v1/inbox?_=1#&wait=5 HTTP/1.1"),
    "a tab in the target": head(HOST, request_line="GET /v1/inbox?\t HTTP/1.1"),
    "no host": head("Accept: */*"),
    "two hosts": head(HOST, HOST),
    "a host that is none": head("Host: a b"),
    "a host with a path": head("Host: gate.example/x"),
    "an end that comes early": head(HOST, "", "GET /v1/inbox HTTP/1.1", HOST),
    "an end that is missing": head(HOST)[:-2],
    "more behind the end": head(HOST) + b"GET",
    "an empty line first": b"\r\n" + head(HOST),
    "a folded line": head(HOST, "X-A: b", " c"),
    "a line without a colon": head(HOST, "Accept"),
    "a line without a name": head(HOST, ": x"),
    "a blank before the colon": head(HOST, "Accept : x"),
    "a name that is no token": head(HOST, "Acc(ept: x"),
    "an underscore in a name": head(HOST, "X_A: b"),
    "a NUL": head(HOST, "X-A: a\0b"),
    "a tab": head(HOST, "X-A: a\tb"),
    "a lone line feed": head(HOST, "X-A: a\nAuthorization: Bearer x"),
    "a lone carriage return": head(HOST, "X-A: a\rb"),
    "a character beyond ASCII": head(HOST, "X-A: \xe9"),
    "a body's length": head(HOST, "Content-Length: 0"),
    "a body's coding": head(HOST, "Transfer-Encoding: chunked"),
    "an expectation": head(HOST, "Expect: 100-continue"),
    "another protocol": head(HOST, "Upgrade: h2c"),
    "two credentials": head(HOST, "Authorization: Bearer a", "authorization: Bearer b"),
    "two tags": head(HOST, 'If-None-Match: "a"', 'If-None-Match: "b"'),
    "two connections": head(HOST, "Connection: close", "Connection: keep-alive"),
    "an unknown connection option": head(HOST, "Connection: close, te"),
    "two schemes": head(HOST, "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
    "too much": head(HOST, *(f"X-{n}: {'v' * 100}" for n in range(MAX_HEAD_BYTES // 100))),
    "too many": head(HOST, *(f"X-{n}: v" for n in range(100))),
    "nothing": b"",
}


@pytest.mark.parametrize(
    ("target", "line", "essential_target", "essential_line"),
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
def test_the_repeat_key_of_a_request_is_without_what_means_nothing(
    target: str, line: str, essential_target: str, essential_line: str
) -> None:
    whole = head(HOST, line, "Authorization: Bearer a", request_line=f"GET /v1/inbox{target} HTTP/1.1")
    expected = head(
        HOST,
        essential_line or line,
        "Authorization: Bearer a",
        request_line=f"GET /v1/inbox{essential_target or target} HTTP/1.1",
    )
    assert repeat_key(whole) == expected


def publication(*lines: str, body: bytes = b"{}", length: str = "2", path: str = "/v1/notifications") -> bytes:
    return head(HOST, f"Content-Length: {length}", *lines, request_line=f"POST {path} HTTP/1.1") + body


def test_a_publication_is_read_with_its_body() -> None:
    found = read_request(publication("Content-Type: application/json", "Idempotency-Key: k", "Authorization: Bearer a"))
    assert found is not None
    assert (found.path, found.read_body()) == (b"/v1/notifications", b"{}")
    assert (found.fields.get(b"content-type"), found.fields.get(b"idempotency-key")) == (b"application/json", b"k")
    poll = read_request(head(HOST))
    assert poll is not None
    assert poll.read_body() == b""
    empty = read_request(publication(body=b"", length="0"))
    assert empty is not None
    assert empty.read_body() == b""


NOT_PLAIN |= {
    "a body that isn't all there": publication(length="3"),
    "more than the body": publication(body=b"{}x"),
    "a length in another spelling": publication(length="02"),
    "two lengths": publication("Content-Length: 2"),
    "a publication without a length": head(HOST, request_line="POST /v1/notifications HTTP/1.1"),
    "a body in chunks": publication("Transfer-Encoding: chunked"),
    "a publisher that waits to be asked": publication("Expect: 100-continue"),
    "two keys": publication("Idempotency-Key: a", "Idempotency-Key: b"),
    "two media types": publication("Content-Type: a/b", "Content-Type: a/b"),
    "a publication elsewhere": publication(path="/v1/notify/all"),
    "a publication with a query": publication(path="/v1/notifications?a=b"),
}


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_parser(data: bytes) -> None:
    assert read_request(data) is None
    assert read_request(head(HOST, "Accept: */*")) is not None
    assert read_request(data) is None, "what was remembered of other heads changes nothing"


def test_a_head_cut_anywhere_is_not_plain() -> None:
    whole = head(HOST, "Authorization: Bearer abc")
    assert all(read_request(whole[:length]) is None for length in range(len(whole)))


def test_lines_are_remembered_as_they_are_and_no_more_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_request, "_MAX_KNOWN", 3)
    for n in range(20):
        found = read_request(head(f"Host: gate{n}.example", f"X-{n}: {n}", f"Authorization: Bearer {n}"))
        assert found is not None
        assert found.fields.get(b"authorization") == b"Bearer %d" % n
    assert max(map(len, KNOWN)) <= 3


def test_made_up_heads_do_not_keep_out_those_that_are_sent() -> None:
    for n in range(12):
        lines = [f"X-Made-Up-{n}-{line}: {line}" for line in range(98)]
        assert read_request(head(f"Host: made-up-{n}.example", *lines)) is not None
    for n in range(1000):
        assert read_request(head(f"Host: made-up-{n}.example")) is not None
    assert read_request(head(HOST, "Accept-Language: de", "If-None-Match: x")) is not None
    assert b"gate.example:8080" in plain_request._known_hosts
    assert b"Accept-Language: de" in plain_request._idle_lines
    assert {b"Host", b"Accept-Language", b"If-None-Match"} <= set(plain_request._known_names)

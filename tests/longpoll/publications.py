"""The corpus of publications: POST /v1/notifications as polite, odd and hostile publishers send it.

Words in `<...>` as in `tests.longpoll.corpus`; `<name>` is a recipient, and an Idempotency-Key, of the gateway's own.
"""

from tests.longpoll.corpus import NOW, Steps, each, request
from tests.longpoll.exchange import Act

KEY = "Authorization: Bearer <key>"
JSON = "Content-Type: application/json"
NAME_GROWS = len("rrrrrr") - len("<name>")
"""By how much a name is longer than its word: Content-Length counts what is sent."""

PLAIN = '{"to": "user:<name>", "title": "News"}'


def publication(
    body: str = PLAIN,
    *fields: str,
    target: str = "/v1/notifications",
    key: str | None = KEY,
    kind: str | None = JSON,
    length: int | str | None = None,
    method: str = "POST",
    version: str = "HTTP/1.1",
) -> bytes:
    """Return a request that publishes; `length` only where it isn't the body's. Latin-1 stands for bytes."""
    if length is None:
        length = len(body) + body.count("<name>") * NAME_GROWS
    lines = [line for line in (kind, f"Content-Length: {length}" if length != "" else None) if line is not None]
    return request(target, *lines, *fields, method=method, token=key, body=body, version=version)


WIDE = ", ".join(f'"user:{number:06d}"' for number in range(1000))
LONG = "x" * 3999

PUBLICATIONS: dict[str, Steps] = each(
    "publication",
    {
        "plain": publication(),
        "twice": (publication(), 1, publication(), 2),
        "two in one segment": (publication() + publication(), 2),
        "and a poll in one segment": (publication() + request(NOW), 2),
        "all fields": publication(
            '{"to": ["user:<name>", "role:r", "user:<name>"], "type": "a.b", "title": "T", "body": "B\\n\xc3\xa9",'
            ' "priority": "high", "sender": "S", "icon": "bell", "action_url": "/a?b=c&d", "data": {"n": [1, null]},'
            ' "ttl": 60}'
        ),
        "to a thousand": publication(f'{{"to": [{WIDE}], "title": "News"}}'),
        "longest body": publication(f'{{"to": "user:<name>", "title": "T", "body": "{LONG}y"}}'),
        "body too long": publication(f'{{"to": "user:<name>", "title": "T", "body": "{LONG}yz"}}'),
        "as an admin": publication(key="Authorization: Bearer <admin-key>"),
        "HTTP/1.0": publication(version="HTTP/1.0"),
        "HTTP/1.0, keep-alive": publication(PLAIN, "Connection: keep-alive", version="HTTP/1.0"),
        "Connection: close": publication(PLAIN, "Connection: close"),
        "request id": publication(PLAIN, "X-Request-Id: mine"),
        "insane request id": publication(PLAIN, "X-Request-Id: not mine"),
        "of an origin": publication(PLAIN, "Origin: https://app.example"),
        "as curl sends it": publication(PLAIN, "User-Agent: curl/8.5.0", "Accept: */*"),
        "media type with a charset": publication(kind="Content-Type: application/json; charset=utf-8"),
        "media type with another charset": publication(kind="Content-Type: application/json; charset=latin1"),
        "media type in capitals": publication(kind="Content-Type: APPLICATION/JSON"),
        "media type of another kind": publication(kind="Content-Type: text/plain"),
        "media type of JSON's kin": publication(kind="Content-Type: application/problem+json"),
        "media type empty": publication(kind="Content-Type:"),
        "no media type": publication(kind=None),
        "two media types": publication(PLAIN, JSON),
        "content coding": publication(PLAIN, "Content-Encoding: gzip"),
        "no key": publication(key=None),
        "key unknown": publication(key="Authorization: Bearer ng_0123456789ab_nothing"),
        "key cut": publication(key="Authorization: Bearer ng_"),
        "key changed": publication(key=KEY + "x"),
        "token": publication(key="Authorization: Bearer <token>"),
        "scheme in small letters": publication(key="Authorization: bearer <key>"),
        "another scheme": publication(key="Authorization: Basic <key>"),
        "two keys": publication(PLAIN, KEY),
        "narrow key": publication('{"to": "user:x1", "title": "News"}', key="Authorization: Bearer <narrow-key>"),
        "narrow key, another audience": publication(key="Authorization: Bearer <narrow-key>"),
        "narrow key, another type": publication(
            '{"to": "user:x1", "title": "News", "type": "other"}', key="Authorization: Bearer <narrow-key>"
        ),
        "not JSON": publication("{"),
        "empty": publication(""),
        "blanks": publication("  " + PLAIN + "\r\n"),
        "not an object": publication("[]"),
        "NaN": publication('{"to": "user:<name>", "title": "News", "data": {"n": NaN}}'),
        "infinite": publication('{"to": "user:<name>", "title": "News", "data": {"n": 1e999}}'),
        "huge number": publication(f'{{"to": "user:<name>", "title": "News", "data": {{"n": {"9" * 5000}}}}}'),
        "deep": publication('{"to": "user:<name>", "title": "News", "data": ' + '{"a":' * 40 + "1" + "}" * 40 + "}"),
        "very deep": publication("[" * 5000),
        "a field twice": publication('{"to": "user:<name>", "title": "One", "title": "Two"}'),
        "an unknown field": publication('{"to": "user:<name>", "title": "News", "what": 1}'),
        "no title": publication('{"to": "user:<name>"}'),
        "several wrong fields": publication('{"to": "nobody", "title": "", "ttl": -1, "icon": "a:b"}'),
        "ttl as a float": publication('{"to": "user:<name>", "title": "News", "ttl": 60.0}'),
        "UTF-8": publication('{"to": "user:<name>", "title": "Gr\xc3\xbc\xc3\x9fe"}'),
        "Latin-1": publication('{"to": "user:<name>", "title": "Gr\xfc\xdfe"}'),
        "UTF-16": publication("\xff\xfe{\x00}\x00"),
        "a byte order mark": publication("\xef\xbb\xbf" + PLAIN),
        "half a character": publication('{"to": "user:<name>", "title": "\\ud800"}'),
        "NUL": publication('{"to": "user:<name>", "title": "\\u0000"}'),
        "idempotent": publication(PLAIN, "Idempotency-Key: <name>"),
        "idempotent, twice": (
            publication(PLAIN, "Idempotency-Key: <name>"),
            1,
            publication(PLAIN, "Idempotency-Key: <name>"),
            2,
        ),
        "idempotent, twice in one segment": (publication(PLAIN, "Idempotency-Key: <name>") * 2, 2),
        "idempotent, another request": (
            publication(PLAIN, "Idempotency-Key: <name>"),
            1,
            publication('{"to": "user:<name>", "title": "Others"}', "Idempotency-Key: <name>"),
            2,
        ),
        "idempotency key empty": publication(PLAIN, "Idempotency-Key:"),
        "idempotency key too long": publication(PLAIN, "Idempotency-Key: " + "x" * 129),
        "idempotency key not ASCII": publication(PLAIN, "Idempotency-Key: \xe9"),
        "idempotency key with blanks inside": publication(PLAIN, "Idempotency-Key:  a <name>  "),
        "two idempotency keys": publication(PLAIN, "Idempotency-Key: <name>", "Idempotency-Key: b"),
        "with a query": publication(target="/v1/notifications?what=1"),
        "with an empty query": publication(target="/v1/notifications?"),
        "with a cache-buster": publication(target="/v1/notifications?_=1"),
        "with a slash": publication(target="/v1/notifications/"),
        "encoded path": publication(target="/v1/notification%73"),
        "absolute form": publication(target="http://gateway/v1/notifications"),
        "PUT": publication(method="PUT"),
        "GET": publication(method="GET"),
        "post": publication(method="post"),
        "length missing": publication(length=""),
        "length with zeros": publication(length="0044"),
        "length too small": publication(length=10),
        "length too large": (publication(length=500), 1, Act.HALF_CLOSE),
        "length twice": publication(PLAIN, "Content-Length: 38"),
        "length negative": publication(length=-1),
        "length 0 and a body": publication(length=0),
        "chunked": publication(
            f"{len(PLAIN) + NAME_GROWS:x}\r\n{PLAIN}\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=""
        ),
        "chunked and a length": publication(PLAIN, "Transfer-Encoding: chunked"),
        "Expect": (publication(PLAIN, "Expect: 100-continue"), 2),
        "Expect, and the body when asked": (
            publication("", "Expect: 100-continue", length=len(PLAIN) + NAME_GROWS),
            1,
            PLAIN.encode(),
            2,
        ),
        "the body later": (publication("", length=len(PLAIN) + NAME_GROWS), Act.TICK, PLAIN.encode(), 1),
        "the body in two parts": (
            publication(PLAIN[:9], length=len(PLAIN) + NAME_GROWS),
            Act.TICK,
            PLAIN[9:].encode(),
            1,
        ),
        "20 KB": publication(PLAIN + " " * 20_000),
        "64 KiB": publication(PLAIN + " " * (65_536 - len(PLAIN))),
        "more than 64 KiB": publication(PLAIN + " " * 65_600),
        "a line folded": publication(PLAIN, "X-A: b", " c"),
        "a NUL in a header": publication(PLAIN, "X-A: a\0b"),
        "no host": publication().replace(b"Host: gateway\r\n", b""),
        "sending side is closed at once": (publication(), Act.HALF_CLOSE, 1),
        "sending side is closed": (publication(), Act.TICK, Act.HALF_CLOSE, 1),
        "a poll and the sending side is closed": (publication() + request(NOW), Act.HALF_CLOSE, 2),
    },
)

"""Sequences of client actions on connections, regular, broken and hostile: each is a name and the steps of a client.

Words in `<...>` are replaced by values of a running site; see `tests.longpoll.pair`. Single requests are tested without
sockets: see `tests/api/test_both_ways.py` and `tests/unit/server/test_plain_request.py`.
"""

from collections.abc import Mapping

from tests.support.exchange import Act, Step
from tests.support.request_bytes import HELD, MATCHING, NAME, NEWS, NOW, UNREAD, publication, request

Steps = tuple[Step, ...]

POLL = request(NOW, MATCHING)
HEALTH = request("/healthz", token=None)
LONG_HOLD = NOW + "&wait=50"
OTHER = "Authorization: Bearer <other-token>"


def state(body: str, media_type: str = "application/json") -> bytes:
    """Return a change of states."""
    fields = (f"Content-Type: {media_type}", f"Content-Length: {len(body)}")
    return request("/v1/inbox/state", *fields, method="POST", body=body)


HOLDS: Mapping[str, Steps] = {
    "HEAD": (request(HELD, method="HEAD"), 1),
    "HTTP/1.0 with keep-alive": (request(HELD, MATCHING, "Connection: keep-alive", version="HTTP/1.0"), 1),
    "after a poll": (request() + request(HELD), 2),
    "and three polls in the same segment": (request(HELD) + POLL * 3, 4),
    "and a poll while held": (request(HELD), Act.TICK, POLL, 2),
    "and half a poll while held": (request(HELD), Act.TICK, request()[:30], 1, Act.TICK, request()[30:], 2),
    "and a hold in the same segment": (request(HELD) + request(HELD, MATCHING), 2),
    "and a hold while held": (request(HELD), Act.TICK, request(HELD, MATCHING), 2),
    "and garbage while held": (request(HELD), Act.TICK, b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 2),
    "and line ends while held": (request(HELD), Act.TICK, b"\r\n\r\n", 1, Act.TICK, POLL, 2),
    "and a POST while held": (request(HELD), Act.TICK, state("{}", "text/plain"), 2),
    "with a body": (request(HELD, "Content-Length: 5", body="hello"), 1),
    "and the body comes while held": (request(HELD, "Content-Length: 5"), Act.TICK, b"hello", 1),
    "sending side is closed while held": (request(LONG_HOLD), Act.TICK, Act.HALF_CLOSE, 1),
    "sending side is closed while held, 304": (request(LONG_HOLD, MATCHING), Act.TICK, Act.HALF_CLOSE, 1),
    "sending side is closed at once": (request(LONG_HOLD), Act.HALF_CLOSE, 1),
    "a poll while held, and the sending side is closed": (request(HELD), Act.TICK, POLL, Act.TICK, Act.HALF_CLOSE, 2),
}

PIPELINES: Mapping[str, Steps] = {
    "three": (POLL + request() + request(UNREAD, MATCHING), 3),
    "two hundred": (POLL * 200, 200),
    "of two recipients": ((POLL + request(NOW, MATCHING, token=OTHER)) * 2, 4),
    "the same bytes, later": tuple(step for number in range(1, 9) for step in (POLL, number)),
    "GET, HEAD, GET": (request() + request(method="HEAD") + request(), 3),
    "HTTP/1.0 after HTTP/1.1": (request() + request(version="HTTP/1.0"), 2),
    "bad between good": (request() + b"garbage\r\n\r\n" + request(), 2),
    "bad after good, later": (POLL, 1, b"garbage\r\n\r\n", 2),
    "unknown parameter between good": (request() + request(NOW + "&what=1") + request(), 3),
    "no credential between good": (request() + request(token=None) + POLL, 3),
    "half of the second": (POLL + request()[:40], 1, Act.TICK, request()[40:], 2),
    "half of the second, and no more": (POLL + request()[:40], 1, Act.HALF_CLOSE),
    "all but one byte, twice": (POLL[:-1], Act.TICK, b"\n" + POLL[:-1], Act.TICK, b"\n", 2),
    "close in the first of two": (request(NOW, MATCHING, "Connection: close") + request(), 1),
    "close in the second of three": (request() + request(NOW, MATCHING, "Connection: close") + request(), 2),
    "a hold in the middle": (request() + request(HELD, MATCHING) + request(), 3),
    "health before and after": (HEALTH + POLL + HEALTH, 3),
    "a body in the middle": (POLL + request(NOW, "Content-Length: 5", body="hello") + POLL, 3),
    "Expect in the middle": (request() + request(NOW, MATCHING, "Expect: 100-continue") + POLL, 3),
    "line ends in between": (request() + b"\r\n" + request(), 2),
}

_SMUGGLED = request("/healthz", "X-Request-Id: smuggled", token=None).decode()
_LENGTH = f"Content-Length: {len(_SMUGGLED)}"
_CHUNKED = "Transfer-Encoding: chunked"
_EXPECT = "Expect: 100-continue"
_CHUNKS = "5\r\nhello\r\n0\r\n\r\n"

BODIES: Mapping[str, Steps] = {
    "sent later": (request(NOW, MATCHING, "Content-Length: 5"), Act.TICK, b"hello", 1),
    "half sent": (request(NOW, "Content-Length: 500", body="hello"), 1, Act.HALF_CLOSE),
    "not declared": (request(NOW, MATCHING, body="hello\r\n\r\n"), 1),
    "a request as the body": (request(NOW, MATCHING, _LENGTH, body=_SMUGGLED), 1),
    "a request as the body, sent later": (request(NOW, MATCHING, _LENGTH), Act.TICK, _SMUGGLED.encode(), 1),
    "length 0 and a body": (request(NOW, MATCHING, "Content-Length: 0", body=_SMUGGLED), 2),
    "more than 64 KiB": (request(NOW, MATCHING, "Content-Length: 65537", body="x" * 65537), 1),
    "Expect, and the body when asked": (request(NOW, MATCHING, _EXPECT, "Content-Length: 5"), 1, b"hello", 2),
    "two lengths": (request(NOW, _LENGTH, "Content-Length: 0", body=_SMUGGLED), 1),
    "chunked, then a poll": (request(NOW, MATCHING, _CHUNKED, body=_CHUNKS) + POLL, 2),
    "chunked, with a bad size": (request(NOW, MATCHING, _CHUNKED, body="zz\r\nhello\r\n0\r\n\r\n"), 1),
    "CL.TE": (request(NOW, MATCHING, "Content-Length: 5", _CHUNKED, body="0\r\n\r\n" + _SMUGGLED), 2),
    "TE.CL": (request(NOW, MATCHING, _CHUNKED, "Content-Length: 4", body="5c\r\n" + _SMUGGLED), 2),
    "coding unknown": (request(NOW, MATCHING, "Transfer-Encoding: cow", body="0\r\n\r\n" + _SMUGGLED), 2),
    "malformed state, then a poll": (state("{...}") + POLL, 2),
    "not read, then a poll": (request(NOW, "Content-Length: 5", token=None, body="hello") + POLL, 2),
    "chunked and not read, then a poll": (request(NOW, _CHUNKED, token=None, body=_CHUNKS) + POLL, 2),
}

BEGINNINGS_AND_ENDS: Mapping[str, Steps] = {
    "line ends first": (b"\r\n" * 3 + POLL, 1),
    "line ends in a segment of their own": (b"\r\n", Act.TICK, POLL, 1),
    "no Host": (request(NOW, MATCHING, host=None), 1),
    "no Host, HTTP/1.0": (request(NOW, MATCHING, host=None, version="HTTP/1.0"), 1),
    "no Host after a poll": (POLL + request(NOW, MATCHING, host=None) + POLL, 2),
    "no Host, and a body": (request(NOW, "Content-Length: 5", host=None, body="hello") + POLL, 1),
    "two Hosts": (request(NOW, MATCHING, "Host: gateway"), 1),
    "two Hosts, HTTP/1.0": (request(NOW, MATCHING, "Host: gateway", version="HTTP/1.0"), 1),
    "an invalid Host": (request(NOW, MATCHING, host="Host: gateway/x"), 1),
    "an invalid Host, HTTP/1.0": (request(NOW, MATCHING, host="Host: gateway/x", version="HTTP/1.0"), 1),
    "an empty Host": (request(NOW, MATCHING, host="Host:"), 1),
    "garbage of many kinds": (bytes(range(256)) * 4 + b"\r\n\r\n", 1),
    "a long line without an end": (b"x" * 20_000, 1),
    "a target longer than what is read at once": (request(NOW + "&_=" + "x" * 80_000), 1),
    "HTTP/2 after a poll": (request() + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 2),
    "TLS": (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n", 1),
    "nothing": (Act.TICK, Act.HALF_CLOSE),
    "half-close after a poll": (POLL, Act.HALF_CLOSE, 1),
    "half-close after the answer": (POLL, 1, Act.HALF_CLOSE),
    "half-close after half a head": (POLL[:80], Act.TICK, Act.HALF_CLOSE),
    "half-close after all but one byte, at once": (POLL[:-1], Act.HALF_CLOSE),
    "half-close after two polls": (POLL * 2, Act.HALF_CLOSE, 2),
    "half-close after a poll and a half": (POLL + request()[:50], Act.HALF_CLOSE, 1),
    "half-close after what is no HTTP": (b"garbage", Act.TICK, Act.HALF_CLOSE),
}

_NEWS_LENGTH = len(NEWS.replace("<name>", NAME))

PUBLICATIONS: Mapping[str, Steps] = {
    "two in one segment": (publication() * 2, 2),
    "and a poll in one segment": (publication() + request(), 2),
    "idempotent, twice in one segment": (publication(NEWS, "Idempotency-Key: <name>") * 2, 2),
    "length too small": (publication(length=10), 1),
    "length too large": (publication(length=500), 1, Act.HALF_CLOSE),
    "Expect, and the body when asked": (
        publication("", "Expect: 100-continue", length=_NEWS_LENGTH),
        1,
        NEWS.encode(),
        2,
    ),
    "the body later": (publication("", length=_NEWS_LENGTH), Act.TICK, NEWS.encode(), 1),
    "the body in two parts": (publication(NEWS[:9], length=_NEWS_LENGTH), Act.TICK, NEWS[9:].encode(), 1),
    "sending side is closed at once": (publication(), Act.HALF_CLOSE, 1),
    "a poll and the sending side is closed": (publication() + request(), Act.HALF_CLOSE, 2),
}

CORPUS: dict[str, Steps] = {
    f"{group}: {name}": steps
    for group, cases in {
        "hold": HOLDS,  # first, since they take longest
        "pipeline": PIPELINES,
        "body": BODIES,
        "connection": BEGINNINGS_AND_ENDS,
        "publication": PUBLICATIONS,
    }.items()
    for name, steps in cases.items()
}

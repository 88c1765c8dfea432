"""Bodies and paths that no endpoint accepts: too large, the wrong type, not JSON (PROTOCOL section 1)."""

import json
import random
from typing import Any

import pytest

from tests.api.helpers import expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

MAX_BODY_BYTES = 64 * 1024
JSON = "application/json"

# Every endpoint that reads a body as JSON, and a body that it accepts.
JSON_ENDPOINTS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("publisher", "POST", "/v1/notifications", {"to": "all", "title": "T"}),
    ("admin", "PUT", "/v1/types/like", {"title": "T"}),
    ("alice", "POST", "/v1/inbox/state", {"op": "read", "ids": ["x"]}),
    ("alice", "PUT", "/v1/inbox/preferences", {"types": {}}),
]


@pytest.fixture
def actors(app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor) -> dict[str, Any]:
    return {"publisher": publisher, "alice": alice, "admin": app.admin()}


def padded(document: dict[str, Any], size: int) -> bytes:
    """Return a document of so many bytes: white space means nothing to JSON."""
    text = json.dumps(document)
    return (text + " " * (size - len(text))).encode()


def test_bodies_of_64_kib_are_accepted_and_larger_ones_refused(actors: dict[str, Any]) -> None:
    for actor, method, path, document in JSON_ENDPOINTS:
        exact = actors[actor].open(method, path, data=padded(document, MAX_BODY_BYTES), content_type=JSON)
        assert exact.status_code in (200, 201), (path, exact.text)
        larger = actors[actor].open(method, path, data=padded(document, MAX_BODY_BYTES + 1), content_type=JSON)
        expect_problem(larger, 413, "payload-too-large")
    publisher = actors["publisher"]
    assert publisher.post("/v1/notify/all", data=b"x" * MAX_BODY_BYTES).status_code == 201
    expect_problem(publisher.post("/v1/notify/all", data=b"x" * (MAX_BODY_BYTES + 1)), 413, "payload-too-large")


def test_bodies_of_requests_without_one_have_the_same_limit(actors: dict[str, Any]) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    for actor, method, path in (
        ("alice", "PUT", "/v1/inbox/topics/x"),
        ("alice", "DELETE", "/v1/inbox/topics/x"),
        ("alice", "GET", "/v1/inbox"),
        ("publisher", "DELETE", "/v1/notifications/x"),
    ):
        expect_problem(actors[actor].open(method, path, data=body), 413, "payload-too-large")


def test_other_media_types_than_json_are_refused(actors: dict[str, Any]) -> None:
    others = (
        None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/jsonx", "application/ld+json", "application/xml", "garbage",
    )  # fmt: skip
    json_types = ("application/json; charset=utf-8", "Application/JSON", "application/json;x=y")
    for actor, method, path, document in JSON_ENDPOINTS:
        for content_type in others:
            answer = actors[actor].open(method, path, data=json.dumps(document), content_type=content_type)
            expect_problem(answer, 415, "unsupported-media-type")
        for content_type in json_types:
            answer = actors[actor].open(method, path, data=json.dumps(document), content_type=content_type)
            assert answer.status_code in (200, 201), content_type


MALFORMED = [
    b"", b" ", b"{", b"{]", b"nul", b"{'to': 'all'}", b'{"to": "all",}', b'{"to": "all"} x', b'{"to": "all"}{"to": "all"}',
    b'{"to": "a\nb"}', b'{"to": "\\x41"}', b'{"to": "\\u12"}', b"{to: 1}", b"// comment\n{}", b'{"n": 01}', b'{"n": +1}',
    b'{"n": .5}', b'{"n": NaN}', b'{"n": -Infinity}', b'{"n": 0x10}', b'{"n": ' + b"9" * 5000 + b"}", b"\x00", b"{}\x00",
    b'{"to": "\xff"}', b'{"to": "\xed\xa0\x80"}', b'{"to": "\xc0\x80"}', '{"to": "ü"}'.encode("latin-1"),
    '{"to": "all"}'.encode("utf-16"), '{"to": "all"}'.encode("utf-32"), b"[" * 10_000, b"a=1&b=2", b"<to>all</to>",
]  # fmt: skip


def test_a_body_that_is_not_json_in_utf8_is_malformed(actors: dict[str, Any]) -> None:
    for actor, method, path, _ in JSON_ENDPOINTS:
        for body in MALFORMED:
            answer = actors[actor].open(method, path, data=body, content_type=JSON)
            assert answer.status_code == 400, (path, body[:50])
            expect_problem(answer, 400, "malformed-json")


def test_json_that_is_nested_too_deeply_is_malformed_or_invalid(actors: dict[str, Any]) -> None:
    """Which of the two depends on Python: up to 3.13 its parser gives up at some depth, from 3.14 on at none of these."""
    for depth in (5_000, 10_000, 30_000):
        deep = b"[" * depth + b"]" * depth
        for actor, method, path, _ in JSON_ENDPOINTS:
            for body in (deep, b'{"data":' + deep + b"}", b'{"a":' * (depth // 3) + b"1" + b"}" * (depth // 3)):
                answer = actors[actor].open(method, path, data=body, content_type=JSON)
                assert (answer.status_code, answer.json["code"] in ("malformed-json", "invalid-request")) == (400, True)


def test_deep_json_causes_no_defect_at_any_depth(actors: dict[str, Any]) -> None:
    # The limits of the parser, the checks and the writer must leave no gap between them that ends in a defect.
    for depth in (40, 200, 400, 800, 900, 950, 980, 990, 1000, 1100, 1500, 2000):
        body = b'{"to":"all","title":"T","data":{"x":' + b"[" * depth + b"]" * depth + b"}}"
        answer = actors["publisher"].post("/v1/notifications", data=body, content_type=JSON)
        assert answer.status_code in (201, 400), (depth, answer.text)
        for actor, method, path, _ in JSON_ENDPOINTS[1:]:
            body = b"[" * depth + b"]" * depth
            assert actors[actor].open(method, path, data=body, content_type=JSON).status_code == 400, depth


def test_json_of_the_wrong_type_is_invalid(actors: dict[str, Any]) -> None:
    for actor, method, path, _ in JSON_ENDPOINTS:
        for body in (b"null", b"true", b"7", b'"text"', b"[]", b"[{}]"):
            answer = actors[actor].open(method, path, data=body, content_type=JSON)
            expect_problem(answer, 400, "invalid-request", "body")


def test_random_bytes_never_cause_a_defect(actors: dict[str, Any]) -> None:
    """Nor does valid JSON of random names and values."""
    chance = random.Random(7)
    pieces = [b'{"', b'":', b"[", b"]", b"}", b",", b"\\u0000", b"\\ud800", b"\xff", b"\0", b"1e999", b"to", b"title"]
    pieces += [b"data", b"op", b"ids", b"types", b'"', b"null", b"all", b"user:", b"-", b"\xf0\x9f\x94\x94", b" "]
    values: list[Any] = [None, True, 0, -1, 1.5, 10**40, "", "all", "\0", "\ud800", "x" * 300, [], {}, [[]], {"": {}}]
    names = ["to", "title", "type", "body", "priority", "sender", "icon", "action_url", "data", "ttl", "op", "ids"]
    names += ["up_to", "types", "roles", "mandatory", "display", "", "\0", "\ud800"]
    for turn in range(700):
        actor, method, path, valid = chance.choice(JSON_ENDPOINTS)
        if turn < 300:
            body = b"".join(chance.choices(pieces, k=chance.randrange(1, 12)))
        else:
            document = {chance.choice(names): chance.choice(values) for _ in range(chance.randrange(4))}
            body = json.dumps({**valid, **document} if turn % 2 else document).encode()
        answer = actors[actor].open(method, path, data=body, content_type=JSON)
        assert answer.status_code in (200, 201, 400), (path, body, answer.text)


def test_unknown_parameters_are_refused_everywhere(app: InProcessGateway, actors: dict[str, Any]) -> None:
    paths = [("alice", "GET", path) for path in ("/v1/inbox", "/v1/inbox/unread", "/v1/inbox/history")]
    paths += [("alice", "GET", path) for path in ("/v1/inbox/topics", "/v1/inbox/preferences")]
    paths += [("alice", method, "/v1/inbox/topics/x") for method in ("PUT", "DELETE")]
    paths += [("admin", "GET", "/v1/types"), ("admin", "DELETE", "/v1/types/like")]
    paths += [("publisher", "DELETE", "/v1/notifications/x")]
    paths += [(actor, method, path) for actor, method, path, _ in JSON_ENDPOINTS]
    for actor, method, path in paths:
        for query, field in (("unknown=1", "unknown"), ("%00=1", "\0"), ("__=1", "__"), ("%FF=1", "%FF")):
            answer = actors[actor].open(method, f"{path}?{query}", data=b"{}", content_type=JSON)
            expect_problem(answer, 400, "invalid-request", field)
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        expect_problem(app.anonymous().get(f"{path}?unknown=1"), 400, "invalid-request", "unknown")


def test_a_problem_reveals_nothing_of_the_code(actors: dict[str, Any]) -> None:
    texts = [actors["alice"].get(f"/v1/inbox?{query}").text for query in ("cursor=x", "limit=x")]
    for actor, method, path, _ in JSON_ENDPOINTS:
        for body in (b"{", b"[]", b"null", b'{"x": 1}', b'{"to": 1, "op": 1, "types": 1, "roles": 1}'):
            texts.append(actors[actor].open(method, path, data=body, content_type=JSON).text)
    telltales = ("Error", "Exception", "Traceback", "instance of", "Body", "Query", "pydantic", "model", "SELECT")
    assert [(word, text) for text in texts for word in telltales if word in text] == []

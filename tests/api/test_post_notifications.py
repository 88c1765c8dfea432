"""POST /v1/notifications: publishing as JSON, field by field. Idempotency is in test_idempotency.py."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from tests.api.helpers import expect_problem, lifetime
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.waiting import eventually

PATH = "/v1/notifications"


def sent(publisher: PublisherActor, **fields: Any) -> Any:
    return publisher.post(PATH, json={"to": "user:alice", "title": "T", **fields})


def sent_text(publisher: PublisherActor, document: str) -> Any:
    """Send a body as it is: Flask's test client would sort the names of an object."""
    return publisher.post(PATH, data=document, content_type="application/json")


# --- Accepted requests --------------------------------------------------------------------------


def test_the_answer_is_as_documented(publisher: PublisherActor, alice: RecipientActor) -> None:
    to = ["user:alice", "all", "user:alice", "topic:x", "all"]  # duplicates count once
    answer = sent(publisher, to=to, type="deploy", priority="critical", ttl=90)
    assert answer.status_code == 201
    body = answer.json
    notification_id, created_at, expires_at = body.pop("id"), body.pop("created_at"), body.pop("expires_at")
    assert body == {"to": ["user:alice", "all", "topic:x"], "type": "deploy", "priority": "critical"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", notification_id)
    assert answer.headers["Location"] == f"/v1/notifications/{notification_id}"
    assert "Idempotency-Replayed" not in answer.headers
    assert lifetime({"created_at": created_at, "expires_at": expires_at}) == timedelta(seconds=90)
    (item,) = alice.inbox()["notifications"]
    assert (item["id"], item["created_at"], item["expires_at"]) == (notification_id, created_at, expires_at)


def test_the_defaults_are_as_documented(publisher: PublisherActor, alice: RecipientActor) -> None:
    body = sent(publisher).json
    assert (body["to"], body["type"], body["priority"]) == (["user:alice"], "general", "normal")
    assert lifetime(body) == timedelta(days=90)
    (item,) = alice.inbox()["notifications"]
    assert (item["body"], item["data"], item["priority"], item["type"]) == ("", {}, "normal", "general")
    assert (item["icon"], item["action_url"]) == (None, None)
    assert item["sender"] == "publisher"  # the key's name


def test_the_default_time_to_live_is_a_setting(make_app: Any, clock: ManualClock) -> None:
    assert sent(make_app(default_ttl=0).publisher()).json["expires_at"] is None
    app = make_app(default_ttl=60, clock=clock)
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    answer = sent(app.publisher())
    assert lifetime(answer.json) == timedelta(seconds=60)
    clock.advance(61)
    assert eventually(lambda: alice.inbox(cursor)["removed"]) == [answer.json["id"]]


def test_ids_are_sortable_by_creation(publisher: PublisherActor) -> None:
    made = [(body["created_at"], body["id"]) for body in (sent(publisher).json for _ in range(5))]
    assert sorted(made) == sorted(made, key=lambda pair: pair[1])


def test_a_publisher_or_a_type_may_exceed_the_default_time_to_live(make_app: Any) -> None:
    admin = make_app(default_ttl=60).admin()
    year = timedelta(days=365)
    assert lifetime(sent(admin, ttl=365 * 24 * 3600).json) == year
    admin.put("/v1/types/record", json={"ttl": 365 * 24 * 3600})
    assert lifetime(sent(admin, type="record").json) == year
    assert lifetime(sent(admin, type="record", ttl=5).json) == timedelta(seconds=5)


@pytest.mark.both_databases
def test_text_of_every_kind_is_returned_unchanged(publisher: PublisherActor, alice: RecipientActor) -> None:
    for title, body, sender in (
        ("<script>alert(1)</script>", "line\nline\r\nline\ttab", ""),
        ("& \" ' \\ / %", "\u2028\u2029\x7f\x85\x1b[31m", "& \" ' \\ / %"),
        ("漢字 ελ עב عر", "{{7*7}} ${x} %s %(y)s", "漢字 ελ עב عر"),
        ("\U0001f469\u200d\U0001f467 \u00a0 \u3000", "\\u0000", "\U0001f469\u200d\U0001f467 \u00a0 \u3000"),
        ("  spaces  ", "\ufffd\ufeff\uffff", "  spaces  "),
    ):
        publisher.publish("user:alice", title, body=body, sender=sender)
        item = alice.inbox()["notifications"][0]
        assert (item["title"], item["body"], item["sender"]) == (title, body, sender)


@pytest.mark.both_databases
def test_data_is_returned_unchanged(publisher: PublisherActor, alice: RecipientActor) -> None:
    for data in (
        {},
        {"": "", "a b": [1, -2.5, 1e100, True, None, {"deep": [[[{}]]]}]},
        {"big": 2**63, "bigger": 10**40, "biggest": 17 * 10**307, "least": -17 * 10**307},
        {"ü\U0001f514": "\U0001f514 \u2028 </script>"},
        {"z": 1, "a": 2, "id": "x", "title": "y", "__proto__": {}, "\\u0000": "\\\\u0000 \\u0000"},
    ):
        assert sent_text(publisher, json.dumps({"to": "user:alice", "title": "T", "data": data})).status_code == 201
        item = alice.inbox()["notifications"][0]
        assert item["data"] == data
        assert list(item["data"]) == list(data)


# --- Bounds -------------------------------------------------------------------------------------

AT_BOUNDS: dict[str, tuple[Any, ...]] = {
    "type": ("x", "a-z_0.9" + "x" * 57), "title": ("x", "\U0001f514" * 200), "body": ("", "\U0001f514" * 4000),
    "sender": ("", "ü" * 100), "icon": ("", "x" * 200, "https://example.org/" + "x" * 180),
    "action_url": ("", "/" + "x" * 1999), "ttl": (1, 60.0, 31536000), "data": ({"x": "y" * 4088},),
    "to": (["user:" + "ü" * 128], ["role:" + "x" * 128], ["topic:" + "x" * 64], "all"),
}  # fmt: skip


@pytest.mark.both_databases
def test_values_at_the_bounds_are_accepted(publisher: PublisherActor) -> None:
    assert len(json.dumps({"x": "y" * 4088}, separators=(",", ":"))) == 4096
    for field, values in AT_BOUNDS.items():
        for value in values:
            answer = sent(publisher, **{field: value})
            assert answer.status_code == 201, (field, value, answer.text)


BAD_FIELDS: dict[str, tuple[Any, ...]] = {
    "to": (
        [], "", "alice", "user", "user:", "all:", "ALL", "User:alice", "everybody", " all", None, 7, {}, True, "gateway",
        "group:x", "role:", "topic:", "topic:a b", "topic:ü", "topic:" + "x" * 65, "user:" + "x" * 129, "role:" + "x" * 129,
        "user:a\nb", "all,all", [f"user:{n}" for n in range(1001)],
    ),
    "type": ("", "Deploy", "a b", "x" * 65, "ü", "a\n", "a/b", "a:b", None, 7, []),
    "title": ("", "x" * 201, None, 7, [], {}, True), "body": ("x" * 4001, None, 7, []),
    "priority": ("", "urgent", "High", 1, []), "sender": ("x" * 101, 7, "a\nb"),
    "ttl": (0, -1, 31536001, 1.5, "60", True, [], 10**30),
    "data": ([], "x", 7, None, {"x": "y" * 4089}, {"ü": "ü" * 2045}), "icon": (7, "x" * 201),
    "action_url": (7, "/" + "x" * 2000),
}  # fmt: skip


def test_bad_values_are_refused_by_the_name_of_their_field(publisher: PublisherActor, alice: RecipientActor) -> None:
    etag = alice.poll().headers["ETag"]
    for field, values in BAD_FIELDS.items():
        for value in values:
            answer = sent(publisher, **{field: value})
            assert answer.status_code == 400, (field, value)
            named = {error["field"].partition(".")[0] for error in answer.json["errors"]}
            assert (answer.json["code"], named) == ("invalid-request", {field}), (field, value)
    assert alice.poll(etag=etag).status_code == 304, "a notification was published"


def test_all_bad_fields_are_named_in_one_answer(publisher: PublisherActor) -> None:
    answer = publisher.post(PATH, json={"type": "A", "ttl": 0, "boddy": "x", "to": ["all", "nobody"]})
    expect_problem(answer, 400, "invalid-request", "title", "type", "ttl", "boddy", "to.1")


def test_unknown_fields_are_refused_by_name(publisher: PublisherActor) -> None:
    for name in ("Title", "id", "created_at", "audience", "_", "ü", "a.b", "", "x" * 300, "<script>", "\ud800"):
        answer = sent_text(publisher, json.dumps({"to": "all", "title": "T", name: 1}))
        assert answer.status_code == 400, name
        (error,) = answer.json["errors"]
        if name != "\ud800":  # which no answer could name
            assert error["message"] == "is unknown"
            assert error["field"] == name[:200] or not name


def test_nul_and_lone_surrogates_are_refused_in_every_field(publisher: PublisherActor) -> None:
    for bad in ("a\0b", "\0", "\ud800", "x\udfff", "\ude00\ud83d"):
        cases = [{field: bad} for field in ("title", "body", "sender", "icon", "action_url", "type", "priority")]
        cases += [{"data": data} for data in ({"x": bad}, {bad: 1}, {"x": [{"y": [bad]}]})]
        for case in cases:
            answer = sent_text(publisher, json.dumps({"to": "all", "title": "T", **case}))
            expect_problem(answer, 400, "invalid-request", *case)
        for to in (f"user:{bad}", f"role:{bad}", f"topic:{bad}", bad):
            assert sent_text(publisher, json.dumps({"to": to, "title": "T"})).status_code == 400
    # A pair of surrogates is one character.
    assert sent_text(publisher, '{"to": "all", "title": "\\ud83d\\udd14"}').status_code == 201


def test_numbers_beyond_the_range_of_a_double_are_refused(publisher: PublisherActor) -> None:
    """Workers read an announced notification with orjson, which rejects them."""
    for number in ("1e999", "-1e999", "18" + "0" * 307, "1" + "0" * 400, "-1" + "0" * 400):
        for data in (f'{{"x":{number}}}', f'{{"x":[1,{{"y":{number}}}]}}'):
            answer = sent_text(publisher, f'{{"to": "all", "title": "T", "data": {data}}}')
            expect_problem(answer, 400, "invalid-request", "data")
            assert "beyond the range of a double" in answer.json["errors"][0]["message"]


def test_titles_and_senders_can_not_inject_lines(publisher: PublisherActor) -> None:
    for bad in (
        "a\r\nSet-Cookie: x=y", "a\nb", "a\rb", "a\tb", "a\x0bb", "a\x1b[31m", "a\x85b", "a\u2028b", "a\u2029b", "\x7f",
    ):  # fmt: skip
        expect_problem(sent(publisher, title=bad), 400, "invalid-request", "title")
        expect_problem(sent(publisher, sender=bad), 400, "invalid-request", "sender")


# --- action_url and icon ------------------------------------------------------------------------

GOOD_URLS = (
    "https://example.org", "https://example.org/a?b=c&d=%20#e", "http://example.org:8080/", "HTTPS://EXAMPLE.ORG/x",
    "https://user@[::1]/x", "https://exämple.org/ü?q=漢", "/", "/deploys/7?x=1#y", "/a//b/../c", "/javascript:alert(1)",
    "/?u=https://example.org", "/@:;,.~!$&'()*+=",
)  # fmt: skip

BAD_URLS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "\tjavascript:alert(1)",
    "\x01javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "java\r\nscript:alert(1)",
    "javascript&colon;alert(1)", "javascript%3Aalert(1)", "\u200bjavascript:alert(1)", "\ufeffjavascript:alert(1)",
    "vbscript:msgbox(1)", "data:text/html,<script>alert(1)</script>", "DATA:text/html;base64,PHNjcmlwdD4=",
    "blob:https://example.org/x", "file:///etc/passwd", "ftp://example.org/", "mailto:a@example.org", "tel:112",
    "intent://x#Intent;end", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", " //evil.example", " /x", "/x ", "/x y", "/x\\y", "/x\ty",
    "/x\x7fy", "/x\u00a0y", "/x\u2028y", "https:/evil.example", "https:evil.example", "https:///evil.example", "https://",
    "https:\\\\evil.example", "https://evil\\.example", "https://evil.example\\x", " https://example.org",
    "https://example.org ", "https://exam ple.org", "ht\ttps://example.org", "https://\n", "httpx://example.org",
    "example.org", "deploys/7", "./x", "?x", "#x", "@evil.example",
)  # fmt: skip


def test_valid_action_urls_are_returned_unchanged(publisher: PublisherActor, alice: RecipientActor) -> None:
    for url in GOOD_URLS:
        publisher.publish("user:alice", action_url=url)
        assert alice.inbox()["notifications"][0]["action_url"] == url


def test_disguised_action_urls_are_refused_in_both_forms_of_publishing(publisher: PublisherActor) -> None:
    for url in BAD_URLS:
        expect_problem(sent(publisher, action_url=url), 400, "invalid-request", "action_url")
        by_query = publisher.post("/v1/notify/all", data="x", query_string={"action_url": url})
        expect_problem(by_query, 400, "invalid-request", "action_url")


def test_icons_are_short_names_or_https_urls(publisher: PublisherActor, alice: RecipientActor) -> None:
    for icon in ("rocket", "fa-bell", "a.b_c", "\U0001f514", "https://example.org/i.png?x=1", "HTTPS://example.org/i"):
        publisher.publish("user:alice", icon=icon)
        assert alice.inbox()["notifications"][0]["icon"] == icon
    for icon in (
        "http://example.org/i.png", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\tscript:alert(1)",
        "data:image/svg+xml,<svg onload=alert(1)>", "//example.org/i.png", "/i.png", "\\\\example.org\\i.png", "../i.png",
        "https:i.png", "https://", "https:///x", "https://example.org/ i.png", 'x" onerror="alert(1)', "<svg>", "two words",
        "a\nb", "\u2028", " rocket", "'", "`",
    ):  # fmt: skip
        expect_problem(sent(publisher, icon=icon), 400, "invalid-request", "icon")


# --- Permissions of a key -----------------------------------------------------------------------


def test_a_key_may_address_only_what_its_patterns_match(app: InProcessGateway, alice: RecipientActor) -> None:
    key = app.publisher(audiences=["user:al*", "topic:deploys", "role:*-team"])
    for to in ("user:alice", "user:al", "topic:deploys", "role:web-team", ["user:alice", "topic:deploys"]):
        assert sent(key, to=to).status_code == 201, to
    etag = alice.poll().headers["ETag"]
    for to in ("all", "user:bob", "user:xal", "topic:deploys2", "topic:deploy", "role:web-team2", "role:admin"):
        expect_problem(sent(key, to=to), 403, "forbidden")
        expect_problem(sent(key, to=["user:alice", to]), 403, "forbidden")  # all of them, or nothing is published
    assert alice.poll(etag=etag).status_code == 304


def test_a_key_may_use_only_types_that_its_patterns_match(app: InProcessGateway) -> None:
    key = app.publisher(types=["deploy.*", "like"])
    for name in ("deploy.finished", "deploy.", "like"):
        assert sent(key, type=name).status_code == 201, name
    for name in ("deploy", "xdeploy.y", "likes", "general"):
        expect_problem(sent(key, type=name), 403, "forbidden")
    expect_problem(sent(key), 403, "forbidden")  # the default type is a type


def test_the_patterns_apply_to_admin_keys_and_to_notify_too(app: InProcessGateway) -> None:
    key = app.publisher(scopes=["admin"], audiences=["user:*"], types=["x"])
    expect_problem(sent(key, to="all", type="x"), 403, "forbidden")
    expect_problem(key.post("/v1/notify/all?type=x", data="x"), 403, "forbidden")
    expect_problem(key.post("/v1/notify/user:a", data="x"), 403, "forbidden")
    assert key.post("/v1/notify/user:a?type=x", data="x").status_code == 201


def test_a_forbidden_audience_is_not_named(app: InProcessGateway) -> None:
    key = app.publisher(audiences=["user:alice"])
    first, second = sent(key, to="user:bob").json, sent(key, to="user:nobody-at-all").json
    assert (first["detail"], "bob" in json.dumps(first)) == (second["detail"], False)

"""POST /v1/notify/<audience>: publishing with curl alone."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.helpers import expect_problem, lifetime
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids


def notify(publisher: PublisherActor, body: str | bytes = "The body", **options: Any) -> Any:
    return publisher.post("/v1/notify/user:alice", data=body, **options)


def newest(recipient: RecipientActor) -> dict[str, Any]:
    return recipient.inbox()["notifications"][0]


def header(text: str) -> str:
    """Return a header's value as WSGI passes the UTF-8 of a client."""
    return text.encode().decode("latin-1")


def test_the_body_is_kept_and_its_first_line_is_the_title(publisher: PublisherActor, alice: RecipientActor) -> None:
    answer = notify(publisher, "Backup finished\nin 7 minutes\n")
    assert answer.status_code == 201
    item = newest(alice)
    assert (item["title"], item["body"]) == ("Backup finished", "Backup finished\nin 7 minutes\n")
    assert (item["sender"], item["type"], item["priority"]) == ("publisher", "general", "normal")
    assert answer.json["id"] == item["id"]
    assert answer.headers["Location"] == f"/v1/notifications/{item['id']}"
    assert set(answer.json) == {"id", "created_at", "expires_at", "to", "type", "priority"}


FIELDS = {
    "title": "Bäckup", "type": "backup.done", "priority": "low", "sender": "cron", "icon": "disk",
    "action_url": "/backups/7?x=1&y=ü", "ttl": "3600",
}  # fmt: skip


@pytest.mark.parametrize("way", ["query", "headers"])
def test_every_field_may_be_in_the_query_or_in_a_header(
    publisher: PublisherActor, alice: RecipientActor, way: str
) -> None:
    if way == "query":
        answer = notify(publisher, query_string=FIELDS)
    else:
        answer = notify(publisher, headers={name.replace("_", "-"): header(value) for name, value in FIELDS.items()})
    item = newest(alice)
    assert lifetime(answer.json) == timedelta(seconds=int(FIELDS["ttl"]))
    assert {name: item[name] for name in FIELDS if name != "ttl"} | {"ttl": "3600"} == FIELDS


def test_the_query_takes_precedence_over_the_header(publisher: PublisherActor, alice: RecipientActor) -> None:
    for name, header_value, query_value in (
        ("title", "from header", "from query"),
        ("priority", "low", "high"),
        ("sender", "from header", "from query"),
        ("type", "header", "query"),
        ("icon", "header", "query"),
    ):
        assert notify(publisher, query_string={name: query_value}, headers={name: header_value}).status_code == 201
        assert newest(alice)[name] == query_value
    answer = notify(publisher, query_string={"title": ""}, headers={"Title": "x"})
    expect_problem(answer, 400, "invalid-request", "title")
    answer = notify(publisher, query_string={"priority": "low"}, headers={"Priority": "urgent"})
    expect_problem(answer, 400, "invalid-request", "priority")


def test_headers_are_read_as_utf8_or_else_as_latin1(publisher: PublisherActor, alice: RecipientActor) -> None:
    for text in ("Bäckup", "漢字", "\U0001f514 ring", "plain"):
        notify(publisher, headers={"Title": header(text), "Sender": header(text)})
        assert (newest(alice)["title"], newest(alice)["sender"]) == (text, text)
    notify(publisher, headers={"Title": "B\xe4ckup"})  # a client that sent Latin-1
    assert newest(alice)["title"] == "Bäckup"


def test_the_content_type_does_not_matter(publisher: PublisherActor, alice: RecipientActor) -> None:
    for content_type in (
        None, "text/plain", "text/plain; charset=iso-8859-1", "application/x-www-form-urlencoded", "application/json",
        "application/octet-stream", "multipart/form-data; boundary=x", "garbage",
    ):  # fmt: skip
        answer = notify(publisher, '{"a"=1&b=ü+%20}', content_type=content_type)
        assert answer.status_code == 201, content_type
        assert newest(alice)["body"] == '{"a"=1&b=ü+%20}', content_type


def test_a_long_body_is_cut_and_the_answer_has_truncated(publisher: PublisherActor, alice: RecipientActor) -> None:
    exact = notify(publisher, "ü" * 4000, query_string={"title": "T"})
    assert "truncated" not in exact.json
    assert newest(alice)["body"] == "ü" * 4000
    longer = notify(publisher, "ü" * 4000 + "\U0001f514", query_string={"title": "T"})
    assert (longer.status_code, longer.json["truncated"]) == (201, True)
    assert newest(alice)["body"] == "ü" * 4000
    much = notify(publisher, "x" * (64 * 1024))
    assert (much.status_code, much.json["truncated"]) == (201, True)
    assert (newest(alice)["title"], newest(alice)["body"]) == ("x" * 200, "x" * 4000)


def test_the_default_title_is_the_first_line_with_visible_text(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    for body, title in (
        ("one line", "one line"),
        ("first\nsecond", "first"),
        ("first\r\nsecond", "first"),
        ("\n\n  \n\tsecond  \n", "second"),
        ("x" * 201, "x" * 200),
        ("x" * 199 + "ü" * 2, "x" * 199 + "ü"),
        ("a\u00a0b \u3000 c", "a\u00a0b \u3000 c"),  # spaces, but not control characters
        ("\U0001f469\u200d\U0001f467 mi\u200cravam", "\U0001f469\u200d\U0001f467 mi\u200cravam"),
        ("\x07\nHello", "Hello"),
        ("a\x1b[31mb", "a[31mb"),
    ):
        assert notify(publisher, body).status_code == 201, repr(body)
        assert (newest(alice)["title"], newest(alice)["body"]) == (title, body)


def test_an_empty_header_is_ignored(publisher: PublisherActor, alice: RecipientActor) -> None:
    empty = dict.fromkeys(("Title", "Type", "Priority", "Sender", "Icon", "Action-Url", "Ttl"), "")
    assert notify(publisher, "The body", headers=empty).status_code == 201
    item = newest(alice)
    assert (item["title"], item["sender"], item["type"]) == ("The body", "publisher", "general")
    assert (item["icon"], item["action_url"]) == (None, None)
    for title in ({"query_string": {"title": "Alone"}}, {"headers": {"Title": "Alone"}}):
        assert notify(publisher, "", **title).status_code == 201
        assert (newest(alice)["title"], newest(alice)["body"]) == ("Alone", ""), "a title is sufficient"


def test_a_request_without_title_and_body_is_refused_and_a_body_is_utf8_without_nul(publisher: PublisherActor) -> None:
    for body in ("", "\n", "  \r\n\t "):
        expect_problem(notify(publisher, body), 400, "invalid-request", "title")
    for data in (b"\xff", b"B\xe4ckup", b"\xed\xa0\x80", b"\xc0\x80", b"ok\xe2\x82", b"a\0b"):
        expect_problem(notify(publisher, data), 400, "invalid-request", "body")
    assert notify(publisher, b"a\0b", query_string={"title": "T"}).status_code == 400


def test_bad_fields_in_the_query_or_in_headers_are_refused_by_name(publisher: PublisherActor) -> None:
    bad = {
        "title": ("x" * 201, "a\nb", "a\tb", "\0", "a\x7fb"), "type": ("Deploy", "a b", "x" * 65),
        "priority": ("urgent", "HIGH"), "sender": ("x" * 101, "a\nb"),
        "icon": ("javascript:x", "http://example.org/", "x" * 201),
        "action_url": ("javascript:x", "//evil.example", "x" * 2001),
        "ttl": ("0", "-1", "31536001", "abc", "1.5", "9" * 30),
    }  # fmt: skip
    for name, values in bad.items():
        for value in values:
            expect_problem(notify(publisher, query_string={name: value}), 400, "invalid-request", name)
            if value.isprintable():
                as_header = notify(publisher, headers={name.replace("_", "-"): value})
                expect_problem(as_header, 400, "invalid-request", name)
    # A real server refuses line breaks in headers; those that it may accept are refused here.
    for injected in ("a\tb", header("a\u2028b"), header("a\x85b"), "a\x1b[31m"):
        expect_problem(notify(publisher, headers={"Title": injected}), 400, "invalid-request", "title")


def test_unknown_parameters_are_refused_by_name(publisher: PublisherActor) -> None:
    answer = notify(publisher, query_string={"titel": "x", "body": "y", "to": "all", "Title": "z"})
    expect_problem(answer, 400, "invalid-request", "titel", "body", "to", "Title")
    assert notify(publisher, query_string={"_": "1"}).status_code == 201
    expect_problem(publisher.post("/v1/notify/all?title=a&title=b", data="x"), 400, "invalid-request", "title")


def test_audiences_in_the_path_may_be_encoded_or_not(app: InProcessGateway, publisher: PublisherActor) -> None:
    for name, path in (("a b", "user:a%20b"), ("ü", "user%3A%C3%BC"), ("a/b", "user:a/b"), ("a/b", "user:a%2Fb")):
        recipient = app.recipient(name)
        recipient.inbox()
        answer = publisher.post(f"/v1/notify/{path}", data="x")
        assert answer.json["to"] == [f"user:{name}"]  # type: ignore[index]
        assert ids(recipient.inbox())[0] == answer.json["id"]  # type: ignore[index]
    for path in ("all", "role:admin", "topic:deploys"):
        assert publisher.post(f"/v1/notify/{path}", data="x").status_code == 201


def test_an_invalid_audience_is_refused(publisher: PublisherActor) -> None:
    none = "alice user: topic:a/b topic:%C3%BC user:a%00b gateway all,all user:%FF%00 ALL"
    for path in none.split():
        expect_problem(publisher.post(f"/v1/notify/{path}", data="x"), 400, "invalid-request", "to.0")
    for path in ("/v1/notify/user:a%0Ab", "/v1/notify/", "/v1/notify"):
        expect_problem(publisher.post(path, data="x"), 404, "not-found")


@pytest.mark.parametrize("name", [b"J\xf6rg", b"\xff", b"a\xc3", b"a\xc3(b", b"\xed\xa0\x80"])
def test_an_audience_that_is_not_utf_8_is_refused(publisher: PublisherActor, name: bytes) -> None:
    # Not taken for another recipient: J\xf6rg and J\xe4rg would both be J\N{REPLACEMENT CHARACTER}rg.
    # The path as a server gives it: Werkzeug's client can't send these bytes.
    given = {"PATH_INFO": f"/v1/notify/user:{name.decode('latin-1')}"}
    answer = publisher.post("/v1/notify/user:a", data="x", environ_overrides=given)
    expect_problem(answer, 400, "invalid-request", "to.0")

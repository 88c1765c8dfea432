"""GET /v1/inbox without holding: the snapshot, the changes, pages, counts, audiences, and the beginning of an inbox."""

import re
from typing import Any

import pytest

from tests.api.helpers import catch_up, counts, expect_problem, follow_pages
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.polling import ids
from tests.support.waiting import eventually

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


# --- The answer ---------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_an_answer_has_all_the_fields_of_the_protocol(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    fields = {
        "type": "deploy.finished", "title": "Deployed", "body": "All of it", "priority": "high", "sender": "CI",
        "icon": "rocket", "action_url": "/deploys/7", "data": {"n": [1, {"ü": None}]},
    }  # fmt: skip
    notification_id = publisher.publish("user:alice", **fields, ttl=60)
    body = alice.inbox()
    (item,) = body.pop("notifications")
    created_at, expires_at = item.pop("created_at"), item.pop("expires_at")
    assert TIME.fullmatch(created_at)
    assert TIME.fullmatch(expires_at)
    assert expires_at > created_at
    assert item == {"id": notification_id, **fields, "audience": "user:alice", "seen_at": None, "read_at": None}
    cursor, poll = body.pop("cursor"), body.pop("poll")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cursor)
    assert poll["wait"] == app.services.settings.max_wait
    assert app.services.settings.poll_after <= poll["after"]
    assert body == {"removed": [], "unread": 1, "unseen": 1, "has_more": False, "reset": False}


def test_every_answer_has_a_poll_interval_and_is_private(alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    for answer in (alice.poll(), alice.poll(cursor)):
        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert answer.headers["Poll-Interval"] == str(answer.json["poll"]["after"])  # type: ignore[index]
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
        assert re.fullmatch(r'W/"[!#-~]+"', answer.headers["ETag"])
        assert answer.headers["X-Request-Id"]


def test_the_poll_interval_is_a_setting(make_app: Any) -> None:
    body = make_app(poll_after=40, max_wait=20).recipient("alice").inbox()
    assert 40 <= body["poll"]["after"] <= 60
    assert body["poll"]["wait"] == 20


# --- Snapshot -----------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_snapshot_is_newest_first_and_counts_the_notifications_beyond_its_limit(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(5)]
    for limit in range(1, 7):
        body = alice.inbox(limit=limit)
        assert ids(body) == published[::-1][:limit]
        assert (body["has_more"], counts(body)) == (limit < 5, (5, 5))
        # Its cursor is the head, however few of them the snapshot has.
        assert alice.inbox(body["cursor"])["notifications"] == []


def test_a_snapshot_and_a_page_of_history_have_fifty_items_by_default(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(51)]
    for path in ("/v1/inbox", "/v1/inbox/history"):
        body = alice.get(path).json
        assert (ids(body), body["has_more"]) == (published[:0:-1], True)  # type: ignore[arg-type, index]


# --- Changes ------------------------------------------------------------------------------------


def test_the_same_cursor_gives_the_same_changes_again(publisher: PublisherActor, alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    publisher.publish("user:alice")
    first, second = alice.inbox(cursor), alice.inbox(cursor)
    assert first["notifications"] == second["notifications"] != []
    assert counts(first) == counts(second) == (1, 1)


def test_changes_by_another_device_are_returned_once_in_their_present_state(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    phone = app.recipient("alice", "admin")
    read, dismissed, left = (publisher.publish("user:alice", name) for name in "abc")
    cursor = phone.inbox()["cursor"]
    for operation in ("seen", "read", "unread", "read"):
        alice.change_state(operation, ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    changes = phone.inbox(cursor)
    (item,) = changes["notifications"]
    assert (item["id"], changes["removed"], counts(changes)) == (read, [dismissed], (1, 1))
    assert TIME.fullmatch(item["seen_at"])
    assert TIME.fullmatch(item["read_at"])
    assert ids(phone.inbox()) == [left, read]


def test_dismissed_retracted_and_expired_notifications_are_removed_by_id(make_app: Any, clock: ManualClock) -> None:
    app = make_app(clock=clock)
    publisher, alice = app.publisher(), app.recipient("alice", "admin")
    dismissed = publisher.publish("user:alice", "dismissed")
    retracted = publisher.publish("all", "retracted")
    expired = publisher.publish("role:admin", "expired", ttl=60)
    left = publisher.publish("role:admin", "expires later", ttl=3600)
    cursor = alice.inbox()["cursor"]
    alice.change_state("dismiss", ids=[dismissed])
    assert publisher.delete(f"/v1/notifications/{retracted}").status_code == 204
    clock.advance(61)
    eventually(lambda: alice.inbox()["unread"] == 1)
    changes = alice.inbox(cursor)
    assert changes["removed"] == [dismissed, retracted, expired]
    assert (changes["notifications"], counts(changes)) == ([], (1, 1))
    assert ids(alice.inbox()) == [left]
    assert alice.change_state("read", ids=changes["removed"])["changed"] == 0
    assert publisher.delete(f"/v1/notifications/{expired}").status_code == 204, "as for one that was retracted before"


# --- Pages --------------------------------------------------------------------------------------


def test_pages_of_every_size_return_everything_once_and_count_at_their_cursor(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    start = alice.inbox()["cursor"]
    published = [publisher.publish("user:alice", f"number {n}") for n in range(6)]
    for limit in range(1, 8):
        pages = list(follow_pages(alice, start, limit))
        assert [notification_id for page in pages for notification_id in ids(page)] == published
        assert [len(ids(page)) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        # The counts are those of the page's cursor, not of the present.
        returned = 0
        for page in pages:
            returned += len(ids(page))
            assert counts(page) == (returned, returned)


@pytest.mark.both_databases
def test_counts_of_a_page_leave_out_later_entries(publisher: PublisherActor, alice: RecipientActor) -> None:
    old = publisher.publish("user:alice", "old")
    start = alice.inbox()["cursor"]
    first = publisher.publish("user:alice", "first")
    second = publisher.publish("user:alice", "second")
    alice.change_state("read", ids=[old])
    third = publisher.publish("user:alice", "third")
    alice.change_state("dismiss", ids=[second])
    publisher.delete(f"/v1/notifications/{first}")
    pages = list(follow_pages(alice, start, 1))
    # old, first | +second | -old | +third | -second | -first, each page up to the change that no longer fits
    assert [(ids(page), page["removed"]) for page in pages] == [
        ([], [first]),
        ([], [second]),
        ([old], []),
        ([third], []),
        ([], [second]),
        ([], [first]),
    ]
    assert [counts(page) for page in pages] == [(2, 2), (3, 3), (2, 2), (3, 3), (2, 2), (1, 1)]
    assert counts(alice.inbox()) == (1, 1)


# --- Audiences ----------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_each_kind_of_audience_reaches_its_members(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    assert bob.put("/v1/inbox/topics/deploys").status_code == 200
    for_all = publisher.publish("all", "all")
    for_admins = publisher.publish("role:admin", "role")
    for_followers = publisher.publish("topic:deploys", "topic")
    publisher.publish("role:auditor", "nobody holds it")
    publisher.publish("topic:other", "nobody follows it")
    publisher.publish("user:carol", "somebody else")
    assert ids(alice.inbox()) == [for_admins, for_all]
    assert ids(bob.inbox()) == [for_followers, for_all]
    assert (counts(alice.inbox()), counts(bob.inbox())) == ((2, 2), (2, 2))


def test_one_notification_to_many_audiences_is_in_an_inbox_once(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    alice.put("/v1/inbox/topics/deploys")
    cursor = alice.inbox()["cursor"]
    notification_id = publisher.publish(["all", "role:admin", "topic:deploys", "user:alice", "all", "user:bob"])
    changes = alice.inbox(cursor)
    assert (ids(changes), counts(changes)) == ([notification_id], (1, 1))
    assert (ids(alice.inbox()), counts(alice.inbox())) == ([notification_id], (1, 1))
    assert alice.change_state("read", ids=[notification_id]) == {"changed": 1, "unread": 0, "unseen": 0}


@pytest.mark.both_databases
def test_recipients_whose_names_have_odd_characters_are_reached(
    app: InProcessGateway, publisher: PublisherActor
) -> None:
    for name in ("a/b", "a:b", "ü ñ 漢", "%_*'\"\\", "user:x", "all", "x" * 128, "\U0001f514"):
        recipient = app.recipient(name)
        cursor = recipient.inbox()["cursor"]
        notification_id = publisher.publish(f"user:{name}")
        assert ids(recipient.inbox(cursor)) == [notification_id], name


# --- The beginning of an inbox ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/inbox"), ("GET", "/v1/inbox/unread"), ("GET", "/v1/inbox/history"), ("PUT", "/v1/inbox/topics/x")],
)
def test_an_inbox_begins_with_the_first_request_of_any_kind(
    app: InProcessGateway, publisher: PublisherActor, method: str, path: str
) -> None:
    publisher.publish(["all", "role:admin"], "before")
    carol = app.recipient("carol", "admin")
    assert carol.open(method, path).status_code == 200
    notification_id = publisher.publish(["all", "role:admin"], "after")
    assert ids(carol.inbox()) == [notification_id]


# --- Types and topics that are limited to roles -------------------------------------------------


@pytest.mark.both_databases
def test_a_type_limited_to_roles_is_hidden_from_others_in_every_audience(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    # One of the roles is sufficient.
    assert app.admin().put("/v1/types/secret", json={"roles": ["ops", "admin"]}).status_code == 200
    start = bob.inbox()["cursor"]
    notification_id = publisher.publish(["all", "user:bob", "user:alice"], type="secret")
    assert ids(alice.inbox()) == [notification_id]
    assert (ids(bob.inbox()), counts(bob.inbox())) == ([], (0, 0))
    changes = bob.inbox(start)
    assert (ids(changes), changes["removed"], counts(changes)) == ([], [], (0, 0))
    assert bob.change_state("read", ids=[notification_id])["changed"] == 0


def test_the_roles_of_a_type_are_checked_when_the_answer_is_made(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    notification_id = publisher.publish("all", type="secret")
    cursor = bob.inbox()["cursor"]
    assert ids(bob.inbox()) == [notification_id]
    admin = app.admin()
    admin.put("/v1/types/secret", json={"roles": ["admin"]})
    catch_up(app)
    changes = bob.inbox(cursor)
    assert (changes["reset"], ids(changes), counts(changes)) == (True, [], (0, 0))
    assert ids(alice.inbox()) == [notification_id]
    admin.delete("/v1/types/secret")
    catch_up(app)
    assert ids(bob.inbox()) == [notification_id]


# --- Parameters ---------------------------------------------------------------------------------


def test_bad_parameters_are_refused_by_name(alice: RecipientActor) -> None:
    not_numbers = ["", "-1", "+1", "1.0", "1e2", " 1", "1 ", "0x1", "one", "١", "1_0", "NaN", "\0"]
    cases = [("limit", value) for value in (*not_numbers, "0", "201", "9" * 20, "9" * 5000)]
    cases += [("wait", value) for value in not_numbers]
    for name, value in cases:
        answer = alice.get("/v1/inbox", query_string={name: value})
        expect_problem(answer, 400, "invalid-request", name)
    cursor = alice.inbox()["cursor"]
    for query, names in (
        ("?curser=x&Limit=5", "curser Limit"), (f"?cursor={cursor}&cursor={cursor}", "cursor"), ("?limit=1&limit=1", "limit"),
        ("?wait=0&wait=1", "wait"), ("/unread?cursor=x&limit=5", "cursor limit"), ("/unread?wait=-1", "wait"),
        ("/history?limit=0", "limit"), ("/history?limit=201", "limit"), ("/history?limit=x", "limit"),
        ("/history?cursor=x", "cursor"), ("/history?before=a&before=b", "before"),
    ):  # fmt: skip
        expect_problem(alice.get(f"/v1/inbox{query}"), 400, "invalid-request", *names.split())
    for ignored in ("?_=1763712345678", "?_=1&_=2", "/unread?_=x", "/topics?_"):  # old browsers add it
        assert alice.get(f"/v1/inbox{ignored}").status_code == 200

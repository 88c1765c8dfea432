"""GET /v1/inbox without holding: the snapshot, the changes, pages, counts, audiences, and where an inbox begins."""

import re
from typing import Any

import pytest

from notifygate.publishing.registry import put_topic
from tests.api.helpers import catch_up, counts, expect_problem, follow_pages, ids
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.waiting import eventually

pytestmark = pytest.mark.both_databases

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


# --- The answer ---------------------------------------------------------------------------------


def test_an_answer_has_all_the_fields_of_the_protocol(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    found = publisher.publish(
        "user:alice",
        "Deployed",
        type="deploy.finished",
        body="All of it",
        priority="high",
        sender="CI",
        icon="rocket",
        action_url="/deploys/7",
        data={"n": [1, {"ü": None}]},
        ttl=60,
    )
    body = alice.inbox()
    (item,) = body.pop("notifications")
    created_at, expires_at = item.pop("created_at"), item.pop("expires_at")
    assert TIME.fullmatch(created_at)
    assert TIME.fullmatch(expires_at)
    assert expires_at > created_at
    assert item == {
        "id": found,
        "type": "deploy.finished",
        "title": "Deployed",
        "body": "All of it",
        "priority": "high",
        "sender": "CI",
        "icon": "rocket",
        "action_url": "/deploys/7",
        "data": {"n": [1, {"ü": None}]},
        "audience": "user:alice",
        "seen_at": None,
        "read_at": None,
    }
    cursor, poll = body.pop("cursor"), body.pop("poll")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cursor)
    assert poll["wait"] == app.services.settings.max_wait
    assert app.services.settings.poll_after <= poll["after"]
    assert body == {"removed": [], "unread": 1, "unseen": 1, "has_more": False, "reset": False}


def test_what_was_not_given_is_null_or_empty(publisher: PublisherActor, alice: RecipientActor) -> None:
    publisher.publish("user:alice", "Just a title")
    (item,) = alice.inbox()["notifications"]
    assert (item["body"], item["data"], item["priority"], item["type"]) == ("", {}, "normal", "general")
    assert (item["icon"], item["action_url"]) == (None, None)
    assert item["sender"] == "publisher"  # the key's name


def test_every_answer_says_when_to_come_back_and_that_it_is_private(alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    for answer in (alice.poll(), alice.poll(cursor)):
        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert answer.headers["Poll-Interval"] == str(answer.json["poll"]["after"])  # type: ignore[index]
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
        assert re.fullmatch(r'W/"[!#-~]+"', answer.headers["ETag"])
        assert answer.headers["X-Request-Id"]


def test_the_interval_to_come_back_after_is_a_setting(make_app: Any) -> None:
    body = make_app(poll_after=40, max_wait=20).recipient("alice").inbox()
    assert 40 <= body["poll"]["after"] <= 60
    assert body["poll"]["wait"] == 20


# --- Snapshot -----------------------------------------------------------------------------------


def test_a_snapshot_is_newest_first(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(5)]
    body = alice.inbox()
    assert ids(body) == published[::-1]
    assert (body["has_more"], body["reset"]) == (False, False)


def test_a_snapshot_says_that_there_are_older_ones_and_counts_them_too(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(5)]
    for limit in range(1, 7):
        body = alice.inbox(limit=limit)
        assert ids(body) == published[::-1][:limit]
        assert body["has_more"] is (limit < 5)
        assert counts(body) == (5, 5)
        # Its cursor is the present, however few of them the snapshot told.
        assert alice.inbox(body["cursor"])["notifications"] == []


def test_a_snapshot_holds_fifty_when_no_limit_is_given(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(51)]
    body = alice.inbox()
    assert ids(body) == published[:0:-1]
    assert (body["has_more"], counts(body)) == (True, (51, 51))


def test_a_snapshot_leaves_out_what_was_dismissed_and_shows_what_was_done(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    seen, read, dismissed, untouched = (publisher.publish("user:alice", name) for name in "abcd")
    alice.change_state("seen", ids=[seen])
    alice.change_state("read", ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    body = alice.inbox()
    assert ids(body) == [untouched, read, seen]
    states = [(bool(item["seen_at"]), bool(item["read_at"])) for item in body["notifications"]]
    assert states == [(False, False), (True, True), (True, False)]
    assert counts(body) == (2, 1)


# --- Changes ------------------------------------------------------------------------------------


def test_a_notification_is_returned_once_and_in_order(publisher: PublisherActor, alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    published = [publisher.publish("user:alice", f"number {n}") for n in range(3)]
    changes = alice.inbox(cursor)
    assert ids(changes) == published
    assert (*counts(changes), changes["has_more"], changes["reset"]) == (3, 3, False, False)
    assert ids(alice.inbox(changes["cursor"])) == []


def test_the_same_cursor_gives_the_same_changes_again(publisher: PublisherActor, alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    publisher.publish("user:alice")
    first, second = alice.inbox(cursor), alice.inbox(cursor)
    assert first["notifications"] == second["notifications"] != []
    assert counts(first) == counts(second) == (1, 1)


def test_a_poll_with_nothing_new_has_empty_lists_and_the_counts(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    publisher.publish("user:alice")
    body = alice.inbox(alice.inbox()["cursor"])
    assert (body["notifications"], body["removed"], body["has_more"], body["reset"]) == ([], [], False, False)
    assert counts(body) == (1, 1)


def test_what_changed_often_is_returned_once_in_its_present_state(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    found = publisher.publish("user:alice")
    for operation in ("seen", "read", "unread", "read"):
        alice.change_state(operation, ids=[found])
    changes = alice.inbox(cursor)
    (item,) = changes["notifications"]
    assert (item["id"], changes["removed"]) == (found, [])
    assert TIME.fullmatch(item["seen_at"])
    assert TIME.fullmatch(item["read_at"])
    assert counts(changes) == (0, 0)


def test_what_another_device_did_comes_as_a_change(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    phone = app.recipient("alice", "admin")
    read, dismissed, left = (publisher.publish("user:alice", name) for name in "abc")
    cursor = phone.inbox()["cursor"]
    alice.change_state("read", ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    changes = phone.inbox(cursor)
    assert ids(changes) == [read]
    assert changes["notifications"][0]["read_at"]
    assert changes["removed"] == [dismissed]
    assert counts(changes) == (1, 1)
    assert ids(phone.inbox()) == [left, read]


def test_dismissed_retracted_and_expired_notifications_are_removed_by_id(make_app: Any, clock: ManualClock) -> None:
    app = make_app(clock=clock)
    publisher, alice = app.publisher(), app.recipient("alice", "admin")
    dismissed = publisher.publish("user:alice", "dismissed")
    retracted = publisher.publish("all", "retracted")
    expired = publisher.publish("role:admin", "expired", ttl=60)
    cursor = alice.inbox()["cursor"]
    alice.change_state("dismiss", ids=[dismissed])
    assert publisher.delete(f"/v1/notifications/{retracted}").status_code == 204
    clock.advance(61)
    eventually(lambda: alice.inbox()["unread"] == 0)
    changes = alice.inbox(cursor)
    assert changes["removed"] == [dismissed, retracted, expired]
    assert (changes["notifications"], counts(changes)) == ([], (0, 0))
    assert alice.inbox()["notifications"] == []


def test_an_expired_notification_stays_away_and_others_stay(make_app: Any, clock: ManualClock) -> None:
    app = make_app(clock=clock)
    publisher, alice = app.publisher(), app.recipient("alice")
    short = publisher.publish("user:alice", "short", ttl=60)
    long = publisher.publish("user:alice", "long", ttl=3600)
    assert set(ids(alice.inbox())) == {short, long}
    clock.advance(61)
    eventually(lambda: ids(alice.inbox()) == [long])
    assert counts(alice.inbox()) == (1, 1)
    assert alice.change_state("read", ids=[short])["changed"] == 0


def test_what_was_dismissed_is_not_removed_a_second_time_when_it_is_retracted(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    found = publisher.publish("user:alice")
    alice.change_state("dismiss", ids=[found])
    cursor = alice.inbox()["cursor"]
    publisher.delete(f"/v1/notifications/{found}")
    changes = alice.inbox(cursor)
    assert (changes["removed"], counts(changes)) == ([], (0, 0))


def test_the_inbox_survives_a_restart(app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    found = publisher.publish("all")
    app.restart()
    changes = app.recipient("alice", "admin").inbox(cursor)
    assert ids(changes) == [found]
    assert changes["reset"] is False


# --- Pages --------------------------------------------------------------------------------------


def test_pages_of_every_size_return_everything_once_and_count_at_their_cursor(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    start = alice.inbox()["cursor"]
    published = [publisher.publish("user:alice", f"number {n}") for n in range(6)]
    for limit in range(1, 8):
        pages = list(follow_pages(alice, start, limit))
        assert [found for page in pages for found in ids(page)] == published
        assert [len(ids(page)) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        # The counts are those of the page's cursor, not of the present.
        told = 0
        for page in pages:
            told += len(ids(page))
            assert counts(page) == (told, told)


def test_counts_of_a_page_take_back_what_comes_after_it(publisher: PublisherActor, alice: RecipientActor) -> None:
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


def test_the_limit_bounds_notifications_and_removals_together(publisher: PublisherActor, alice: RecipientActor) -> None:
    old = publisher.publish("user:alice", "old")
    start = alice.inbox()["cursor"]
    alice.change_state("dismiss", ids=[old])
    new = publisher.publish("user:alice", "new")
    first = alice.inbox(start, limit=1)
    assert (first["removed"], ids(first), first["has_more"]) == ([old], [], True)
    second = alice.inbox(first["cursor"], limit=1)
    assert (second["removed"], ids(second), second["has_more"]) == ([], [new], False)


def test_changes_of_others_do_not_fill_pages(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    start = alice.inbox()["cursor"]
    mine = []
    for n in range(3):
        publisher.publish("user:bob", f"not hers {n}")
        mine.append(publisher.publish("user:alice", f"hers {n}"))
    bob.change_state("read", ids=ids(bob.inbox()))
    pages = list(follow_pages(alice, start, 2))
    assert [ids(page) for page in pages] == [mine[:2], mine[2:]]


@pytest.mark.parametrize("limit", ["1", "200"])
def test_limits_at_the_bounds_are_taken(alice: RecipientActor, limit: str) -> None:
    assert alice.poll(limit=limit).status_code == 200


# --- Audiences ----------------------------------------------------------------------------------


def test_each_kind_of_audience_reaches_its_members(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    assert bob.put("/v1/inbox/topics/deploys").status_code == 200
    everybody = publisher.publish("all", "all")
    admins = publisher.publish("role:admin", "role")
    followers = publisher.publish("topic:deploys", "topic")
    publisher.publish("role:auditor", "nobody holds it")
    publisher.publish("topic:other", "nobody follows it")
    publisher.publish("user:carol", "somebody else")
    assert ids(alice.inbox()) == [admins, everybody]
    assert ids(bob.inbox()) == [followers, everybody]
    assert (counts(alice.inbox()), counts(bob.inbox())) == ((2, 2), (2, 2))


def test_one_notification_to_many_audiences_is_in_an_inbox_once(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    alice.put("/v1/inbox/topics/deploys")
    cursor = alice.inbox()["cursor"]
    found = publisher.publish(["all", "role:admin", "topic:deploys", "user:alice", "all", "user:bob"])
    changes = alice.inbox(cursor)
    assert (ids(changes), counts(changes)) == ([found], (1, 1))
    assert (ids(alice.inbox()), counts(alice.inbox())) == ([found], (1, 1))
    assert alice.change_state("read", ids=[found]) == {"changed": 1, "unread": 0, "unseen": 0}


def test_the_audience_returned_is_one_of_the_recipient(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    publisher.publish(["all", "role:admin", "user:carol", "user:alice"])
    assert alice.inbox()["notifications"][0]["audience"] == "user:alice"
    assert bob.inbox()["notifications"][0]["audience"] == "all"
    publisher.publish(["all", "role:admin"])
    assert alice.inbox()["notifications"][0]["audience"] == "role:admin"


def test_two_users_of_one_notification_keep_their_own_state(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    found = publisher.publish(["user:alice", "user:bob"])
    alice.change_state("dismiss", ids=[found])
    assert ids(alice.inbox()) == []
    assert ids(bob.inbox()) == [found]
    assert counts(bob.inbox()) == (1, 1)


def test_names_with_every_odd_character_are_reached(app: InProcessGateway, publisher: PublisherActor) -> None:
    for name in ("a/b", "a:b", "ü ñ 漢", "%_*'\"\\", "user:x", "all", "x" * 128, "\U0001f514"):
        recipient = app.recipient(name)
        cursor = recipient.inbox()["cursor"]
        found = publisher.publish(f"user:{name}")
        assert ids(recipient.inbox(cursor)) == [found], name


def test_as_many_roles_topics_and_muted_types_as_are_allowed_can_be_polled(app: InProcessGateway) -> None:
    names = [f"role{n}" for n in range(100)]
    busy = app.recipient("busy", *names)
    for n in range(200):
        assert busy.put(f"/v1/inbox/topics/topic{n}").status_code == 200
    muted = {f"type{n}": {"muted": True} for n in range(200)}
    assert busy.put("/v1/inbox/preferences", json={"types": muted}).status_code == 200
    cursor = busy.inbox()["cursor"]
    publisher = app.publisher()
    found = publisher.publish(["topic:topic199", "role:role99"])
    publisher.publish("topic:topic0", type="type0")
    body = busy.inbox(cursor)
    assert (ids(body), counts(body)) == ([found], (1, 1))


# --- Where an inbox begins ----------------------------------------------------------------------


def test_an_inbox_begins_with_the_first_poll(app: InProcessGateway, publisher: PublisherActor) -> None:
    publisher.publish(["all", "role:admin"], "before")
    alice = app.recipient("alice", "admin")
    assert ids(alice.inbox()) == []
    after = publisher.publish(["all", "role:admin"], "after")
    assert ids(alice.inbox()) == [after]


def test_an_inbox_begins_with_the_first_notification_to_its_user(
    app: InProcessGateway, publisher: PublisherActor
) -> None:
    publisher.publish("all", "too early")
    first = publisher.publish(["all", "user:alice"], "it begins")
    later = publisher.publish("all", "later")
    assert ids(app.recipient("alice").inbox()) == [later, first]


@pytest.mark.parametrize("path", ["/v1/inbox/unread", "/v1/inbox/history"])
def test_the_first_request_of_any_kind_is_a_first_poll(
    app: InProcessGateway, publisher: PublisherActor, path: str
) -> None:
    carol = app.recipient("carol")
    assert carol.get(path).status_code == 200
    found = publisher.publish("all")
    assert ids(carol.inbox()) == [found]


def test_a_role_that_comes_later_brings_what_was_published_since_the_inbox_began(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor
) -> None:
    found = publisher.publish("role:admin")
    assert ids(bob.inbox()) == []
    assert ids(app.recipient("bob", "admin").inbox()) == [found]


# --- Types and topics that not everybody may see ------------------------------------------------


def test_a_type_limited_to_roles_is_hidden_from_others_in_every_audience(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    assert app.admin().put("/v1/types/secret", json={"roles": ["admin"]}).status_code == 200
    start = bob.inbox()["cursor"]
    found = publisher.publish(["all", "user:bob", "user:alice"], type="secret")
    assert ids(alice.inbox()) == [found]
    assert (ids(bob.inbox()), counts(bob.inbox())) == ([], (0, 0))
    changes = bob.inbox(start)
    assert (ids(changes), changes["removed"], counts(changes)) == ([], [], (0, 0))
    assert bob.change_state("read", ids=[found])["changed"] == 0


def test_a_types_roles_are_checked_when_the_answer_is_made(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    found = publisher.publish("all", type="secret")
    cursor = bob.inbox()["cursor"]
    assert ids(bob.inbox()) == [found]
    admin = app.admin()
    admin.put("/v1/types/secret", json={"roles": ["admin"]})
    catch_up(app)
    changes = bob.inbox(cursor)
    assert (changes["reset"], ids(changes), counts(changes)) == (True, [], (0, 0))
    assert ids(alice.inbox()) == [found]
    admin.delete("/v1/types/secret")
    catch_up(app)
    assert ids(bob.inbox()) == [found]


def test_a_topic_that_becomes_limited_leaves_the_inboxes_of_others(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    for recipient in (alice, bob):
        recipient.put("/v1/inbox/topics/board")
    found = publisher.publish("topic:board")
    cursor = bob.inbox()["cursor"]
    assert ids(bob.inbox()) == [found]
    app.services.writer.transact(put_topic("board", ("admin",)))
    catch_up(app)
    changes = bob.inbox(cursor)
    assert (changes["reset"], ids(changes), counts(changes)) == (True, [], (0, 0))
    assert ids(alice.inbox()) == [found]


# --- Parameters ---------------------------------------------------------------------------------


def test_bad_parameters_are_refused_by_name(alice: RecipientActor) -> None:
    not_numbers = ["", "-1", "+1", "1.0", "1e2", " 1", "1 ", "0x1", "one", "١", "1_0", "NaN", "\0"]
    cases = [("limit", value) for value in (*not_numbers, "0", "201", "9" * 20, "9" * 5000)]
    cases += [("wait", value) for value in not_numbers]
    for name, value in cases:
        answer = alice.get("/v1/inbox", query_string={name: value})
        expect_problem(answer, 400, "invalid-request", name)


def test_unknown_parameters_are_refused_by_name_and_all_at_once(alice: RecipientActor) -> None:
    expect_problem(alice.get("/v1/inbox?curser=x&Limit=5"), 400, "invalid-request", "curser", "Limit")


def test_parameters_given_twice_are_refused(alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    for query in (f"cursor={cursor}&cursor={cursor}", "limit=1&limit=1", "wait=0&wait=1"):
        name = query.partition("=")[0]
        expect_problem(alice.get(f"/v1/inbox?{query}"), 400, "invalid-request", name)


def test_the_cache_buster_of_old_browsers_is_ignored(alice: RecipientActor) -> None:
    for path in ("/v1/inbox?_=1763712345678", "/v1/inbox?_=1&_=2", "/v1/inbox/unread?_=x", "/v1/inbox/topics?_"):
        assert alice.get(path).status_code == 200, path

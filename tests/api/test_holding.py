"""Holds in process: which polls are held, which changes wake them, and how they end (PROTOCOL section 4, Holding).

Disconnects, draining by signal and many workers need the real server: see tests/longpoll.
"""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from notifygate.endpoints.polling import hold_seconds
from notifygate.publishing.registry import put_topic
from tests.api.helpers import (
    begin_new_epoch,
    catch_up,
    counts,
    expect_problem,
    hold_ends,
    principal_of,
    run_ready_work,
    wakes,
)
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.polling import answer_of, hold, ids
from tests.support.waiting import eventually


def at_once(send: Callable[[], Any]) -> Any:
    """Return an answer that must come without a hold."""
    with gevent.Timeout(20):
        return send()


# --- Polls that are held ------------------------------------------------------------------------


def test_a_poll_with_changes_or_without_a_wait_is_answered_at_once(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    first = alice.poll()
    cursor, etag, of_bob = first.json["cursor"], first.headers["ETag"], bob.inbox()["cursor"]  # type: ignore[index]
    notification_id = publisher.publish("user:alice")
    for options, is_reset in (
        ({}, False), ({"cursor": cursor}, False), ({"etag": etag}, False), ({"etag": '"garbage"'}, False),
        ({"cursor": of_bob}, True),
    ):  # fmt: skip
        answer = at_once(lambda options=options: alice.poll(**options, wait=50))  # type: ignore[misc]
        assert (ids(answer.json), answer.json["reset"]) == ([notification_id], is_reset)
        assert answer.headers["Preference-Applied"] == "wait=50"
    assert at_once(lambda: alice.get("/v1/inbox/unread?wait=50")).status_code == 200
    unchanged = at_once(lambda: alice.poll(alice.inbox()["cursor"], wait=0))
    assert (unchanged.status_code, unchanged.headers["Preference-Applied"]) == (200, "wait=0")
    expect_problem(
        at_once(lambda: alice.poll(unchanged.json["cursor"], wait=50, limit=0)), 400, "invalid-request", "limit"
    )
    assert app.hold_count == 0


def test_a_poll_without_a_cursor_is_held_while_the_etag_matches(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    old = publisher.publish("user:alice", "old")
    first = alice.poll()
    without_cursor = hold(app, alice, etag=first.headers["ETag"])
    with_cursor = hold(app, alice, first.json["cursor"], etag='"garbage"')  # type: ignore[index]
    new = publisher.publish("user:alice", "new")
    assert ids(answer_of(without_cursor).json) == [new, old]  # a snapshot: there was no cursor
    assert ids(answer_of(with_cursor).json) == [new]


def test_the_counts_are_held_while_their_etag_matches(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    etag = alice.get("/v1/inbox/unread").headers["ETag"]
    held = gevent.spawn(alice.get, "/v1/inbox/unread?wait=50", headers={"If-None-Match": etag})
    eventually(lambda: app.hold_count == 1)
    publisher.publish("user:alice")
    answer = answer_of(held)
    assert (answer.json, answer.headers["Preference-Applied"]) == ({"unread": 1, "unseen": 1}, "wait=50")


# --- Changes that wake a hold, and others --------------------------------------------------------


@pytest.mark.parametrize("change", ["all", "role", "topic", "seen", "dismiss", "up_to", "retract", "mute", "follow"])
def test_every_visible_change_wakes_a_hold(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, change: str
) -> None:
    alice.put("/v1/inbox/topics/board")
    notification_id = publisher.publish("user:alice")
    cursor = alice.inbox()["cursor"]
    held = hold(app, app.recipient("alice", "admin"), cursor)
    if change in ("all", "role", "topic"):
        new = publisher.publish({"all": "all", "role": "role:admin", "topic": "topic:board"}[change])
        assert ids(answer_of(held).json) == [new]
    elif change == "seen":
        alice.change_state("seen", ids=[notification_id])
        assert answer_of(held).json["notifications"][0]["seen_at"]
    elif change in ("dismiss", "retract"):
        if change == "dismiss":
            alice.change_state("dismiss", ids=[notification_id])
        else:
            publisher.delete(f"/v1/notifications/{notification_id}")
        assert answer_of(held).json["removed"] == [notification_id]
    else:
        if change == "up_to":
            alice.change_state("read", up_to=cursor)
        elif change == "mute":
            alice.put("/v1/inbox/preferences", json={"types": {"general": {"muted": True}}})
        else:
            alice.put("/v1/inbox/topics/another")
        body = answer_of(held).json
        assert body["reset"] is True
        assert ids(body) == ([] if change == "mute" else [notification_id])


def test_a_hold_ends_when_a_notification_expires(make_app: Any, clock: ManualClock) -> None:
    app = make_app(clock=clock)
    alice = app.recipient("alice")
    notification_id = app.publisher().publish("user:alice", ttl=10)
    held = hold(app, alice, alice.inbox()["cursor"], wait=30)
    clock.advance(10.1)
    assert answer_of(held).json["removed"] == [notification_id]


def test_invisible_changes_do_not_wake_a_hold(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor
) -> None:
    """Nor do they end an ETag."""
    app.admin().put("/v1/types/secret", json={"roles": ["admin"]})
    app.services.writer.transact(put_topic("board", ("admin",)))
    bob.put("/v1/inbox/preferences", json={"types": {"like": {"muted": True}}})
    muted = publisher.publish("all", type="like")
    by_mark = publisher.publish("all")
    bob.change_state("dismiss", up_to=bob.inbox()["cursor"])
    dismissed = publisher.publish("user:bob")
    bob.change_state("dismiss", ids=[dismissed])
    catch_up(app)
    first = bob.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]  # type: ignore[index]
    held = hold(app, bob, cursor)
    before = wakes()
    publisher.publish(["user:bob", "all"], type="like")
    publisher.publish(["user:bob", "all"], type="secret")
    publisher.publish(["user:alice", "topic:board", "topic:other", "role:admin"])
    for removed in (muted, dismissed, by_mark):
        assert publisher.delete(f"/v1/notifications/{removed}").status_code == 204
    alice = app.recipient("alice")
    alice.change_state("read", ids=ids(alice.inbox()))
    app.admin().put("/v1/types/other", json={"title": "Only a title"})
    catch_up(app)
    assert (wakes(), held.ready()) == (before, False)
    unread = bob.get("/v1/inbox/unread", headers={"If-None-Match": etag})
    for answer in (bob.poll(etag=etag), bob.poll(cursor, etag=etag), unread):
        assert (answer.status_code, answer.headers["ETag"]) == (304, etag)
    notification_id = publisher.publish("user:bob")
    body = answer_of(held).json
    assert (ids(body), body["removed"], wakes()) == ([notification_id], [], before + 1)


def test_a_new_epoch_ends_every_hold_with_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    notification_id = publisher.publish("user:alice")
    held = hold(app, alice, alice.inbox()["cursor"])
    begin_new_epoch(app)
    body = answer_of(held).json
    assert (body["reset"], ids(body)) == (True, [notification_id])


def test_a_client_between_its_polls_misses_nothing(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    received: list[str] = []
    timeouts = hold_ends("timeout")

    def poll_all() -> None:
        nonlocal cursor
        while len(received) < 40:
            body = alice.inbox(cursor, wait=50)
            received.extend(ids(body))
            cursor = body["cursor"]

    polling = gevent.spawn(poll_all)
    writers = [gevent.spawn(lambda: [app.publisher().publish("user:alice") for _ in range(10)]) for _ in range(4)]
    published = [notification_id for writer in writers for notification_id in writer.get(timeout=30)]
    polling.get(timeout=30)
    assert sorted(received) == sorted(published)
    # No publication follows this one: a poll that waited before it checked would return it only at its end.
    last = publisher.publish("user:alice")
    catch_up(app)  # so that it wakes no hold any more
    assert ids(alice.inbox(cursor, wait=5)) == [last]
    assert hold_ends("timeout") == timeouts


# --- The end of a hold --------------------------------------------------------------------------


def test_a_wait_ends_with_empty_lists_or_a_304(make_app: Any, clock: ManualClock) -> None:
    app = make_app(clock=clock)
    alice = app.recipient("alice")
    app.publisher().publish("user:alice")
    first = alice.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]
    plain, tagged = hold(app, alice, cursor, wait=20), hold(app, alice, cursor, etag=etag, wait=20)
    counted = gevent.spawn(alice.get, "/v1/inbox/unread?wait=20", headers={"If-None-Match": etag})
    eventually(lambda: app.hold_count == 3)
    clock.advance(18.9)
    run_ready_work()
    assert app.hold_count == 3, "the wait is shortened by less than a tenth"
    clock.advance(1.1)
    answer = answer_of(plain)
    body = answer.json
    assert (answer.status_code, body["notifications"], body["removed"], counts(body)) == (200, [], [], (1, 1))
    assert (body["has_more"], body["reset"], answer.headers["Preference-Applied"]) == (False, False, "wait=20")
    assert alice.inbox(body["cursor"])["reset"] is False
    for unchanged in (answer_of(tagged), answer_of(counted)):
        assert (unchanged.status_code, unchanged.get_data(), unchanged.headers["ETag"]) == (304, b"", etag)
        assert unchanged.headers["Preference-Applied"] == "wait=20"
        assert int(unchanged.headers["Poll-Interval"]) >= 1


def test_stopping_ends_every_hold_as_if_its_wait_were_over(app: InProcessGateway, alice: RecipientActor) -> None:
    first = alice.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]
    plain, with_etag = hold(app, alice, cursor), hold(app, alice, cursor, etag=etag)
    app.services.holds.drain()
    body = answer_of(plain).json
    assert (body["notifications"], body["reset"]) == ([], False)
    assert 1 <= body["poll"]["after"] <= 5
    assert body["poll"]["wait"] == 0
    assert answer_of(with_etag).status_code == 304
    late = at_once(lambda: alice.poll(cursor, wait=50))
    assert (late.status_code, late.json["poll"]["wait"], late.headers["Preference-Applied"]) == (200, 0, "wait=0")


# --- The length of a hold -----------------------------------------------------------------------


def test_a_wait_above_the_maximum_is_lowered_to_it(make_app: Any) -> None:
    alice = make_app(max_wait=3).recipient("alice")
    for wait in ("3", "55", "9999", "1000000000", "9" * 10, "9" * 19, "9" * 1000, "007"):
        granted = alice.get(f"/v1/inbox?wait={wait}")
        preferred = alice.get("/v1/inbox", headers={"Prefer": f"wait={wait}"})
        for answer in (granted, preferred):
            assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=3"), wait


def test_waits_are_shortened_by_chance_and_end_with_the_token(clock: ManualClock) -> None:
    alice = principal_of("alice")
    waits = [hold_seconds(50, alice, clock) for _ in range(200)]
    assert 47.5 <= min(waits) < 48
    assert 49 < max(waits) <= 50
    clock.advance(alice.expires_at / 1000 - clock.wall() - 10)
    assert hold_seconds(50, alice, clock) == pytest.approx(10)


def test_prefer_is_read_like_the_parameter_which_takes_precedence(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    held = gevent.spawn(alice.get, f"/v1/inbox?cursor={cursor}", headers={"Prefer": "wait=50"})
    eventually(lambda: app.hold_count == 1)
    notification_id = publisher.publish("user:alice")
    answer = answer_of(held)
    assert (ids(answer.json), answer.headers["Preference-Applied"]) == ([notification_id], "wait=50")
    nine = ("respond-async, wait=9", "wait=9; foo=bar", 'foo; bar="x", wait="9"', "Wait = 9", "handling=x,wait=9")
    none = ("respond-async", "return=minimal", "", "await=9", "xwait=9")
    for query, prefer, applied in (
        *(("", value, "wait=9") for value in nine), *(("", value, None) for value in none), ("", None, None),
        ("?wait=7", "wait=garbage", "wait=7"), ("?wait=0", "wait=50", "wait=0"),
    ):  # fmt: skip
        answer = at_once(lambda: alice.get("/v1/inbox" + query, headers=None if prefer is None else {"Prefer": prefer}))  # noqa: B023
        assert (answer.status_code, answer.headers.get("Preference-Applied")) == (200, applied), (query, prefer)
    for value in ("wait=abc", "wait=-1", "wait=1.5", "wait=", "wait=1e3", "wait=+1"):
        expect_problem(alice.get("/v1/inbox", headers={"Prefer": value}), 400, "invalid-request", "Prefer")


# --- The number of holds ------------------------------------------------------------------------


def test_past_the_holds_of_a_recipient_the_oldest_hold_is_answered(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor
) -> None:
    """They are counted over all tokens of the recipient."""
    others = hold(app, bob, bob.inbox()["cursor"])
    tokens = [app.recipient("alice", *roles) for roles in ([], ["a"], ["b"], ["c"], ["a"], ["e"], ["f"])]
    cursors = [token.inbox()["cursor"] for token in tokens]
    held = [hold(app, token, cursor, wait=30) for token, cursor in zip(tokens[:6], cursors, strict=False)]
    assert app.hold_count == 7
    seventh = gevent.spawn(tokens[6].poll, cursors[6], wait=30)
    first = answer_of(held[0])
    assert (first.status_code, first.json["notifications"], first.json["reset"]) == (200, [], False)
    eventually(lambda: app.hold_count == 7)
    assert not any(one.ready() for one in (*held[1:], seventh, others))
    notification_id = publisher.publish("all")
    assert all(ids(answer_of(one).json) == [notification_id] for one in (*held[1:], seventh, others))
    assert app.hold_count == 0


def test_the_holds_of_a_recipient_are_a_setting(make_app: Any) -> None:
    app = make_app(holds_per_recipient=1)
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    first = hold(app, alice, cursor, wait=30)
    second = gevent.spawn(alice.poll, cursor, wait=30)
    assert answer_of(first).status_code == 200
    eventually(lambda: app.hold_count == 1)
    assert not second.ready()


def test_past_the_holds_of_the_worker_polls_are_answered_at_once(make_app: Any) -> None:
    app = make_app(holds_per_worker=1)
    alice, bob = app.recipient("alice"), app.recipient("bob")
    assert alice.inbox()["poll"]["wait"] == 55
    held = hold(app, alice, alice.inbox()["cursor"])
    refused = at_once(lambda: bob.poll(bob.inbox()["cursor"], wait=50))
    assert (refused.status_code, refused.json["poll"]["wait"]) == (200, 0)
    app.publisher().publish("user:alice")
    assert answer_of(held).status_code == 200
    assert bob.inbox()["poll"]["wait"] == 55

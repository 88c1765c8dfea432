"""Cursors as clients use them: opaque, bound to a recipient, and never an error once they were valid (section 4)."""

from typing import Any

import pytest

from tests.api.helpers import begin_new_epoch, catch_up, counts, cursor_at, expect_problem, head_of
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids


def expect_reset(recipient: RecipientActor, cursor: str, *expected: str) -> dict[str, Any]:
    """Check that a cursor gives a snapshot of these ids, and that its new cursor can be continued."""
    body = recipient.inbox(cursor)
    assert body["reset"] is True
    assert ids(body) == list(expected)
    assert body["removed"] == []
    assert recipient.inbox(body["cursor"])["reset"] is False
    return body


def test_a_text_that_never_was_a_cursor_is_refused(alice: RecipientActor) -> None:
    """Also with a wait or a matching ETag."""
    first = alice.poll()
    good, etag = first.json["cursor"], first.headers["ETag"]  # type: ignore[index]
    others = ["", " ", "0", "garbage", "null", good[:-1], good + "A", f" {good}", f"{good}\n", f'"{good}"']
    others += [good * 2, "A" * 64, "A" * 65, "A" * 3000, "%00", "\0" * len(good), f"W/{good}"]
    others += [good[:5] + bad + good[6:] for bad in "+/=. é\0"]
    others += [version + good[1:] for version in "023456789aA-_"]
    for cursor in others:
        expect_problem(alice.poll(cursor, etag=etag, wait=5), 400, "invalid-cursor")
        answer = alice.post("/v1/inbox/state", json={"op": "read", "up_to": cursor})
        assert answer.status_code == 400, cursor


def test_a_cursor_with_an_altered_character_gets_a_reset_and_no_error(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    notification_id = publisher.publish("user:alice")
    good = alice.inbox()["cursor"]
    assert alice.inbox(good)["reset"] is False
    for place in range(1, len(good)):
        # Only the two highest bits of the last character are used, and A and Q differ in them.
        mangled = good[:place] + ("A" if good[place] != "A" else "Q") + good[place + 1 :]
        body = alice.inbox(mangled)
        assert (body["reset"], ids(body)) == (True, [notification_id]), place


def test_a_cursor_of_another_recipient_gives_a_reset(
    publisher: PublisherActor, bob: RecipientActor, mallory: RecipientActor
) -> None:
    cursor = mallory.inbox()["cursor"]  # neither has a role, so that nothing but their names differs
    notification_id = publisher.publish("user:bob")
    assert counts(expect_reset(bob, cursor, notification_id)) == (1, 1)


def test_a_cursor_of_other_roles_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    publisher.publish("role:admin")
    for_all = publisher.publish("all")
    expect_reset(app.recipient("alice"), cursor, for_all)
    promoted = app.recipient("alice", "admin", "auditor")
    body = expect_reset(promoted, cursor, for_all, ids(alice.inbox())[1])
    same = app.recipient("alice", "auditor", "admin", "auditor")
    assert same.inbox(body["cursor"])["reset"] is False, "neither order nor repetition matters"


def test_a_cursor_of_another_epoch_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    notification_id = publisher.publish("user:alice")
    begin_new_epoch(app)
    assert counts(expect_reset(alice, cursor, notification_id)) == (1, 1)
    expect_reset(alice, cursor_at(app, "alice", ("admin",), epoch=app.services.tail.epoch ^ 1), notification_id)


def test_a_cursor_ahead_of_the_head_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    notification_id = publisher.publish("user:alice")
    for seq in (head_of(app) + 1, (1 << 44) - 1):
        expect_reset(alice, cursor_at(app, "alice", ("admin",), seq=seq), notification_id)
    for seq, expected in ((head_of(app), []), (0, [notification_id])):
        body = alice.inbox(cursor_at(app, "alice", ("admin",), seq=seq))
        assert (ids(body), body["reset"]) == (expected, False)


@pytest.mark.both_databases
def test_a_cursor_below_the_floor_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    old = alice.inbox()["cursor"]
    notification_id = publisher.publish("user:alice")
    at_floor = alice.inbox()["cursor"]
    app.services.writer.transact(lambda transaction: transaction.prune_up_to(transaction.head))
    app.restart()  # memory is empty, as it would be by the time of the next pruning
    alice = app.recipient("alice", "admin")
    expect_reset(alice, old, notification_id)
    assert alice.inbox(at_floor)["reset"] is False


def test_an_idle_cursor_is_exchanged_before_it_leaves_memory(make_app: Any) -> None:
    small = make_app(tail_entries=10)
    alice, publisher = small.recipient("alice"), small.publisher()
    first = alice.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]
    fresh: set[str] = set()
    for _ in range(40):
        publisher.publish("user:bob")
        catch_up(small)
        answer = alice.poll(cursor, etag=etag)
        if answer.status_code == 200:
            body = answer.json
            assert (ids(body), body["reset"], body["has_more"]) == ([], False, False)
            cursor, etag = body["cursor"], answer.headers["ETag"]
            fresh.add(cursor)
    assert fresh  # a client that only ever got 304 would keep a cursor that needs the database


def test_an_idle_cursor_is_exchanged_although_the_entity_tag_is_newer(make_app: Any) -> None:
    small = make_app(tail_entries=10)
    alice, publisher = small.recipient("alice"), small.publisher()
    cursor = alice.inbox()["cursor"]
    for _ in range(40):
        publisher.publish("user:bob")
        catch_up(small)
        answer = alice.poll(cursor, etag=alice.get("/v1/inbox/unread").headers["ETag"])
        if answer.status_code == 200:
            break
    assert (ids(answer.json), answer.json["reset"]) == ([], False)
    assert answer.json["cursor"] != cursor


@pytest.mark.parametrize("path", ["/v1/inbox", "/v1/inbox/unread"])
def test_an_idle_entity_tag_is_exchanged_before_it_leaves_memory(make_app: Any, path: str) -> None:
    small = make_app(tail_entries=10)
    alice, publisher = small.recipient("alice"), small.publisher()
    etag = alice.get(path).headers["ETag"]
    for _ in range(40):
        publisher.publish("user:bob")
        catch_up(small)
        answer = alice.get(path, headers={"If-None-Match": etag})
        if answer.status_code == 200:
            break
    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag

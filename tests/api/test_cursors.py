"""Cursors as clients meet them: opaque, bound to a recipient, and never an error once they were one (section 4)."""

import re
from typing import Any

import pytest

from notifygate.publishing.registry import put_topic
from tests.api.helpers import begin_new_epoch, catch_up, counts, cursor_at, expect_problem, head_of, ids
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor


def expect_reset(recipient: RecipientActor, cursor: str, *expected: str) -> dict[str, Any]:
    """Check that a cursor gives a snapshot of these ids, and that its new cursor can be continued."""
    body = recipient.inbox(cursor)
    assert body["reset"] is True
    assert ids(body) == list(expected)
    assert body["removed"] == []
    assert recipient.inbox(body["cursor"])["reset"] is False
    return body


def test_what_never_was_a_cursor_is_refused(alice: RecipientActor) -> None:
    good = alice.inbox()["cursor"]
    others = ["", " ", "0", "garbage", "null", good[:-1], good + "A", f" {good}", f"{good}\n", f'"{good}"']
    others += [good * 2, "A" * 64, "A" * 65, "A" * 3000, "%00", "\0" * len(good), f"W/{good}"]
    others += [good[:5] + bad + good[6:] for bad in "+/=. é\0"]
    others += [version + good[1:] for version in "023456789aA-_"]
    for cursor in others:
        expect_problem(alice.poll(cursor), 400, "invalid-cursor")
        answer = alice.post("/v1/inbox/state", json={"op": "read", "up_to": cursor})
        assert answer.status_code == 400, cursor


def test_what_never_was_a_cursor_is_refused_even_where_a_wait_or_an_etag_would_do(alice: RecipientActor) -> None:
    etag = alice.poll().headers["ETag"]
    expect_problem(alice.poll("garbage", etag=etag), 400, "invalid-cursor")
    expect_problem(alice.poll("garbage", wait=5), 400, "invalid-cursor")


def test_a_cursor_is_short_and_safe_in_urls(publisher: PublisherActor, alice: RecipientActor) -> None:
    for _ in range(20):
        publisher.publish("user:alice")
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", alice.inbox()["cursor"])


def test_any_altered_character_makes_a_cursor_worthless_but_not_an_error(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    found = publisher.publish("user:alice")
    good = alice.inbox()["cursor"]
    assert alice.inbox(good)["reset"] is False
    for place in range(1, len(good)):
        # Of the last character only the two highest bits mean something, and A and Q differ in them.
        mangled = good[:place] + ("A" if good[place] != "A" else "Q") + good[place + 1 :]
        body = alice.inbox(mangled)
        assert (body["reset"], ids(body)) == (True, [found]), place


def test_a_cursor_of_another_recipient_gives_a_reset(
    publisher: PublisherActor, bob: RecipientActor, mallory: RecipientActor
) -> None:
    cursor = mallory.inbox()["cursor"]  # neither has a role, so that nothing but their names differs
    found = publisher.publish("user:bob")
    assert counts(expect_reset(bob, cursor, found)) == (1, 1)


def test_a_cursor_of_other_roles_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    publisher.publish("role:admin")
    for_all = publisher.publish("all")
    demoted = app.recipient("alice")
    expect_reset(demoted, cursor, for_all)
    promoted = app.recipient("alice", "admin", "auditor")
    expect_reset(promoted, cursor, for_all, ids(alice.inbox())[1])


def test_the_order_of_roles_in_a_token_does_not_matter(app: InProcessGateway) -> None:
    cursor = app.recipient("alice", "a", "b").inbox()["cursor"]
    assert app.recipient("alice", "b", "a", "b").inbox(cursor)["reset"] is False


def test_a_cursor_of_another_epoch_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    cursor = alice.inbox()["cursor"]
    found = publisher.publish("user:alice")
    begin_new_epoch(app)
    assert counts(expect_reset(alice, cursor, found)) == (1, 1)
    expect_reset(alice, cursor_at(app, "alice", ("admin",), epoch=app.services.tail.epoch ^ 1), found)


def test_polling_goes_on_in_a_new_epoch(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    begin_new_epoch(app)
    cursor = alice.inbox()["cursor"]
    found = publisher.publish("user:alice")
    changes = alice.inbox(cursor)
    assert (ids(changes), changes["reset"]) == ([found], False)


def test_a_cursor_ahead_of_the_head_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    found = publisher.publish("user:alice")
    for seq in (head_of(app) + 1, (1 << 44) - 1):
        expect_reset(alice, cursor_at(app, "alice", ("admin",), seq=seq), found)


def test_a_cursor_at_the_head_and_one_at_the_beginning_can_be_continued(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    found = publisher.publish("user:alice")
    at_head = alice.inbox(cursor_at(app, "alice", ("admin",)))
    assert (ids(at_head), at_head["reset"]) == ([], False)
    at_beginning = alice.inbox(cursor_at(app, "alice", ("admin",), seq=0))
    assert (ids(at_beginning), at_beginning["reset"]) == ([found], False)


@pytest.mark.both_databases
def test_a_cursor_below_what_is_retained_gives_a_reset(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    old = alice.inbox()["cursor"]
    found = publisher.publish("user:alice")
    at_floor = alice.inbox()["cursor"]
    app.services.writer.transact(lambda transaction: transaction.prune_up_to(transaction.head))
    app.restart()  # what was in memory is gone, as it would be by the time that retention comes
    alice = app.recipient("alice", "admin")
    expect_reset(alice, old, found)
    assert alice.inbox(at_floor)["reset"] is False


@pytest.mark.both_databases
def test_a_cursor_that_has_left_memory_is_continued_from_the_database(
    make_app: Any, publisher: PublisherActor, alice: RecipientActor
) -> None:
    small = make_app(tail_entries=10)
    reader, writer = small.recipient("alice", "admin"), small.publisher()
    cursor = reader.inbox()["cursor"]
    published = [writer.publish("user:alice", f"number {n}") for n in range(30)]
    body = reader.inbox(cursor)
    assert (ids(body), body["reset"]) == (published, False)
    assert counts(body) == (30, 30)


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


def test_the_same_cursor_works_on_another_node(make_app: Any) -> None:
    one, other = make_app(), make_app()
    cursor = one.recipient("alice").inbox()["cursor"]
    found = one.publisher().publish("user:alice")
    # Told that there is more, the other one looks for itself.
    newer = one.recipient("alice").inbox(cursor)["cursor"]
    alice = other.recipient("alice")
    assert (alice.inbox(newer)["reset"], ids(alice.inbox(newer))) == (False, [])
    assert ids(alice.inbox(cursor)) == [found]


@pytest.mark.parametrize("change", ["preferences", "up_to", "type", "topic", "follow", "unfollow"])
def test_what_alters_an_inbox_as_a_whole_is_a_reset(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor, change: str
) -> None:
    bob.put("/v1/inbox/topics/board")
    publisher.publish("topic:board", type="like")
    general = publisher.publish("user:bob")
    cursor = bob.inbox()["cursor"]
    expected = [general]
    if change == "preferences":
        bob.put("/v1/inbox/preferences", json={"types": {"like": {"muted": True}}})
    elif change == "up_to":
        bob.change_state("dismiss", up_to=cursor)
        expected = []
    elif change == "type":
        app.admin().put("/v1/types/like", json={"roles": ["admin"]})
    elif change == "topic":
        app.services.writer.transact(put_topic("board", ("admin",)))
    elif change == "unfollow":
        bob.delete("/v1/inbox/topics/board")
    else:
        bob.put("/v1/inbox/topics/new")
        expected = ids(bob.inbox())
    catch_up(app)
    body = bob.inbox(cursor)
    shown = ids(body) if body["reset"] else [found for found in expected if found not in body["removed"]]
    assert shown == expected
    assert counts(body) == counts(bob.inbox()) == (len(expected), len(expected))

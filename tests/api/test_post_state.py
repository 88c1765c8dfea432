"""POST /v1/inbox/state: seen, read, unread, dismissed, by ids and up to a cursor."""

from typing import Any

import pytest

from notifygate.publishing.registry import put_topic
from tests.api.helpers import begin_new_epoch, catch_up, counts, cursor_at, expect_problem, head_of, ids
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

pytestmark = pytest.mark.both_databases

PATH = "/v1/inbox/state"


def states(recipient: RecipientActor) -> dict[str, tuple[bool, bool]]:
    """Return whether each notification of an inbox was seen and read, by id."""
    return {item["id"]: (bool(item["seen_at"]), bool(item["read_at"])) for item in recipient.inbox()["notifications"]}


def answer(changed: int, unread: int, unseen: int) -> dict[str, int]:
    return {"changed": changed, "unread": unread, "unseen": unseen}


# --- By ids -------------------------------------------------------------------------------------


def test_each_operation_does_what_it_says_and_nothing_the_second_time(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    one, two, three = (publisher.publish("user:alice", name) for name in "abc")
    steps: list[tuple[str, list[str], dict[str, int], dict[str, int]]] = [
        ("seen", [one, two], answer(2, 3, 1), answer(0, 3, 1)),
        ("read", [two, three], answer(2, 1, 0), answer(0, 1, 0)),
        ("unread", [three], answer(1, 2, 0), answer(0, 2, 0)),
        ("unread", [one], answer(0, 2, 0), answer(0, 2, 0)),  # it never was read
        ("seen", [two, three], answer(0, 2, 0), answer(0, 2, 0)),  # reading implied seeing
        ("dismiss", [one, two], answer(2, 1, 0), answer(0, 1, 0)),
        ("read", [one, two], answer(0, 1, 0), answer(0, 1, 0)),  # what is dismissed stays so
    ]
    for operation, which, first, again in steps:
        assert alice.change_state(operation, ids=which) == first, operation
        cursor = alice.inbox()["cursor"]
        assert alice.change_state(operation, ids=which) == again, operation
        changes = alice.inbox(cursor)
        assert (ids(changes), changes["removed"], changes["reset"]) == ([], [], False)
    assert states(alice) == {three: (True, False)}


def test_reading_implies_seeing_and_unreading_leaves_it_seen(publisher: PublisherActor, alice: RecipientActor) -> None:
    found = publisher.publish("user:alice")
    alice.change_state("read", ids=[found])
    assert states(alice) == {found: (True, True)}
    alice.change_state("unread", ids=[found])
    assert states(alice) == {found: (True, False)}


def test_the_first_time_of_seeing_and_reading_stays(publisher: PublisherActor, alice: RecipientActor) -> None:
    found = publisher.publish("user:alice")
    alice.change_state("seen", ids=[found])
    first = alice.inbox()["notifications"][0]["seen_at"]
    alice.change_state("read", ids=[found])
    alice.change_state("unread", ids=[found])
    alice.change_state("read", up_to=alice.inbox()["cursor"])
    assert alice.inbox()["notifications"][0]["seen_at"] == first


def test_ids_that_are_not_in_this_inbox_are_ignored_and_do_not_count(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    app.admin().put("/v1/types/secret", json={"roles": ["admin"]})
    bob.put("/v1/inbox/preferences", json={"types": {"like": {"muted": True}}})
    mine = publisher.publish("all")
    retracted = publisher.publish("user:bob")
    publisher.delete(f"/v1/notifications/{retracted}")
    foreign = [
        publisher.publish("user:alice"),
        publisher.publish("role:admin"),
        publisher.publish("topic:board"),
        publisher.publish("all", type="secret"),
        publisher.publish("all", type="like"),
        retracted,
        "unknown",
        "'; DROP TABLE inbox_states; --",
        "ü" * 64,
    ]
    for operation in ("seen", "read", "unread", "dismiss"):
        assert bob.change_state(operation, ids=foreign) == answer(0, 1, 1)
    assert bob.change_state("read", ids=[*foreign, mine]) == answer(1, 0, 0)
    assert counts(alice.inbox()) == (5, 5)  # no other recipient's state was changed


def test_an_id_given_twice_counts_once(publisher: PublisherActor, alice: RecipientActor) -> None:
    found = publisher.publish("user:alice")
    assert alice.change_state("read", ids=[found, found, found]) == answer(1, 0, 0)


def test_five_hundred_ids_are_taken_at_once(publisher: PublisherActor, alice: RecipientActor) -> None:
    some = [publisher.publish("user:alice") for _ in range(5)]
    assert alice.change_state("read", ids=[*(f"unknown-{n}" for n in range(495)), *some]) == answer(5, 0, 0)


def test_a_notification_before_the_inbox_began_is_not_in_it(app: InProcessGateway, publisher: PublisherActor) -> None:
    early = publisher.publish("all")
    assert app.recipient("carol").change_state("read", ids=[early]) == answer(0, 0, 0)


# --- Up to a cursor -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "first", "left"),
    [
        ("seen", answer(2, 3, 1), (True, False)),
        ("read", answer(2, 1, 1), (True, True)),
        ("dismiss", answer(2, 1, 1), None),
    ],
)
def test_up_to_a_cursor_is_all_before_it_and_nothing_that_came_later(
    publisher: PublisherActor,
    alice: RecipientActor,
    operation: str,
    first: dict[str, int],
    left: tuple[bool, bool] | None,
) -> None:
    before = [publisher.publish("user:alice"), publisher.publish("all")]
    cursor = alice.inbox()["cursor"]
    later = publisher.publish("user:alice")
    assert alice.change_state(operation, up_to=cursor) == first
    assert alice.change_state(operation, up_to=cursor) == {**first, "changed": 0}
    expected = {} if left is None else dict.fromkeys(before, left)
    assert states(alice) == {**expected, later: (False, False)}


def test_up_to_the_cursor_of_a_page_leaves_what_the_page_did_not_tell(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    start = alice.inbox()["cursor"]
    published = [publisher.publish("user:alice", f"number {n}") for n in range(4)]
    page = alice.inbox(start, limit=2)
    assert ids(page) == published[:2]
    assert alice.change_state("read", up_to=page["cursor"]) == answer(2, 2, 2)
    read = [found for found, (_, is_read) in states(alice).items() if is_read]
    assert sorted(read) == sorted(published[:2])


def test_up_to_counts_only_what_changes(publisher: PublisherActor, alice: RecipientActor) -> None:
    seen, read, dismissed, _ = (publisher.publish("user:alice", name) for name in "abcd")
    alice.change_state("seen", ids=[seen])
    alice.change_state("read", ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    cursor = alice.inbox()["cursor"]
    assert alice.change_state("seen", up_to=cursor) == answer(1, 2, 0)
    assert alice.change_state("read", up_to=cursor) == answer(2, 0, 0)
    assert alice.change_state("dismiss", up_to=cursor) == answer(3, 0, 0)
    assert alice.inbox()["notifications"] == []


def test_one_can_be_unread_after_all_were_read(publisher: PublisherActor, alice: RecipientActor) -> None:
    one, two = publisher.publish("user:alice"), publisher.publish("all")
    cursor = alice.inbox()["cursor"]
    alice.change_state("read", up_to=cursor)
    assert alice.change_state("unread", ids=[one]) == answer(1, 1, 0)
    assert states(alice) == {one: (True, False), two: (True, True)}
    assert alice.change_state("read", up_to=cursor) == answer(1, 0, 0)
    assert states(alice) == {one: (True, True), two: (True, True)}


def test_one_unread_after_all_were_read_survives_a_restart(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    one, two = publisher.publish("user:alice"), publisher.publish("all")
    alice.change_state("read", up_to=alice.inbox()["cursor"])
    alice.change_state("unread", ids=[one])
    app.restart()
    alice = app.recipient("alice", "admin")
    assert states(alice) == {one: (True, False), two: (True, True)}
    assert counts(alice.inbox()) == (1, 0)


def test_an_older_cursor_after_a_newer_one_changes_nothing(publisher: PublisherActor, alice: RecipientActor) -> None:
    publisher.publish("user:alice")
    old = alice.inbox()["cursor"]
    publisher.publish("user:alice")
    new = alice.inbox()["cursor"]
    assert alice.change_state("read", up_to=new) == answer(2, 0, 0)
    assert alice.change_state("read", up_to=old) == answer(0, 0, 0)
    later = publisher.publish("user:alice")
    assert states(alice)[later] == (False, False)


def test_what_was_retracted_does_not_count_in_up_to(publisher: PublisherActor, alice: RecipientActor) -> None:
    gone = publisher.publish("user:alice")
    publisher.publish("user:alice")
    cursor = alice.inbox()["cursor"]
    publisher.delete(f"/v1/notifications/{gone}")
    assert alice.change_state("read", up_to=cursor) == answer(1, 0, 0)


def test_up_to_changes_no_other_inbox(publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor) -> None:
    publisher.publish("all")
    for operation in ("read", "dismiss"):
        alice.change_state(operation, up_to=alice.inbox()["cursor"])
    assert counts(bob.inbox()) == (1, 1)
    assert len(bob.inbox()["notifications"]) == 1


def test_the_cursors_that_up_to_takes_are_this_recipients_of_these_roles_and_this_epoch(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    publisher.publish("all")
    epoch = app.services.tail.epoch
    others = [
        bob.inbox()["cursor"],
        app.recipient("alice").inbox()["cursor"],
        app.recipient("alice", "admin", "other").inbox()["cursor"],
        cursor_at(app, "alice", ("admin",), epoch=epoch ^ 1),
        cursor_at(app, "alice", ("admin",), seq=head_of(app) + 1),
        "garbage",
        "",
        "\u0661" * 23,
    ]
    for cursor in others:
        given = alice.post(PATH, json={"op": "read", "up_to": cursor})
        expect_problem(given, 400, "invalid-cursor")
    assert counts(alice.inbox()) == (1, 1)
    cursor = alice.inbox()["cursor"]
    begin_new_epoch(app)
    expect_problem(alice.post(PATH, json={"op": "read", "up_to": cursor}), 400, "invalid-cursor")
    assert alice.change_state("read", up_to=alice.inbox()["cursor"])["changed"] == 1


def test_an_etags_token_is_a_cursor_too(publisher: PublisherActor, alice: RecipientActor) -> None:
    publisher.publish("user:alice")
    first = alice.poll()
    assert first.headers["ETag"] == f'W/"{first.json["cursor"]}"'  # type: ignore[index]


# --- Several devices ----------------------------------------------------------------------------


def test_the_answers_counts_are_those_after_the_change_on_any_device(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    phone = app.recipient("alice", "admin")
    found = [publisher.publish("user:alice") for _ in range(3)]
    assert alice.change_state("read", ids=found[:1]) == answer(1, 2, 2)
    assert phone.change_state("read", ids=found[:2]) == answer(1, 1, 1)
    assert alice.change_state("dismiss", ids=found) == answer(3, 0, 0)
    assert phone.get("/v1/inbox/unread").json == {"unread": 0, "unseen": 0}


def test_devices_with_other_roles_share_the_state(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    both = publisher.publish("all")
    admins = publisher.publish("role:admin")
    plain = app.recipient("alice")
    assert plain.change_state("read", ids=[both, admins]) == answer(1, 0, 0)
    assert states(alice) == {both: (True, True), admins: (False, False)}
    assert counts(alice.inbox()) == (1, 1)


def test_a_change_on_one_node_reaches_the_devices_on_another(make_app: Any) -> None:
    one, other = make_app(), make_app()
    found = one.publisher().publish("user:alice")
    desk, phone = one.recipient("alice"), other.recipient("alice")
    cursor = phone.inbox()["cursor"]
    assert desk.change_state("read", ids=[found]) == answer(1, 0, 0)
    catch_up(other)
    changes = phone.inbox(cursor)
    assert (ids(changes), counts(changes)) == ([found], (0, 0))


def test_marks_do_not_make_a_hidden_topic_count(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor
) -> None:
    bob.put("/v1/inbox/topics/board")
    publisher.publish("topic:board")
    publisher.publish("user:bob")
    cursor = bob.inbox()["cursor"]
    app.services.writer.transact(put_topic("board", ("admin",)))
    assert bob.change_state("read", up_to=cursor) == answer(1, 0, 0)


# --- Bad requests -------------------------------------------------------------------------------


def test_bad_bodies_are_refused_by_name_and_change_nothing(publisher: PublisherActor, alice: RecipientActor) -> None:
    found = publisher.publish("user:alice")
    cursor = alice.inbox()["cursor"]
    cases: list[tuple[Any, set[str]]] = [
        ({}, {"op"}),
        ({"ids": [found]}, {"op"}),
        ({"op": "delete", "ids": [found]}, {"op"}),
        ({"op": "Read", "ids": [found]}, {"op"}),
        ({"op": None, "ids": [found]}, {"op"}),
        ({"op": "read", "ids": []}, {"ids"}),
        ({"op": "read", "ids": found}, {"ids"}),
        ({"op": "read", "ids": None}, {"ids"}),
        ({"op": "read", "ids": [found, ""]}, {"ids.1"}),
        ({"op": "read", "ids": [found, 7]}, {"ids.1"}),
        ({"op": "read", "ids": ["x" * 65, found]}, {"ids.0"}),
        ({"op": "read", "ids": ["a\0b", found]}, {"ids.0"}),
        ({"op": "read", "ids": [f"x{n}" for n in range(501)]}, {"ids"}),
        ({"op": "read", "ids": [found], "extra": 1}, {"extra"}),
        ({"op": "read", "up_to": 7}, {"up_to"}),
        ({"op": "read", "up_to": None}, {"up_to"}),
        ({"op": "read", "up_to": cursor, "upto": cursor}, {"upto"}),
    ]
    for body, fields in cases:
        expect_problem(alice.post(PATH, json=body), 400, "invalid-request", *fields)
    for body in (
        {"op": "read"},
        {"op": "read", "ids": [found], "up_to": cursor},
        {"op": "unread", "up_to": cursor},
        [],
        "read",
        7,
        False,
    ):
        expect_problem(alice.post(PATH, json=body), 400, "invalid-request", "body")
    assert states(alice) == {found: (False, False)}

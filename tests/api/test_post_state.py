"""POST /v1/inbox/state: seen, read, unread, dismissed, by ids and up to a cursor."""

from typing import Any

import pytest
from sqlalchemy import event

from tests.api.helpers import begin_new_epoch, counts, cursor_at, expect_problem, head_of
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids

PATH = "/v1/inbox/state"


def states(recipient: RecipientActor) -> dict[str, tuple[bool, bool]]:
    """Return whether each notification of an inbox was seen and read, by id."""
    return {item["id"]: (bool(item["seen_at"]), bool(item["read_at"])) for item in recipient.inbox()["notifications"]}


def answer(changed: int, unread: int, unseen: int) -> dict[str, int]:
    return {"changed": changed, "unread": unread, "unseen": unseen}


# --- By ids -------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_states_of_several_notifications_are_written_by_one_statement(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    published = [publisher.publish("user:alice") for _ in range(5)]
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(app.services.database.engine, "before_cursor_execute", note)
    assert alice.change_state("seen", ids=published[:1])["changed"] == 1
    assert alice.change_state("read", ids=published)["changed"] == 5
    for table in ("inbox_states", "log_entries"):
        assert len([text for text in statements if text.startswith(f"INSERT INTO {table}")]) == 2
    assert set(states(alice).values()) == {(True, True)}


@pytest.mark.both_databases
def test_each_operation_changes_states_once(publisher: PublisherActor, alice: RecipientActor) -> None:
    one, two, three = (publisher.publish("user:alice", name) for name in "abc")
    steps: list[tuple[str, list[str], dict[str, int], dict[str, int]]] = [
        ("seen", [one, two], answer(2, 3, 1), answer(0, 3, 1)),
        ("read", [two, three], answer(2, 1, 0), answer(0, 1, 0)),
        ("unread", [three], answer(1, 2, 0), answer(0, 2, 0)),
        ("unread", [one], answer(0, 2, 0), answer(0, 2, 0)),  # it was never read
        ("seen", [two, three], answer(0, 2, 0), answer(0, 2, 0)),  # reading implied seeing
        ("dismiss", [one, two], answer(2, 1, 0), answer(0, 1, 0)),
        ("read", [one, two], answer(0, 1, 0), answer(0, 1, 0)),  # a dismissed notification stays dismissed
    ]
    for operation, chosen, first, again in steps:
        assert alice.change_state(operation, ids=chosen) == first, operation
        cursor = alice.inbox()["cursor"]
        assert alice.change_state(operation, ids=chosen) == again, operation
        changes = alice.inbox(cursor)
        assert (ids(changes), changes["removed"], changes["reset"]) == ([], [], False)
    assert states(alice) == {three: (True, False)}


@pytest.mark.both_databases
def test_ids_that_are_not_in_this_inbox_are_ignored(
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


def test_five_hundred_ids_are_accepted_and_duplicates_count_once(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    some = [publisher.publish("user:alice") for _ in range(2)]
    assert alice.change_state("read", ids=[*(f"unknown-{n}" for n in range(495)), *some * 2, some[0]]) == answer(
        2, 0, 0
    )


# --- Up to a cursor -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "first", "left"),
    [
        ("seen", answer(2, 3, 1), (True, False)),
        ("read", answer(2, 1, 1), (True, True)),
        ("dismiss", answer(2, 1, 1), None),
    ],
)
def test_up_to_a_cursor_covers_all_before_it_and_nothing_after_it(
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


@pytest.mark.both_databases
def test_up_to_counts_only_changed_notifications(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    seen, read, dismissed, _, retracted = (publisher.publish(["user:alice", "user:bob"], name) for name in "abcde")
    older = alice.inbox()["cursor"]
    alice.change_state("seen", ids=[seen])
    alice.change_state("read", ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    publisher.publish("user:alice")
    cursor = alice.inbox()["cursor"]
    publisher.delete(f"/v1/notifications/{retracted}")
    assert alice.change_state("seen", up_to=cursor) == answer(2, 3, 0)
    assert alice.change_state("read", up_to=cursor) == answer(3, 0, 0)
    later = publisher.publish("user:alice")
    assert alice.change_state("read", up_to=older) == answer(0, 1, 1)
    assert states(alice)[later] == (False, False)
    assert alice.change_state("dismiss", up_to=cursor) == answer(4, 1, 1)
    assert ids(alice.inbox()) == [later]
    assert counts(bob.inbox()) == (4, 4)


def test_one_notification_can_be_unread_after_all_were_read(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    one, older, two = publisher.publish("user:alice"), alice.inbox()["cursor"], publisher.publish("all")
    alice.change_state("read", up_to=alice.inbox()["cursor"])
    assert alice.change_state("unread", ids=[one]) == answer(1, 1, 0)
    app.restart()
    alice = app.recipient("alice", "admin")
    assert states(alice) == {one: (True, False), two: (True, True)}
    assert counts(alice.inbox()) == (1, 0)
    assert alice.change_state("read", up_to=older) == answer(1, 0, 0)
    assert states(alice) == {one: (True, True), two: (True, True)}
    assert counts(alice.inbox()) == (0, 0)


def test_up_to_accepts_only_cursors_of_this_recipient_these_roles_and_this_epoch(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    publisher.publish("all")
    others = [
        *(each.inbox()["cursor"] for each in (bob, app.recipient("alice"), app.recipient("alice", "admin", "other"))),
        cursor_at(app, "alice", ("admin",), epoch=app.services.tail.epoch ^ 1),
        cursor_at(app, "alice", ("admin",), seq=head_of(app) + 1),
        "\u0661" * 23,
    ]
    for cursor in others:
        expect_problem(alice.post(PATH, json={"op": "read", "up_to": cursor}), 400, "invalid-cursor")
    assert counts(alice.inbox()) == (1, 1)
    cursor = alice.inbox()["cursor"]
    begin_new_epoch(app)
    expect_problem(alice.post(PATH, json={"op": "read", "up_to": cursor}), 400, "invalid-cursor")
    assert alice.change_state("read", up_to=alice.inbox()["cursor"])["changed"] == 1


# --- Several devices ----------------------------------------------------------------------------


def test_devices_with_other_roles_share_the_state(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    for_all = publisher.publish("all")
    for_admins = publisher.publish("role:admin")
    plain = app.recipient("alice")
    assert plain.change_state("read", ids=[for_all, for_admins]) == answer(1, 0, 0)
    assert states(alice) == {for_all: (True, True), for_admins: (False, False)}
    assert counts(alice.inbox()) == (1, 1)


@pytest.mark.parametrize(("operation", "state"), [("seen", (True, False)), ("read", (True, True)), ("dismiss", None)])
def test_up_to_also_covers_earlier_notifications_of_other_roles_and_muted_types(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, operation: str, state: Any
) -> None:
    plain = app.recipient("alice")
    mute = {"types": {"chatter": {"muted": True}}}
    assert plain.put("/v1/inbox/preferences", json=mute).status_code == 200
    hidden = [publisher.publish("role:admin"), publisher.publish("user:alice", type="chatter")]
    cursor = plain.inbox()["cursor"]
    assert plain.change_state(operation, up_to=cursor)["changed"] == 0
    assert states(alice) == {hidden[0]: (False, False)}, "no mark is set where nothing changes"
    later = publisher.publish("role:admin")
    shown = publisher.publish("user:alice")
    assert plain.change_state(operation, up_to=plain.inbox()["cursor"])["changed"] == 1
    assert plain.put("/v1/inbox/preferences", json={"types": {}}).status_code == 200
    expected = {} if state is None else dict.fromkeys([*hidden, later, shown], state)
    assert states(alice) == expected


# --- Bad requests -------------------------------------------------------------------------------


def test_bad_bodies_are_refused_by_name_and_change_nothing(publisher: PublisherActor, alice: RecipientActor) -> None:
    notification_id = publisher.publish("user:alice")
    cursor = alice.inbox()["cursor"]
    cases: list[tuple[Any, str]] = [
        *((body, "op") for body in ({}, {"ids": [notification_id]}, *({"op": op, "ids": [notification_id]} for op in ("delete", "Read", None)))),
        *(({"op": "read", "ids": bad}, "ids") for bad in ([], notification_id, None, [f"x{n}" for n in range(501)])),
        *(({"op": "read", "ids": [notification_id, bad]}, "ids.1") for bad in ("", 7, "x" * 65, "a\0b")),
        ({"op": "read", "ids": [notification_id], "extra": 1}, "extra"),
        *(({"op": "read", "up_to": bad}, "up_to") for bad in (7, None)),
        ({"op": "read", "up_to": cursor, "upto": cursor}, "upto"),
        ({"op": "read"}, "body"), ({"op": "read", "ids": [notification_id], "up_to": cursor}, "body"),
        ({"op": "unread", "up_to": cursor}, "body"), *((body, "body") for body in ([], "read", 7, False)),
    ]  # fmt: skip
    for body, field in cases:
        expect_problem(alice.post(PATH, json=body), 400, "invalid-request", field)
    assert states(alice) == {notification_id: (False, False)}

"""Idempotency-Key, in both forms of publishing (PROTOCOL section 3)."""

import json
from typing import Any

import gevent
import pytest
from sqlalchemy import select, update

from notifygate.publishing.publish import IDEMPOTENCY_SECONDS
from notifygate.storage.tables import RECORDS
from tests.api.helpers import counts, expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids
from tests.support.waiting import all_done

BODY = {"to": ["user:alice", "role:x"], "title": "Once", "ttl": 3600, "data": {"n": 1}}


def sent(publisher: PublisherActor, key: str, body: Any = None) -> Any:
    return publisher.post("/v1/notifications", json=body or BODY, headers={"Idempotency-Key": key})


def age_records(app: InProcessGateway, milliseconds: int) -> None:
    """Make all records older by a number of milliseconds."""
    change = update(RECORDS).values(created_at=RECORDS.c.created_at - milliseconds)
    app.services.writer.transact(lambda transaction: transaction.connection.execute(change))


@pytest.mark.both_databases
def test_the_second_request_gets_the_first_answer_and_publishes_nothing(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    first, second = sent(publisher, "k1"), sent(publisher, "k1")
    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert ids(alice.inbox()) == [first.json["id"]]
    publisher.delete(f"/v1/notifications/{first.json['id']}")
    assert sent(publisher, "k1").json == first.json
    assert ids(alice.inbox()) == [], "a retracted notification is not published again"


def record_of(app: InProcessGateway, key: str) -> str:
    """Return the stored part of the answer to the request with this Idempotency-Key."""
    statement = select(RECORDS.c.answer).where(RECORDS.c.idempotency_key == key)
    return app.services.database.read(lambda connection: connection.execute(statement).scalar_one())


@pytest.mark.both_databases
def test_a_record_does_not_grow_with_the_audiences(app: InProcessGateway, publisher: PublisherActor) -> None:
    wide = {"to": [f"user:u{n}" for n in range(1000)], "type": "t" * 64, "title": "T"}
    first = sent(publisher, "k1", wide)
    assert len(record_of(app, "k1")) < 200
    assert sent(publisher, "k1", wide).json == first.json
    assert len(first.json["to"]) == 1000


def test_a_record_of_version_0_1_gives_the_same_answer(app: InProcessGateway, publisher: PublisherActor) -> None:
    long = "x" * 4001
    for key, send in (("k1", lambda: sent(publisher, "k1")), ("k2", lambda: notify(publisher, "k2", long))):
        first = send()
        store_answer = update(RECORDS).where(RECORDS.c.idempotency_key == key).values(answer=first.text)
        app.services.writer.transact(lambda transaction: transaction.connection.execute(store_answer))  # noqa: B023
        second = send()
        assert (second.text, second.headers["Idempotency-Replayed"]) == (first.text, "true")


def test_a_repetition_gets_the_priority_and_times_of_the_first_request(app: InProcessGateway) -> None:
    admin = app.admin()
    admin.put("/v1/types/general", json={"priority": "high", "ttl": 60})
    first = sent(admin, "k1", {"to": "all", "title": "T"})
    assert first.json["priority"] == "high"
    admin.put("/v1/types/general", json={"priority": "low", "ttl": 3600})
    assert sent(admin, "k1", {"to": "all", "title": "T"}).text == first.text


def test_another_body_with_the_same_key_is_refused(publisher: PublisherActor, alice: RecipientActor) -> None:
    first = sent(publisher, "k1")
    for other in (
        {"title": "Twice"}, {"to": "user:alice"}, {"to": ["role:x", "user:alice"]}, {"body": "x"}, {"type": "other"},
        {"priority": "high"}, {"priority": "normal"}, {"sender": "x"}, {"icon": "x"}, {"action_url": "/x"},
        {"data": {"n": 2}}, {"ttl": 3601}, {"ttl": None},
    ):  # fmt: skip
        expect_problem(sent(publisher, "k1", {**BODY, **other}), 422, "idempotency-mismatch")
    assert counts(alice.inbox()) == (1, 1)
    assert sent(publisher, "k1").json == first.json  # a mismatch leaves the key valid


def test_the_same_body_in_another_notation_is_a_repetition(publisher: PublisherActor) -> None:
    first = sent(publisher, "k1")
    text = '{ "title":"On\\u0063e", "data":{"n" : 1}, "ttl":3600,\n"to": ["user:alice", "role:x"] }'
    second = publisher.post(
        "/v1/notifications", data=text, content_type="application/json", headers={"Idempotency-Key": "k1"}
    )
    assert (second.status_code, second.json) == (201, first.json)


UNSORTED = {**BODY, "data": {"z": {"y": 1, "ü": [2, 1]}, "a": None}}
SORTED = {"data": {"a": None, "z": {"y": 1, "ü": [2, 1]}}, **{name: BODY[name] for name in ("ttl", "title", "to")}}


def sent_in_order(publisher: PublisherActor, key: str, body: dict[str, Any]) -> Any:
    """Publish with the fields in the order of the body; the test client sorts them."""
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return publisher.post("/v1/notifications", data=json.dumps(body), headers=headers)


@pytest.mark.both_databases
def test_the_order_of_fields_does_not_matter_in_data_either(publisher: PublisherActor, alice: RecipientActor) -> None:
    first, second = (sent_in_order(publisher, "k1", body) for body in (UNSORTED, SORTED))
    assert (first.status_code, second.status_code, second.json) == (201, 201, first.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert counts(alice.inbox()) == (1, 1)
    for data in ({"z": {"y": 1, "ü": [1, 2]}, "a": None}, {"z": {"ü": 1, "y": [2, 1]}, "a": None}):
        expect_problem(sent_in_order(publisher, "k1", {**BODY, "data": data}), 422, "idempotency-mismatch")


def test_a_hash_of_version_0_1_is_recognised(app: InProcessGateway, publisher: PublisherActor) -> None:
    """It hashed `data` as it was sent: the same order is recognised, and every order where that one was sorted."""
    for key, body, repetitions, request_hash in (
        ("k1", UNSORTED, [UNSORTED], "242774b4256abdae3c02d247f28570b7c180754de5efb64857cce5e9d1e68bae"),
        ("k2", SORTED, [SORTED, UNSORTED], "5f863ed14ea334665322c73e39935107014f62f3fa2eb5bea8dc334468904226"),
    ):
        first = sent_in_order(publisher, key, body)
        store_hash = update(RECORDS).where(RECORDS.c.idempotency_key == key).values(request_hash=request_hash)
        app.services.writer.transact(lambda transaction: transaction.connection.execute(store_hash))  # noqa: B023
        for repetition in repetitions:
            second = sent_in_order(publisher, key, repetition)
            assert (second.text, second.headers["Idempotency-Replayed"]) == (first.text, "true")


def test_another_key_publishes_again_and_keys_are_compared_exactly(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    published = [sent(publisher, key).json["id"] for key in ("k", "K", "kx", "%", "_")]
    assert ids(alice.inbox()) == published[::-1]


def test_keys_of_different_publishers_are_separate(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    other = app.publisher("publisher")
    first, second = sent(publisher, "k1"), sent(other, "k1")
    assert first.json["id"] != second.json["id"]
    assert "Idempotency-Replayed" not in second.headers
    assert sent(other, "k2", {**BODY, "title": "x"}).status_code == 201
    assert counts(alice.inbox()) == (3, 3)
    assert sent(app.rotate(publisher, 3600), "k1").json == first.json, "a rotated key is the same API key"


@pytest.mark.both_databases
def test_many_equal_requests_at_once_publish_one_notification(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    clients = [PublisherActor(app.app.test_client(), publisher.credential) for _ in range(12)]
    answers = all_done([gevent.spawn(sent, client, "k") for client in clients])
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.json["id"] for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * 11
    assert counts(alice.inbox()) == (1, 1)


@pytest.mark.both_databases
def test_of_many_different_requests_at_once_one_is_published_and_the_rest_refused(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    clients = [PublisherActor(app.app.test_client(), publisher.credential) for _ in range(8)]
    answers = all_done([gevent.spawn(sent, client, "k", {**BODY, "title": f"{n}"}) for n, client in enumerate(clients)])
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7
    assert counts(alice.inbox()) == (1, 1)


@pytest.mark.both_databases
def test_a_key_is_remembered_for_a_day_and_over_restarts(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    first = sent(publisher, "k1")
    age_records(app, (IDEMPOTENCY_SECONDS - 60) * 1000)
    app.restart()
    publisher = PublisherActor(app.app.test_client(), publisher.credential)
    second = sent(publisher, "k1")
    assert (second.json, second.headers["Idempotency-Replayed"]) == (first.json, "true")


@pytest.mark.both_databases
def test_after_a_day_the_key_is_free_again(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    first = sent(publisher, "k1")
    age_records(app, (IDEMPOTENCY_SECONDS + 60) * 1000)
    second = sent(publisher, "k1", {**BODY, "title": "Another"})
    assert second.status_code == 201
    assert second.json["id"] != first.json["id"]
    assert "Idempotency-Replayed" not in second.headers
    assert sent(publisher, "k1", {**BODY, "title": "Another"}).json == second.json
    assert counts(alice.inbox()) == (2, 2)


def test_a_refused_request_is_not_remembered(app: InProcessGateway) -> None:
    key = app.publisher(audiences=["user:*"])
    for body, status in (
        ({"to": "user:alice", "title": ""}, 400),
        ({"to": "all", "title": "T"}, 403),
        ({"to": "user:alice", "title": "T"}, 201),
    ):
        assert sent(key, "k1", body).status_code == status


def notify(publisher: PublisherActor, key: str, body: str = "Backup finished", path: str = "user:alice") -> Any:
    return publisher.post(f"/v1/notify/{path}", data=body, headers={"Idempotency-Key": key})


def test_notify_accepts_an_idempotency_key(publisher: PublisherActor, alice: RecipientActor) -> None:
    first, second = notify(publisher, "backup-2026-11-20"), notify(publisher, "backup-2026-11-20")
    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    for other in (
        notify(publisher, "backup-2026-11-20", "Backup failed"),
        notify(publisher, "backup-2026-11-20", path="user:bob"),
        notify(publisher, "backup-2026-11-20", path="user:alice?priority=high"),
    ):
        expect_problem(other, 422, "idempotency-mismatch")
    assert counts(alice.inbox()) == (1, 1)


def test_bodies_that_differ_only_beyond_the_cut_are_different(publisher: PublisherActor, alice: RecipientActor) -> None:
    first = notify(publisher, "k1", "x" * 4000 + "the first end")
    assert first.json["truncated"] is True
    assert notify(publisher, "k1", "x" * 4000 + "the first end").json == first.json
    expect_problem(notify(publisher, "k1", "x" * 4000 + "another end"), 422, "idempotency-mismatch")
    expect_problem(notify(publisher, "k1", "x" * 4000), 422, "idempotency-mismatch")


def test_a_key_has_between_one_and_128_printable_characters(publisher: PublisherActor) -> None:
    for key in ("x", "x" * 128, "a b:c/d\"e'f,g", "~!@#$%^&*()"):
        assert sent(publisher, key).status_code == 201, key
    for key in ("", "x" * 129, "a\tb", "ü", "a\x7fb", "\xa0"):
        expect_problem(sent(publisher, key), 400, "invalid-request", "Idempotency-Key")

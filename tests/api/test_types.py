"""/v1/types: the registry of notification types."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.helpers import catch_up, expect_problem, ids, lifetime
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

PATH = "/v1/types"
DEFAULTS = {
    "title": "",
    "icon": None,
    "priority": "normal",
    "display": "toast",
    "ttl": None,
    "roles": [],
    "mandatory": False,
}
FULL = {
    "title": "A deploy has finished",
    "icon": "rocket",
    "priority": "high",
    "display": "modal",
    "ttl": 3600,
    "roles": ["admin", "ops"],
    "mandatory": True,
}


@pytest.fixture
def admin(app: InProcessGateway) -> PublisherActor:
    return app.admin()


@pytest.mark.both_databases
def test_a_type_is_registered_listed_replaced_and_deleted(admin: PublisherActor) -> None:
    assert admin.get(PATH).json == {"types": {}}
    assert admin.put(f"{PATH}/deploy.finished", json=FULL).json == FULL
    assert admin.put(f"{PATH}/like", json={}).json == DEFAULTS
    assert admin.get(PATH).json == {"types": {"deploy.finished": FULL, "like": DEFAULTS}}
    replaced = {**DEFAULTS, "title": "New"}
    assert admin.put(f"{PATH}/deploy.finished", json={"title": "New"}).json == replaced  # nothing of the old stays
    assert admin.get(PATH).json == {"types": {"deploy.finished": replaced, "like": DEFAULTS}}
    deleted = admin.delete(f"{PATH}/deploy.finished")
    assert (deleted.status_code, deleted.get_data()) == (204, b"")
    assert admin.get(PATH).json == {"types": {"like": DEFAULTS}}


def test_the_same_again_answers_the_same(admin: PublisherActor) -> None:
    for _ in range(2):
        answer = admin.put(f"{PATH}/like", json=FULL)
        assert (answer.status_code, answer.json) == (200, FULL)


def test_deleting_what_is_not_registered_is_not_found(admin: PublisherActor) -> None:
    expect_problem(admin.delete(f"{PATH}/like"), 404, "not-found")
    admin.put(f"{PATH}/like", json={})
    admin.delete(f"{PATH}/like")
    expect_problem(admin.delete(f"{PATH}/like"), 404, "not-found")


@pytest.mark.both_databases
def test_a_types_defaults_are_those_of_its_notifications_from_the_next_one_on(
    admin: PublisherActor, publisher: PublisherActor, alice: RecipientActor
) -> None:
    for n in range(5):  # at once after the answer, each time
        admin.put(f"{PATH}/deploy", json={"icon": f"icon{n}", "priority": "high", "ttl": 60 + n})
        answer = publisher.post("/v1/notifications", json={"to": "user:alice", "type": "deploy", "title": "T"})
        assert answer.json["priority"] == "high"  # type: ignore[index]
        assert lifetime(answer.json) == timedelta(seconds=60 + n)  # type: ignore[arg-type]
        assert alice.inbox()["notifications"][0]["icon"] == f"icon{n}"
        admin.delete(f"{PATH}/deploy")
        answer = publisher.post("/v1/notifications", json={"to": "user:alice", "type": "deploy", "title": "T"})
        assert (answer.json["priority"], lifetime(answer.json)) == ("normal", timedelta(days=90))  # type: ignore


def test_a_notification_may_say_otherwise_than_its_type(
    app: InProcessGateway, admin: PublisherActor, publisher: PublisherActor, alice: RecipientActor
) -> None:
    admin.put(f"{PATH}/deploy", json={"icon": "rocket", "priority": "high", "ttl": 60})
    catch_up(app)
    publisher.publish("user:alice", type="deploy", icon="bell", priority="low", ttl=7200)
    (item,) = alice.inbox()["notifications"]
    assert (item["icon"], item["priority"]) == ("bell", "low")
    assert lifetime(item) == timedelta(seconds=7200)


def test_what_is_published_already_keeps_what_it_was_published_with(
    app: InProcessGateway, admin: PublisherActor, publisher: PublisherActor, alice: RecipientActor
) -> None:
    publisher.publish("user:alice", type="deploy")
    admin.put(f"{PATH}/deploy", json={"icon": "rocket", "priority": "high", "ttl": 60})
    catch_up(app)
    (item,) = alice.inbox()["notifications"]
    assert (item["icon"], item["priority"], lifetime(item)) == (None, "normal", timedelta(days=90))


def test_one_of_its_roles_is_enough_to_see_a_type(
    app: InProcessGateway, admin: PublisherActor, publisher: PublisherActor
) -> None:
    admin.put(f"{PATH}/secret", json={"roles": ["admin", "ops"]})
    recipients = [app.recipient("a", "ops"), app.recipient("b", "admin", "x"), app.recipient("c", "x")]
    for recipient in recipients:
        recipient.inbox()
    found = publisher.publish("all", type="secret")
    assert [ids(recipient.inbox()) for recipient in recipients] == [[found], [found], []]


@pytest.mark.both_databases
def test_a_change_that_alters_no_visibility_ends_no_etag(
    app: InProcessGateway, admin: PublisherActor, bob: RecipientActor
) -> None:
    admin.put(f"{PATH}/like", json={"roles": ["admin", "ops"]})
    catch_up(app)
    etag = bob.poll().headers["ETag"]
    admin.put(f"{PATH}/like", json={"roles": ["ops", "admin"], "title": "Like", "display": "badge", "ttl": 5})
    admin.put(f"{PATH}/other", json={"priority": "low"})
    catch_up(app)
    assert bob.poll(etag=etag).status_code == 304


def test_bad_registrations_are_refused_by_name_and_change_nothing(admin: PublisherActor) -> None:
    cases: list[tuple[Any, str]] = [
        ({"extra": 1}, "extra"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": None}, "title"),
        ({"icon": "javascript:alert(1)"}, "icon"),
        ({"icon": "http://example.org/i.png"}, "icon"),
        ({"icon": "x" * 201}, "icon"),
        ({"priority": "urgent"}, "priority"),
        ({"priority": None}, "priority"),
        ({"display": "popup"}, "display"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": 31536001}, "ttl"),
        ({"ttl": "60"}, "ttl"),
        ({"ttl": True}, "ttl"),
        ({"ttl": 60.5}, "ttl"),
        ({"roles": "admin"}, "roles"),
        ({"roles": None}, "roles"),
        ({"roles": [""]}, "roles.0"),
        ({"roles": ["ok", "a\0"]}, "roles.1"),
        ({"roles": ["x" * 129]}, "roles.0"),
        ({"mandatory": "yes"}, "mandatory"),
        ({"mandatory": 1}, "mandatory"),
    ]
    for body, field in cases:
        expect_problem(admin.put(f"{PATH}/like", json=body), 400, "invalid-request", field)
    assert admin.get(PATH).json == {"types": {}}


def test_a_type_has_a_name_of_the_protocols_characters(admin: PublisherActor) -> None:
    for name in ("a", "deploy.finished", "x" * 64, "0-_."):
        assert admin.put(f"{PATH}/{name}", json={}).status_code == 200
    for name in ("A", "x" * 65, "a b", "ü", "a%0A", "a%00", "a:b", "%FF"):
        expect_problem(admin.put(f"{PATH}/{name}", json={}), 400, "invalid-request", "type")
        expect_problem(admin.delete(f"{PATH}/{name}"), 400, "invalid-request", "type")
    assert len(admin.get(PATH).json["types"]) == 4  # type: ignore[index]


def test_the_bounds_are_taken(admin: PublisherActor) -> None:
    for body in ({"title": "x" * 200}, {"ttl": 1}, {"ttl": 31536000}, {"icon": "https://example.org/i.png"}):
        assert admin.put(f"{PATH}/like", json=body).status_code == 200, body

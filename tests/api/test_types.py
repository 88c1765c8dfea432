"""/v1/types: the registry of notification types."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.helpers import catch_up, expect_problem, lifetime
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

PATH = "/v1/types"
DEFAULTS = {
    "title": "", "icon": None, "priority": "normal", "display": "toast", "ttl": None, "roles": [], "mandatory": False,
}  # fmt: skip
FULL = {
    "title": "A deploy has finished", "icon": "rocket", "priority": "high", "display": "modal", "ttl": 3600,
    "roles": ["admin", "ops"], "mandatory": True,
}  # fmt: skip


@pytest.fixture
def admin(app: InProcessGateway) -> PublisherActor:
    return app.admin()


@pytest.mark.both_databases
def test_a_type_is_registered_listed_replaced_and_deleted(admin: PublisherActor) -> None:
    assert admin.get(PATH).json == {"types": {}}
    for _ in range(2):
        assert admin.put(f"{PATH}/deploy.finished", json=FULL).json == FULL
    assert admin.put(f"{PATH}/like", json={}).json == DEFAULTS
    assert admin.get(PATH).json == {"types": {"deploy.finished": FULL, "like": DEFAULTS}}
    replaced = {**DEFAULTS, "title": "New"}
    assert admin.put(f"{PATH}/deploy.finished", json={"title": "New"}).json == replaced  # no old value is kept
    assert admin.get(PATH).json == {"types": {"deploy.finished": replaced, "like": DEFAULTS}}
    deleted = admin.delete(f"{PATH}/deploy.finished")
    assert (deleted.status_code, deleted.get_data()) == (204, b"")
    assert admin.get(PATH).json == {"types": {"like": DEFAULTS}}
    for name in ("deploy.finished", "never-registered"):
        expect_problem(admin.delete(f"{PATH}/{name}"), 404, "not-found")


def test_the_defaults_of_a_type_apply_to_its_notifications_from_the_next_one_on(
    admin: PublisherActor, publisher: PublisherActor, alice: RecipientActor
) -> None:
    plain = (None, "normal", timedelta(days=90))
    expected: list[tuple[Any, ...]] = []
    for n in range(3):  # at once after the answer, each time
        publisher.publish("user:alice", type="deploy")
        admin.put(f"{PATH}/deploy", json={"icon": f"icon{n}", "priority": "high", "ttl": 60 + n})
        publisher.publish("user:alice", type="deploy")
        publisher.publish("user:alice", type="deploy", icon="bell", priority="low", ttl=7200)
        admin.delete(f"{PATH}/deploy")
        expected += [plain, (f"icon{n}", "high", timedelta(seconds=60 + n)), ("bell", "low", timedelta(hours=2))]
    values = [(item["icon"], item["priority"], lifetime(item)) for item in alice.inbox()["notifications"]]
    assert values == expected[::-1], "each keeps the values with which it was published"


@pytest.mark.both_databases
def test_a_change_without_effect_on_visibility_ends_no_etag(
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
    bad: dict[str, tuple[Any, ...]] = {
        "extra": (1,), "title": ("x" * 201, "a\nb", None), "priority": ("urgent", None), "display": ("popup",),
        "icon": ("javascript:alert(1)", "http://example.org/i.png", "x" * 201), "ttl": (0, 31536001, "60", True, 60.5),
        "roles": ("admin", None), "roles.0": ([""], ["x" * 129]), "roles.1": (["ok", "a\0"],), "mandatory": ("yes", 1),
    }  # fmt: skip
    for field, values in bad.items():
        for value in values:
            answer = admin.put(f"{PATH}/like", json={field.partition(".")[0]: value})
            expect_problem(answer, 400, "invalid-request", field)
    assert admin.get(PATH).json == {"types": {}}


def test_a_type_has_a_name_of_the_documented_characters(admin: PublisherActor) -> None:
    bounds = ({"title": "x" * 200}, {"ttl": 1}, {"ttl": 31536000}, {"icon": "https://example.org/i.png"})
    for name, body in zip(("a", "deploy.finished", "x" * 64, "0-_."), bounds, strict=True):
        assert admin.put(f"{PATH}/{name}", json=body).status_code == 200
    for name in ("A", "x" * 65, "a b", "ü", "a%0A", "a%00", "a:b", "%FF"):
        expect_problem(admin.put(f"{PATH}/{name}", json={}), 400, "invalid-request", "type")
        expect_problem(admin.delete(f"{PATH}/{name}"), 400, "invalid-request", "type")
    assert len(admin.get(PATH).json["types"]) == 4  # type: ignore[index]

"""/v1/inbox/preferences: muting and display, with ETag and If-Match."""

from typing import Any

import gevent
import pytest

from tests.api.helpers import catch_up, counts, expect_problem, ids
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

pytestmark = pytest.mark.both_databases

PATH = "/v1/inbox/preferences"
MUTED_LIKES = {"types": {"like": {"muted": True, "display": "badge"}}}


def test_they_are_empty_before_they_are_set(app: InProcessGateway) -> None:
    answer = app.recipient("carol").get(PATH)
    assert (answer.status_code, answer.json) == (200, {"types": {}})
    assert answer.headers["ETag"].startswith('W/"')


def test_put_replaces_them_all(alice: RecipientActor) -> None:
    assert alice.put(PATH, json=MUTED_LIKES).json == MUTED_LIKES
    assert alice.get(PATH).json == MUTED_LIKES
    other = {"types": {"deploy": {"muted": False, "display": "modal"}}}
    assert alice.put(PATH, json=other).json == other
    assert alice.get(PATH).json == other
    assert alice.put(PATH, json={"types": {}}).json == {"types": {}}
    assert alice.get(PATH).json == {"types": {}}


def test_they_are_each_recipients_own(alice: RecipientActor, bob: RecipientActor) -> None:
    alice.put(PATH, json=MUTED_LIKES)
    assert bob.get(PATH).json == {"types": {}}
    assert alice.get(PATH).headers["ETag"] != bob.get(PATH).headers["ETag"]


def test_they_are_the_same_for_every_device_whatever_its_roles(app: InProcessGateway, alice: RecipientActor) -> None:
    etag = alice.put(PATH, json=MUTED_LIKES).headers["ETag"]
    phone = app.recipient("alice")
    answer = phone.get(PATH)
    assert (answer.json, answer.headers["ETag"]) == (MUTED_LIKES, etag)
    assert phone.put(PATH, json={"types": {}}, headers={"If-Match": etag}).status_code == 200


def test_an_etag_that_still_holds_is_a_304(alice: RecipientActor) -> None:
    first = alice.get(PATH)
    etag = first.headers["ETag"]
    for form in (etag, etag.removeprefix("W/"), etag[:-1] + '-gzip"', f'"x", {etag}'):
        answer = alice.get(PATH, headers={"If-None-Match": form})
        assert (answer.status_code, answer.get_data(), answer.headers["ETag"]) == (304, b"", etag)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "X-Request-Id" not in answer.headers
    changed = alice.put(PATH, json=MUTED_LIKES)
    assert changed.headers["ETag"] != etag
    answer = alice.get(PATH, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.headers["ETag"]) == (200, changed.headers["ETag"])


def test_if_match_guards_against_overwriting_another_devices_change(
    app: InProcessGateway, alice: RecipientActor
) -> None:
    phone = app.recipient("alice", "admin")
    etag = phone.get(PATH).headers["ETag"]
    alice.put(PATH, json=MUTED_LIKES)
    expect_problem(phone.put(PATH, json={"types": {}}, headers={"If-Match": etag}), 412, "precondition-failed")
    assert alice.get(PATH).json == MUTED_LIKES
    fresh = phone.get(PATH).headers["ETag"]
    other = {"types": {"deploy": {"muted": True}}}
    assert phone.put(PATH, json=other, headers={"If-Match": fresh}).json == other


def test_if_match_truth_table(alice: RecipientActor, bob: RecipientActor) -> None:
    alice.put(PATH, json=MUTED_LIKES)
    bob.put(PATH, json=MUTED_LIKES)
    other, wanted = bob.get(PATH).headers["ETag"], 0
    for make, status in (
        (lambda etag: etag, 200),
        (lambda etag: etag.removeprefix("W/"), 200),
        (lambda etag: f'"x", {etag}', 200),
        (lambda etag: etag[:-1] + '-gzip"', 200),
        (lambda _: "*", 200),
        (lambda _: '"garbage"', 412),
        (lambda _: "garbage", 412),
        (lambda _: "", 412),
        (lambda _: other, 412),
    ):
        wanted += 1
        body = {"types": {f"type{wanted}": {"muted": True}}}
        header = make(alice.get(PATH).headers["ETag"])
        answer = alice.put(PATH, json=body, headers={"If-Match": header})
        assert answer.status_code == status, header
        assert (alice.get(PATH).json == body) is (status == 200)


def test_of_two_devices_that_write_at_once_with_one_etag_one_is_refused(
    app: InProcessGateway, alice: RecipientActor
) -> None:
    etag = alice.get(PATH).headers["ETag"]

    def write(n: int) -> int:
        device = app.recipient("alice", "admin")
        return device.put(PATH, json={"types": {f"type{n}": {}}}, headers={"If-Match": etag}).status_code

    greenlets = [gevent.spawn(write, n) for n in range(5)]
    assert sorted(greenlet.get(timeout=10) for greenlet in greenlets) == [200, 412, 412, 412, 412]


def test_replacing_them_with_the_same_changes_nothing(alice: RecipientActor) -> None:
    first = alice.put(PATH, json=MUTED_LIKES)
    etag = alice.poll().headers["ETag"]
    second = alice.put(PATH, json=MUTED_LIKES)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert alice.poll(etag=etag).status_code == 304


def test_a_muted_type_is_not_shown_and_does_not_count(publisher: PublisherActor, alice: RecipientActor) -> None:
    liked = publisher.publish("all", type="like")
    general = publisher.publish("all")
    cursor = alice.inbox()["cursor"]
    alice.put(PATH, json=MUTED_LIKES)
    publisher.publish("user:alice", type="like")
    body = alice.inbox(cursor)
    assert (body["reset"], ids(body), counts(body)) == (True, [general], (1, 1))
    assert alice.change_state("read", ids=[liked])["changed"] == 0
    # Muting hides, it does not throw away.
    alice.put(PATH, json={"types": {}})
    assert len(ids(alice.inbox())) == 3
    assert counts(alice.inbox()) == (3, 3)


def test_a_display_alone_mutes_nothing(publisher: PublisherActor, alice: RecipientActor) -> None:
    alice.put(PATH, json={"types": {"like": {"display": "none"}}})
    found = publisher.publish("all", type="like")
    assert ids(alice.inbox()) == [found]


def test_a_mandatory_type_is_shown_although_it_is_muted(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    alice.put(PATH, json={"types": {"alarm": {"muted": True}}})
    admin = app.admin()
    found = publisher.publish("all", type="alarm")
    assert ids(alice.inbox()) == []
    cursor = alice.inbox()["cursor"]
    admin.put("/v1/types/alarm", json={"mandatory": True})
    catch_up(app)
    body = alice.inbox(cursor)
    assert (ids(body), counts(body)) == ([found], (1, 1))
    admin.put("/v1/types/alarm", json={"mandatory": False})
    catch_up(app)
    assert ids(alice.inbox()) == []


def test_mandatory_does_not_lift_the_limit_to_roles(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor
) -> None:
    app.admin().put("/v1/types/alarm", json={"mandatory": True, "roles": ["admin"]})
    publisher.publish(["all", "user:bob"], type="alarm")
    catch_up(app)
    assert ids(bob.inbox()) == []


def test_the_other_devices_learn_that_something_was_muted(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    publisher.publish("all", type="like")
    phone = app.recipient("alice", "admin")
    first = phone.poll()
    alice.put(PATH, json=MUTED_LIKES)
    answer = phone.poll(first.json["cursor"], etag=first.headers["ETag"])  # type: ignore[index]
    assert (answer.status_code, ids(answer.json or {})) == (200, [])


def test_every_display_is_taken(alice: RecipientActor) -> None:
    for display in ("none", "badge", "toast", "modal", "browser"):
        answer = alice.put(PATH, json={"types": {"like": {"display": display}}})
        assert answer.json["types"]["like"]["display"] == display  # type: ignore[index]


def test_bad_preferences_are_refused_by_name_and_change_nothing(alice: RecipientActor) -> None:
    alice.put(PATH, json=MUTED_LIKES)
    cases: list[tuple[Any, str]] = [
        ({}, "types"),
        ({"types": []}, "types"),
        ({"types": None}, "types"),
        ({"types": {}, "extra": 1}, "extra"),
        ({"types": {"like": True}}, "types.like"),
        ({"types": {"like": {"muted": "yes"}}}, "types.like.muted"),
        ({"types": {"like": {"muted": 1}}}, "types.like.muted"),
        ({"types": {"like": {"muted": None}}}, "types.like.muted"),
        ({"types": {"like": {"display": "popup"}}}, "types.like.display"),
        ({"types": {"like": {"mute": True}}}, "types.like.mute"),
        ({"types": {f"t{n}": {} for n in range(201)}}, "types"),
    ]
    for body, field in cases:
        expect_problem(alice.put(PATH, json=body), 400, "invalid-request", field)
    for name in ("Like", "a b", "", "x" * 65, "ü", "a\n", "a\0"):
        answer = alice.put(PATH, json={"types": {name: {}}})
        assert (answer.status_code, answer.json["code"]) == (400, "invalid-request"), name  # type: ignore[index]
    assert alice.get(PATH).json == MUTED_LIKES


def test_unregistered_types_can_be_muted(alice: RecipientActor) -> None:
    for name in ("never.heard-of_it", "x" * 64, "0", "-", "."):
        assert alice.put(PATH, json={"types": {name: {"muted": True}}}).status_code == 200

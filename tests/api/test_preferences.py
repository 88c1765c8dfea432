"""/v1/inbox/preferences: muting and display, with ETag and If-Match."""

from typing import Any

import gevent
import pytest

from tests.api.helpers import catch_up, counts, expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids

PATH = "/v1/inbox/preferences"
MUTED_LIKES = {"types": {"like": {"muted": True, "display": "badge"}}}


@pytest.mark.both_databases
def test_put_replaces_the_preferences_of_one_recipient_on_every_device(
    app: InProcessGateway, alice: RecipientActor, bob: RecipientActor
) -> None:
    phone = app.recipient("alice")
    for body in (
        {"types": {}},
        MUTED_LIKES,
        {"types": {"deploy": {"muted": False, "display": "modal"}}},
        {"types": {}},
    ):
        put = alice.put(PATH, json=body)
        for answer in (put, alice.get(PATH), phone.get(PATH)):
            assert (answer.status_code, answer.json, answer.headers["ETag"]) == (200, body, put.headers["ETag"])
        assert bob.get(PATH).json == {"types": {}}
        assert bob.get(PATH).headers["ETag"] != put.headers["ETag"]
    assert phone.put(PATH, json=MUTED_LIKES, headers={"If-Match": put.headers["ETag"]}).status_code == 200


def test_an_etag_that_still_matches_is_a_304(alice: RecipientActor) -> None:
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


def test_if_match_truth_table(alice: RecipientActor, bob: RecipientActor) -> None:
    stale = alice.get(PATH).headers["ETag"]
    alice.put(PATH, json=MUTED_LIKES)
    bob.put(PATH, json=MUTED_LIKES)
    good = ("W/{}", "{}", '"x", W/{}', "gzip", "*")
    bad = ('"garbage"', "garbage", "", bob.get(PATH).headers["ETag"], stale)
    for number, form in enumerate((*good, *bad)):
        tag = alice.get(PATH).headers["ETag"].removeprefix("W/")
        header = tag[:-1] + '-gzip"' if form == "gzip" else form.replace("{}", tag)
        body = {"types": {f"type{number}": {"muted": True}}}
        answer = alice.put(PATH, json=body, headers={"If-Match": header})
        assert answer.status_code == (200 if form in good else 412), header
        assert (alice.get(PATH).json == body) is (form in good)


@pytest.mark.both_databases
def test_of_two_devices_that_write_at_once_with_one_etag_one_is_refused(
    app: InProcessGateway, alice: RecipientActor
) -> None:
    etag = alice.get(PATH).headers["ETag"]

    def write(n: int) -> int:
        device = app.recipient("alice", "admin")
        return device.put(PATH, json={"types": {f"type{n}": {}}}, headers={"If-Match": etag}).status_code

    greenlets = [gevent.spawn(write, n) for n in range(5)]
    assert sorted(greenlet.get(timeout=10) for greenlet in greenlets) == [200, 412, 412, 412, 412]


def test_replacing_preferences_with_the_same_ends_no_etag(alice: RecipientActor) -> None:
    first = alice.put(PATH, json=MUTED_LIKES)
    etag = alice.poll().headers["ETag"]
    second = alice.put(PATH, json=MUTED_LIKES)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert alice.poll(etag=etag).status_code == 304


@pytest.mark.both_databases
def test_a_muted_type_is_neither_returned_nor_counted(publisher: PublisherActor, alice: RecipientActor) -> None:
    liked = publisher.publish("all", type="like")
    general = publisher.publish("all")
    first = alice.poll()
    alice.put(PATH, json=MUTED_LIKES)
    publisher.publish("user:alice", type="like")
    body = alice.poll(first.json["cursor"], etag=first.headers["ETag"]).json  # type: ignore[index]
    assert body
    assert (body["reset"], ids(body), counts(body)) == (True, [general], (1, 1))
    assert alice.get("/v1/inbox/unread").json == {"unread": 1, "unseen": 1}
    assert alice.change_state("read", ids=[liked])["changed"] == 0
    # Muting hides notifications, it does not remove them.
    alice.put(PATH, json={"types": {"like": {"display": "none"}}})
    assert len(ids(alice.inbox())) == 3
    assert counts(alice.inbox()) == (3, 3)


def test_a_mandatory_type_is_returned_although_it_is_muted(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    alice.put(PATH, json={"types": {"alarm": {"muted": True}}})
    admin = app.admin()
    notification_id = publisher.publish("all", type="alarm")
    for rule, shown in (
        ({}, []), ({"mandatory": True}, [notification_id]), ({"mandatory": False}, []), ({"mandatory": True, "roles": ["admin"]}, [notification_id]),
        ({"mandatory": True, "roles": ["others"]}, []),
    ):  # fmt: skip
        cursor = alice.inbox()["cursor"]
        admin.put("/v1/types/alarm", json=rule)
        catch_up(app)
        body = alice.inbox(cursor)
        assert (ids(body), counts(body)) == (shown, (len(shown), len(shown)))
        assert ids(alice.inbox()) == shown


def test_every_display_is_accepted_for_unregistered_types(alice: RecipientActor) -> None:
    names = ("never.heard-of_it", "x" * 64, "0", "-", ".")
    for name, display in zip(names, ("none", "badge", "toast", "modal", "browser"), strict=True):
        body = {"types": {name: {"muted": True, "display": display}}}
        assert alice.put(PATH, json=body).json == body


def test_bad_preferences_are_refused_by_name_and_change_nothing(alice: RecipientActor) -> None:
    alice.put(PATH, json=MUTED_LIKES)
    cases: list[tuple[Any, str]] = [
        *((body, "types") for body in ({}, {"types": []}, {"types": None}, {"types": {f"t{n}": {} for n in range(201)}})),
        ({"types": {}, "extra": 1}, "extra"), ({"types": {"like": True}}, "types.like"),
        *(({"types": {"like": {"muted": bad}}}, "types.like.muted") for bad in ("yes", 1, None)),
        ({"types": {"like": {"display": "popup"}}}, "types.like.display"),
        ({"types": {"like": {"mute": True}}}, "types.like.mute"),
    ]  # fmt: skip
    for body, field in cases:
        expect_problem(alice.put(PATH, json=body), 400, "invalid-request", field)
    for name in ("Like", "a b", "", "x" * 65, "ü", "a\n", "a\0"):
        answer = alice.put(PATH, json={"types": {name: {}}})
        assert (answer.status_code, answer.json["code"]) == (400, "invalid-request"), name  # type: ignore[index]
    assert alice.get(PATH).json == MUTED_LIKES

"""Publishers' API keys: revoked, expired, rotated, out of scope; and who may call what (PROTOCOL section 2)."""

import time
from typing import Any

import pytest

from tests.api.helpers import expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.waiting import eventually

BODY = {"to": "all", "title": "T"}


def status_of(publisher: PublisherActor) -> int:
    return publisher.post("/v1/notifications", json=BODY).status_code


def expect_unauthorized(publisher: PublisherActor) -> None:
    answer = publisher.post("/v1/notifications", json=BODY)
    document = expect_problem(answer, 401, "unauthorized")
    assert document["detail"] == "A valid credential is required."
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def with_key(app: InProcessGateway, text: str) -> PublisherActor:
    return PublisherActor(app.app.test_client(), text)


@pytest.mark.both_databases
def test_a_key_is_taken_after_a_restart_too(app: InProcessGateway, publisher: PublisherActor) -> None:
    assert status_of(publisher) == 201
    app.restart()
    assert status_of(with_key(app, publisher.credential)) == 201


def test_bad_keys_are_refused_and_all_in_one_way(app: InProcessGateway, publisher: PublisherActor) -> None:
    prefix, key_id, secret = publisher.credential.split("_", 2)
    for text in (
        "ng_",
        "ng__",
        "ng___",
        f"ng_{key_id}",
        f"ng_{key_id}_",
        f"ng_{key_id}_ ",
        f"ng_{key_id}_{secret[:-1]}",
        f"ng_{key_id}_{secret}x",
        f"ng_{key_id}_{secret.swapcase()}",
        f"ng_{key_id}__{secret}",
        f"ng_{key_id}x_{secret}",
        f"ng_{key_id[:-1]}_{secret}",
        f"ng_{key_id.upper()}X_{secret}",
        f"ng_*_{secret}",
        f"ng_%_{secret}",
        f"ng_{key_id}\0_{secret}",
        f"ng_é_{secret}",
        f"ng_{key_id}_é",
        f"ng_{'a' * 5000}_{secret}",
        f"NG_{key_id}_{secret}",
        f"{prefix}{key_id}_{secret}",
        f"{key_id}_{secret}",
        secret,
        "ng_' OR 1=1 --_x",
    ):
        expect_unauthorized(with_key(app, text))
    assert status_of(publisher) == 201


@pytest.mark.both_databases
def test_a_revoked_key_is_refused_at_once(app: InProcessGateway, publisher: PublisherActor) -> None:
    other = app.publisher()
    assert status_of(publisher) == 201
    app.revoke(publisher)
    eventually(lambda: status_of(publisher) == 401, seconds=1)
    expect_unauthorized(publisher)
    assert status_of(other) == 201


def test_a_revoked_key_is_refused_on_the_other_node_within_the_interval_of_the_look(make_app: Any) -> None:
    one, other = make_app(), make_app()
    publisher = one.publisher()
    elsewhere = with_key(other, publisher.credential)
    assert status_of(elsewhere) == 201
    one.revoke(publisher)
    eventually(lambda: status_of(elsewhere) == 401, seconds=3)


@pytest.mark.both_databases
def test_an_expired_key_is_refused(app: InProcessGateway) -> None:
    expired = app.publisher(expires_at=int(time.time() * 1000) - 1)
    expect_unauthorized(expired)
    soon = app.publisher(expires_at=int(time.time() * 1000) + 700)
    assert status_of(soon) == 201
    eventually(lambda: status_of(soon) == 401, seconds=3)
    later = app.publisher(expires_at=int(time.time() * 1000) + 3_600_000)
    assert status_of(later) == 201


@pytest.mark.both_databases
def test_during_the_grace_of_a_rotation_both_secrets_count(app: InProcessGateway, publisher: PublisherActor) -> None:
    assert status_of(publisher) == 201
    rotated = app.rotate(publisher, grace_seconds=3600)
    assert rotated.key_id == publisher.key_id
    assert rotated.credential != publisher.credential
    assert (status_of(rotated), status_of(publisher)) == (201, 201)
    app.restart()
    assert status_of(with_key(app, rotated.credential)) == 201
    assert status_of(with_key(app, publisher.credential)) == 201


@pytest.mark.both_databases
def test_after_the_grace_only_the_new_secret_counts(app: InProcessGateway, publisher: PublisherActor) -> None:
    rotated = app.rotate(publisher, grace_seconds=1)
    assert (status_of(rotated), status_of(publisher)) == (201, 201)
    eventually(lambda: status_of(publisher) == 401, seconds=4)
    assert status_of(rotated) == 201


def test_a_rotation_without_grace_ends_the_old_secret(app: InProcessGateway, publisher: PublisherActor) -> None:
    assert status_of(publisher) == 201
    rotated = app.rotate(publisher, grace_seconds=0)
    assert status_of(rotated) == 201
    eventually(lambda: status_of(publisher) == 401, seconds=1)


@pytest.mark.both_databases
def test_a_second_rotation_ends_the_first_secret(app: InProcessGateway, publisher: PublisherActor) -> None:
    second = app.rotate(publisher, grace_seconds=3600)
    third = app.rotate(second, grace_seconds=3600)
    eventually(lambda: status_of(publisher) == 401, seconds=1)
    assert (status_of(second), status_of(third)) == (201, 201)


def test_a_revoked_key_ends_both_secrets(app: InProcessGateway, publisher: PublisherActor) -> None:
    rotated = app.rotate(publisher, grace_seconds=3600)
    assert (status_of(rotated), status_of(publisher)) == (201, 201)
    app.revoke(publisher)
    eventually(lambda: (status_of(rotated), status_of(publisher)) == (401, 401), seconds=1)


def test_the_name_of_the_key_is_the_sender(app: InProcessGateway, alice: RecipientActor) -> None:
    app.publisher("cron on web-1").publish("user:alice")
    assert alice.inbox()["notifications"][0]["sender"] == "cron on web-1"


def test_a_fixed_sender_is_the_name_of_the_key_and_no_other(app: InProcessGateway, alice: RecipientActor) -> None:
    alice.inbox()
    publisher = app.publisher("backups", has_fixed_sender=True)
    publisher.publish("user:alice")
    publisher.publish("user:alice", sender="backups")
    refused = [
        publisher.post("/v1/notifications", json={"to": "user:alice", "title": "T", "sender": sender})
        for sender in ("IT security", "Backups", "")
    ]
    refused.append(publisher.post("/v1/notify/user:alice?title=T&sender=IT"))
    for answer in refused:
        assert "sender" in expect_problem(answer, 403, "forbidden")["detail"]
    app.rotate(publisher, grace_seconds=0).publish("user:alice")
    expect_problem(
        app.rotate(publisher, grace_seconds=0).post("/v1/notifications", json={**BODY, "sender": "x"}), 403, "forbidden"
    )
    assert [item["sender"] for item in alice.inbox()["notifications"]] == ["backups"] * 3
    app.publisher("free").publish("user:alice", sender="IT security")


# --- Who may call what --------------------------------------------------------------------------

RECIPIENTS_ENDPOINTS = [
    ("GET", "/v1/inbox"),
    ("GET", "/v1/inbox/unread"),
    ("GET", "/v1/inbox/history"),
    ("POST", "/v1/inbox/state"),
    ("GET", "/v1/inbox/topics"),
    ("PUT", "/v1/inbox/topics/x"),
    ("DELETE", "/v1/inbox/topics/x"),
    ("GET", "/v1/inbox/preferences"),
    ("PUT", "/v1/inbox/preferences"),
]
PUBLISHERS_ENDPOINTS = [
    ("POST", "/v1/notifications"),
    ("POST", "/v1/notify/all"),
    ("DELETE", "/v1/notifications/x"),
]
ADMINS_ENDPOINTS = [("GET", "/v1/types"), ("PUT", "/v1/types/x"), ("DELETE", "/v1/types/x")]


def test_scopes_decide_what_a_key_may(app: InProcessGateway) -> None:
    nothing, admin = app.publisher(scopes=[]), app.admin()
    for method, path in (*PUBLISHERS_ENDPOINTS, *ADMINS_ENDPOINTS):
        expect_problem(nothing.open(method, path, json={}), 403, "forbidden")
    assert admin.post("/v1/notifications", json=BODY).status_code == 201
    assert admin.get("/v1/types").status_code == 200
    assert app.publisher(scopes=["publish", "admin"]).get("/v1/types").status_code == 200


def test_nothing_is_read_before_the_caller_is_authenticated(app: InProcessGateway) -> None:
    anonymous = app.anonymous()
    for method, path in (*RECIPIENTS_ENDPOINTS, *PUBLISHERS_ENDPOINTS, *ADMINS_ENDPOINTS):
        for given in (f"{path}?unknown=1", path):
            answer = anonymous.open(given, method=method, data=b"{", content_type="text/plain")
            expect_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("prefix", ["ng_", "NG_", "eyJ", ""])
def test_a_key_and_a_token_have_the_same_401(app: InProcessGateway, prefix: str) -> None:
    answer = app.anonymous().get("/v1/inbox", headers={"Authorization": f"Bearer {prefix}x_y.z.a"})
    document = expect_problem(answer, 401, "unauthorized")
    assert document["detail"] == "A valid credential is required."

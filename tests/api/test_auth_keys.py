"""Publishers' API keys: invalid, revoked, expired, rotated, out of scope (PROTOCOL section 2)."""

from dataclasses import replace
from typing import Any

import pytest

from notifygate.auth.keys import accepts
from notifygate.storage.stores.keys import StoredKey, read_key
from tests.api.helpers import expect_problem, expect_unauthorized
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.waiting import eventually

BODY = {"to": "all", "title": "T"}


def status_of(publisher: PublisherActor) -> int:
    return publisher.post("/v1/notifications", json=BODY).status_code


def with_key(app: InProcessGateway, text: str) -> PublisherActor:
    return PublisherActor(app.app.test_client(), text)


def stored(app: InProcessGateway, publisher: PublisherActor) -> StoredKey:
    """Return a publisher's key as the database has it."""
    key = app.services.database.read(lambda connection: read_key(connection, publisher.key_id))
    assert key is not None
    return key


def secret_of(publisher: PublisherActor) -> str:
    return publisher.credential.split("_", 2)[2]


BAD_KEYS = (
    "ng_", "ng__", "ng___", "ng_{id}", "ng_{id}_", "ng_{id}_ ", "ng_{id}_{short}", "ng_{id}_{secret}x", "ng_{id}_{swapped}",
    "ng_{id}__{secret}", "ng_{id}x_{secret}", "ng_{short_id}_{secret}", "ng_{id}X_{secret}", "ng_*_{secret}", "ng_%_{secret}",
    "ng_{id}\0_{secret}", "ng_é_{secret}", "ng_{id}_é", "ng_" + "a" * 5000 + "_{secret}", "NG_{id}_{secret}",
    "ng{id}_{secret}", "{id}_{secret}", "{secret}", "ng_' OR 1=1 --_x",
)  # fmt: skip


def test_bad_keys_are_all_refused_with_the_same_problem(app: InProcessGateway, publisher: PublisherActor) -> None:
    secret, key_id = secret_of(publisher), publisher.key_id
    words = {"short": secret[:-1], "swapped": secret.swapcase(), "short_id": key_id[:-1]}
    for text in BAD_KEYS:
        bad = with_key(app, text.format(id=key_id, secret=secret, **words))
        expect_unauthorized(bad.post("/v1/notifications", json=BODY))
    assert status_of(publisher) == 201


@pytest.mark.both_databases
def test_a_revoked_key_is_refused_at_once_with_both_its_secrets(
    app: InProcessGateway, publisher: PublisherActor
) -> None:
    other, rotated = app.publisher(), app.rotate(publisher, grace_seconds=3600)
    assert (status_of(rotated), status_of(publisher)) == (201, 201)
    app.revoke(publisher)
    assert (status_of(rotated), status_of(publisher), status_of(other)) == (401, 401, 201)


def test_a_revoked_key_is_refused_on_the_other_node_within_the_head_check_interval(make_app: Any) -> None:
    one, other = make_app(), make_app()
    publisher = one.publisher()
    elsewhere = with_key(other, publisher.credential)
    assert status_of(elsewhere) == 201
    one.revoke(publisher)
    eventually(lambda: status_of(elsewhere) == 401, seconds=3)


def test_an_expired_key_is_refused(app: InProcessGateway, publisher: PublisherActor) -> None:
    assert status_of(app.publisher(expires_at=1)) == 401
    assert status_of(app.publisher(expires_at=1 << 42)) == 201
    key = replace(stored(app, publisher), expires_at=1000)
    assert [accepts(key, secret_of(publisher), now) for now in (0, 999, 1000)] == [True, True, False]


@pytest.mark.both_databases
def test_both_secrets_are_valid_during_the_grace_of_a_rotation(
    app: InProcessGateway, publisher: PublisherActor
) -> None:
    second = app.rotate(publisher, grace_seconds=3600)
    assert second.key_id == publisher.key_id
    assert (status_of(second), status_of(publisher)) == (201, 201)
    key = stored(app, publisher)
    assert key.previous_until is not None
    times = (key.previous_until - 1, key.previous_until)
    assert [accepts(key, secret_of(publisher), now) for now in times] == [True, False]
    assert [accepts(key, secret_of(second), now) for now in times] == [True, True]
    third = app.rotate(second, grace_seconds=3600)
    assert [status_of(each) for each in (publisher, second, third)] == [401, 201, 201], "one secret before the last"
    app.restart()
    assert [status_of(with_key(app, each.credential)) for each in (second, third)] == [201, 201]
    last = app.rotate(third, grace_seconds=0)
    assert [status_of(with_key(app, each.credential)) for each in (second, third, last)] == [401, 401, 201]


def test_a_fixed_sender_is_the_name_of_the_key_and_no_other(app: InProcessGateway, alice: RecipientActor) -> None:
    publisher = app.publisher("backups", has_fixed_sender=True)
    publisher.publish("user:alice")
    publisher.publish("user:alice", sender="backups")
    refused = [
        publisher.post("/v1/notifications", json={"to": "user:alice", "title": "T", "sender": sender})
        for sender in ("IT security", "Backups", "")
    ]
    refused.append(publisher.post("/v1/notify/user:alice?title=T&sender=IT"))
    rotated = app.rotate(publisher, grace_seconds=0)
    rotated.publish("user:alice")
    refused.append(rotated.post("/v1/notifications", json={**BODY, "sender": "x"}))
    for answer in refused:
        assert "sender" in expect_problem(answer, 403, "forbidden")["detail"]
    assert [item["sender"] for item in alice.inbox()["notifications"]] == ["backups"] * 3
    app.publisher("free").publish("user:alice", sender="IT security")


def test_a_key_may_use_only_the_endpoints_of_its_scopes(app: InProcessGateway) -> None:
    without_scopes, admin = app.publisher(scopes=[]), app.admin()
    for method, path in (("POST", "/v1/notifications"), ("POST", "/v1/notify/all"), ("DELETE", "/v1/notifications/x"),
                         ("GET", "/v1/types"), ("PUT", "/v1/types/x"), ("DELETE", "/v1/types/x")):  # fmt: skip
        expect_problem(without_scopes.open(method, path, json={}), 403, "forbidden")
    assert (status_of(admin), admin.get("/v1/types").status_code) == (201, 200)

"""Revoked tokens are refused, also where a request waits (PROTOCOL section 2)."""

import time
from typing import Any

import gevent
import pytest

from notifygate.auth.revocations import revoke_tokens
from tests.api.helpers import answer_of, catch_up, expect_problem, hold
from tests.support.in_process import InProcessGateway, RecipientActor
from tests.support.waiting import eventually

pytestmark = pytest.mark.both_databases


def revoke(app: InProcessGateway, name: str = "alice") -> int:
    """Revoke a recipient's tokens; return when, in Unix milliseconds."""
    return app.services.writer.transact(revoke_tokens(name))


def recipient_issued(app: InProcessGateway, iat: int | None, name: str = "alice") -> RecipientActor:
    return RecipientActor(app.app.test_client(), app.token(sub=name, iat=iat))


def issued_after(app: InProcessGateway, revoked_at: int) -> RecipientActor:
    """Return a recipient with a token of the first second after a revocation, when that has begun."""
    second = revoked_at // 1000 + 1
    eventually(lambda: time.time() >= second)
    return recipient_issued(app, second)


def test_revocation_refuses_earlier_tokens_and_no_later_one(app: InProcessGateway) -> None:
    earlier, without_iat = recipient_issued(app, int(time.time()) - 100), recipient_issued(app, None)
    for actor in (earlier, without_iat):
        assert actor.poll().status_code == 200
    revoked_at = revoke(app)
    for actor in (earlier, without_iat, recipient_issued(app, revoked_at // 1000)):
        for path in ("/v1/inbox", "/v1/inbox/topics"):
            answer = actor.get(path)
            assert expect_problem(answer, 401, "unauthorized")["detail"] == "A valid credential is required."
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert issued_after(app, revoked_at).poll().status_code == 200
    assert recipient_issued(app, None, "bob").poll().status_code == 200


def test_later_revocation_covers_the_tokens_issued_meanwhile(app: InProcessGateway) -> None:
    later = issued_after(app, revoke(app))
    assert later.poll().status_code == 200
    revoke(app)
    assert later.poll().status_code == 401


def test_revocation_outlives_a_restart(make_app: Any) -> None:
    """Also when its entry is no longer among those that a worker reads when it starts."""
    app = make_app(tail_entries=10)
    token, publisher = app.token(iat=int(time.time()) - 1), app.publisher()
    revoke(app)
    for _ in range(11):
        publisher.publish("all")
    app.restart()
    assert RecipientActor(app.app.test_client(), token).poll().status_code == 401


def test_revocation_reaches_the_other_node_by_its_own_look(make_app: Any) -> None:
    one, other = make_app(), make_app()
    elsewhere = recipient_issued(other, int(time.time()) - 1)
    assert elsewhere.poll().status_code == 200
    revoke(one)
    eventually(lambda: elsewhere.poll().status_code == 401)


@pytest.mark.parametrize("path", ["/v1/inbox?wait=50", "/v1/inbox/unread?wait=50", "/v1/probe?hold=50"])
def test_revocation_ends_a_held_request(app: InProcessGateway, path: str) -> None:
    actor = recipient_issued(app, int(time.time()) - 1)
    etag = actor.poll().headers["ETag"]
    held = gevent.spawn(actor.get, path, headers={"If-None-Match": etag})
    eventually(lambda: app.hold_count == 1)
    revoke(app, "bob")
    catch_up(app)
    assert app.hold_count == 1
    revoke(app)
    expect_problem(answer_of(held), 401, "unauthorized")


@pytest.mark.parametrize("path", ["/v1/inbox?wait=50", "/v1/probe?hold=50"])
def test_hold_of_a_token_issued_after_the_revocation_goes_on(make_app: Any, path: str) -> None:
    """The gateway learns of the revocation only when it holds requests with tokens from before and after it."""
    app, elsewhere = make_app(head_check_interval=3600), make_app()
    earlier = recipient_issued(app, int(time.time()) - 1)
    etag = earlier.poll().headers["ETag"]
    refused = hold(app, earlier, etag=etag, wait=50)
    later = issued_after(app, revoke(elsewhere))
    goes_on = gevent.spawn(later.get, path, headers={"If-None-Match": etag})
    eventually(lambda: app.hold_count == 2)
    app.services.follower.check_soon()
    expect_problem(answer_of(refused), 401, "unauthorized")
    eventually(lambda: app.hold_count == 1)
    assert not goes_on.ready()

"""Revoked tokens are refused, also where a request waits (PROTOCOL section 2)."""

import time
from typing import Any

import gevent
import pytest

from notifygate.auth.revocations import revoke_tokens
from tests.api.helpers import catch_up, expect_problem, expect_unauthorized
from tests.support.in_process import InProcessGateway, RecipientActor
from tests.support.polling import answer_of, hold
from tests.support.waiting import eventually


def revoke(app: InProcessGateway, name: str = "alice", *, seconds_ago: int = 5) -> int:
    """Revoke a recipient's tokens, some seconds ago; return the time in Unix milliseconds."""
    at = int((time.time() - seconds_ago) * 1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("notifygate.log.transaction.now_ms", lambda: at)
        return app.services.writer.transact(revoke_tokens(name))


def recipient_issued(app: InProcessGateway, iat: int | None, name: str = "alice") -> RecipientActor:
    return RecipientActor(app.app.test_client(), app.token(sub=name, iat=iat))


def issued_before(app: InProcessGateway) -> RecipientActor:
    return recipient_issued(app, int(time.time()) - 100)


def issued_after(app: InProcessGateway, revoked_at: int) -> RecipientActor:
    """Return a recipient with a token of the first second after a revocation."""
    return recipient_issued(app, revoked_at // 1000 + 1)


@pytest.mark.both_databases
def test_revocation_invalidates_earlier_tokens_and_no_later_one(app: InProcessGateway) -> None:
    earlier, without_iat = issued_before(app), recipient_issued(app, None)
    for actor in (earlier, without_iat):
        assert actor.poll().status_code == 200
    revoked_at = revoke(app)
    for actor in (earlier, without_iat, recipient_issued(app, revoked_at // 1000)):
        for path in ("/v1/inbox", "/v1/inbox/topics"):
            expect_unauthorized(actor.get(path))
    later = issued_after(app, revoked_at)
    assert later.poll().status_code == 200
    assert recipient_issued(app, None, "bob").poll().status_code == 200
    revoke(app, seconds_ago=0)
    assert later.poll().status_code == 401, "a later revocation covers the tokens issued meanwhile"


@pytest.mark.both_databases
def test_revocation_survives_a_restart(make_app: Any) -> None:
    """Also when its entry is no longer among those that a worker reads when it starts."""
    app = make_app(tail_entries=10)
    token, publisher = issued_before(app).credential, app.publisher()
    revoke(app)
    for _ in range(11):
        publisher.publish("all")
    app.restart()
    assert RecipientActor(app.app.test_client(), token).poll().status_code == 401


def test_revocation_reaches_the_other_node_by_a_read_of_the_head(make_app: Any) -> None:
    one, other = make_app(), make_app()
    elsewhere = issued_before(other)
    assert elsewhere.poll().status_code == 200
    revoke(one)
    eventually(lambda: elsewhere.poll().status_code == 401)


@pytest.mark.parametrize("path", ["/v1/inbox?wait=50", "/v1/inbox/unread?wait=50", "/v1/probe?hold=50"])
def test_revocation_ends_a_held_request(app: InProcessGateway, path: str) -> None:
    actor = issued_before(app)
    etag = actor.poll().headers["ETag"]
    held = gevent.spawn(actor.get, path, headers={"If-None-Match": etag})
    eventually(lambda: app.hold_count == 1)
    revoke(app, "bob")
    catch_up(app)
    assert app.hold_count == 1
    revoke(app)
    expect_problem(answer_of(held), 401, "unauthorized")


@pytest.mark.parametrize("path", ["/v1/inbox?wait=50", "/v1/probe?hold=50"])
def test_hold_of_a_token_issued_after_the_revocation_continues(make_app: Any, path: str) -> None:
    """The gateway reads the revocation only when it holds requests with tokens from before and after it."""
    app, elsewhere = make_app(head_check_interval=3600), make_app()
    earlier = issued_before(app)
    etag = earlier.poll().headers["ETag"]
    refused = hold(app, earlier, etag=etag, wait=50)
    later = issued_after(app, revoke(elsewhere))
    continued = gevent.spawn(later.get, path, headers={"If-None-Match": etag})
    eventually(lambda: app.hold_count == 2)
    app.services.follower.check_soon()
    expect_problem(answer_of(refused), 401, "unauthorized")
    eventually(lambda: app.hold_count == 1)
    assert not continued.ready()

"""Helpers of the tests of the HTTP interface: problems, waiting with a deadline, holds, and positions in the log."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import gevent
from werkzeug.test import TestResponse

from notifygate.delivery.hold import Reason
from notifygate.domain.principal import Recipient
from notifygate.limits.signed_counts import COUNT_BYTES
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.metric_values import metric
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

T = TypeVar("T")


def expect_problem(answer: TestResponse, status: int, code: str, *fields: str) -> dict[str, Any]:
    """Check that an answer is a problem in the form of PROTOCOL section 1 and return it.

    `fields` are the names that `errors` must hold, no more and no less; without any there must be no `errors`.
    """
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.mimetype == "application/problem+json"
    document = cast(dict[str, Any], answer.json)
    assert (document["status"], document["code"], document["type"]) == (status, code, f"/problems/{code}")
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["X-Request-Id"]
    assert {error["field"] for error in document.get("errors", [])} == set(fields), answer.text[:500]
    assert all(error["message"] for error in document.get("errors", []))
    return document


def expect_unauthorized(answer: TestResponse) -> None:
    """Check that an answer is the one that every unusable credential gets."""
    assert expect_problem(answer, 401, "unauthorized")["detail"] == "A valid credential is required."
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def call_every_endpoint(alice: RecipientActor, publisher: PublisherActor, admin: PublisherActor) -> list[TestResponse]:
    """Call every endpoint under /v1 and return the answers."""
    return [
        alice.poll(),
        alice.poll(wait=1),
        alice.get("/v1/inbox/unread"),
        alice.get("/v1/inbox/history"),
        alice.post("/v1/inbox/state", json={"op": "read", "ids": ["x"]}),
        alice.post("/v1/inbox/state", json={"op": "read", "up_to": "x"}),
        alice.get("/v1/inbox/preferences"),
        alice.put("/v1/inbox/preferences", json={"types": {}}),
        alice.get("/v1/inbox/topics"),
        alice.put("/v1/inbox/topics/x"),
        alice.delete("/v1/inbox/topics/x"),
        publisher.post("/v1/notifications", json={"to": "all", "title": "a private text"}),
        publisher.post("/v1/notify/all", data="a private text"),
        publisher.delete("/v1/notifications/x"),
        admin.get("/v1/types"),
        admin.put("/v1/types/x", json={}),
        admin.delete("/v1/types/x"),
    ]


def expect_count_in_redis(server: RedisServer, limit: str, key: str, count: int) -> None:
    """Wait until Redis has a given sum of counts for a key of a limit, over all nodes."""
    with server.connect() as client:

        def is_there() -> bool:
            records = [value for name in client.keys(f"*:{limit}:{key}:*") for value in client.hvals(name)]
            return sum(int.from_bytes(value[:COUNT_BYTES], "big") for value in records) == count

        eventually(is_there)


def lifetime(body: dict[str, Any]) -> timedelta:
    """Return the time to live of a notification in an inbox, or in the answer to its publisher."""
    return datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["created_at"])


def counts(body: dict[str, Any]) -> tuple[int, int]:
    """Return `unread` and `unseen` of an answer."""
    return body["unread"], body["unseen"]


def follow_pages(recipient: RecipientActor, cursor: str, limit: int) -> Iterable[dict[str, Any]]:
    """Poll page after page until there are no more changes."""
    while True:
        page = recipient.inbox(cursor, limit=limit)
        yield page
        cursor = page["cursor"]
        if not page["has_more"]:
            return


def head_of(app: InProcessGateway) -> int:
    """Return the sequence of the newest entry of the log."""
    return app.services.writer.transact(lambda transaction: transaction.head)


def catch_up(app: InProcessGateway) -> None:
    """Return when this gateway has followed the log to the present head and woken the holds that it affects."""
    head = head_of(app)
    eventually(lambda: app.services.tail.end >= head)
    gevent.sleep(0)  # ended holds are answered from the hub


def cursor_at(
    app: InProcessGateway, name: str, roles: tuple[str, ...] = (), *, seq: int | None = None, epoch: int | None = None
) -> str:
    """Make a cursor of a recipient at any position, of any epoch: by default the present ones."""
    codec = app.services.codec
    return codec.encode(
        app.services.tail.epoch if epoch is None else epoch,
        head_of(app) if seq is None else seq,
        codec.tag(name, tuple(sorted(roles))),
    )


def begin_new_epoch(app: InProcessGateway) -> None:
    """Begin a new epoch, as after a restore, and wait until the gateway has noticed."""
    epoch = (app.services.tail.epoch + 1) % (1 << 20)
    app.services.writer.transact(lambda transaction: transaction.begin_new_epoch(epoch))
    app.services.follower.check_soon()
    eventually(lambda: app.services.tail.epoch == epoch)


def principal_of(name: str, *roles: str) -> Recipient:
    """Return a recipient as the gateway has it once the token is verified."""
    return Recipient(name, tuple(sorted(roles)), int((time.time() + 3600) * 1000))


def run_ready_work() -> None:
    """Run all ready work of the hub, and its follow-up work."""
    hub = gevent.get_hub()
    hub.wait(hub.loop.timer(0))


def wakes() -> float:
    """Return how often holds of this process were woken; metrics are flushed after the responses."""
    run_ready_work()
    return metric("wakes_total")


def hold_ends(reason: Reason) -> float:
    """Return how many holds of this process have ended for a reason, as `wakes`."""
    run_ready_work()
    return metric("hold_ends_total", reason=reason)

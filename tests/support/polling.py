"""Held polls of gateways in this process, and waiting for their answers."""

from typing import Any

import gevent
from werkzeug.test import TestResponse

from notifygate.announcements.redis_announcer import RedisAnnouncer
from tests.support.in_process import InProcessGateway, RecipientActor
from tests.support.waiting import PATIENCE_SECONDS, eventually


def ids(body: dict[str, Any]) -> list[str]:
    """Return the ids of an answer's notifications, in its order."""
    return [item["id"] for item in body["notifications"]]


def hold(
    app: InProcessGateway, recipient: RecipientActor, cursor: str | None = None, *, wait: int = 50, **options: Any
) -> "gevent.Greenlet[..., TestResponse]":
    """Send a recipient's long poll in a greenlet of its own; return when the gateway holds the request."""
    before = app.hold_count
    greenlet = gevent.spawn(recipient.poll, cursor, wait=wait, **options)
    eventually(lambda: app.hold_count > before or greenlet.ready())
    assert not greenlet.ready(), greenlet.get().text
    return greenlet


def answer_of(greenlet: "gevent.Greenlet[..., TestResponse]", seconds: float = PATIENCE_SECONDS) -> TestResponse:
    """Return the answer of a held request; fail if it doesn't arrive in time."""
    return greenlet.get(timeout=seconds)


def await_redis(*apps: InProcessGateway) -> None:
    """Return when gateways are connected to Redis, have read the head since, and Redis answers them."""
    for app in apps:
        announcer = app.services.announcer
        assert isinstance(announcer, RedisAnnouncer)
        eventually(lambda announcer=announcer: announcer.is_connected, "the connection")
        eventually(lambda app=app: app.services.follower.is_fed, "the read of the head")
        connection = announcer.connection
        connection.has_received = False
        eventually(lambda connection=connection: connection.ping() or connection.has_received, "the reply to a ping")

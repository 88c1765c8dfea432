"""Threads and the hub: SQLite's work runs in native threads, ends of holds and of connections in the hub.

Neither may use a lock that the other could hold: the hub can't wait for a lock, and gevent's locks
cost a switch of threads elsewhere.
"""

import logging
import socket
import sqlite3
from contextlib import closing

import gevent
import pytest
from gevent import monkey

from notifygate import metrics
from notifygate.delivery.greenlet import wait_in_greenlet
from notifygate.delivery.hold import Hold
from notifygate.delivery.registry import HoldRegistry
from notifygate.raw_socket import raw_socket
from tests.support.fake_view import FakeView
from tests.support.in_process import InProcessGateway
from tests.support.waiting import eventually

native_thread = monkey.get_original("threading", "get_ident")


def test_the_threads_of_sqlite_use_neither_metrics_nor_the_log(
    app: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, strays = native_thread(), set[str]()

    def watch(owner: object, name: str, what: str) -> None:
        original = getattr(owner, name)

        def call(*args: object, **options: object) -> object:
            if native_thread() != home:
                strays.add(what)
            return original(*args, **options)

        monkeypatch.setattr(owner, name, call)

    for name, metric in vars(metrics).items():
        for method in ("inc", "dec", "set", "observe", "labels"):
            if hasattr(metric, method) and not isinstance(metric, type):
                watch(metric, method, f"metrics.{name}.{method}")
    watch(logging.Logger, "handle", "a log line")

    publisher, admin = app.publisher(), app.admin()
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    first = publisher.publish("user:alice", ttl=3600)
    second = publisher.publish("all")
    alice.inbox(cursor)
    alice.inbox(limit=1)
    alice.get("/v1/inbox/history", query_string={"before": second})
    alice.change_state("read", ids=[first])
    alice.change_state("dismiss", up_to=alice.inbox()["cursor"])
    alice.put("/v1/inbox/topics/deploys")
    alice.put("/v1/inbox/preferences", json={"types": {"like": {"muted": True, "display": "none"}}})
    admin.put("/v1/types/like", json={"title": "Likes"})
    publisher.delete(f"/v1/notifications/{first}")
    app.services.removal.expire_due()
    app.services.retention.prune()
    assert strays == set()


def test_running_gateway_copies_the_write_ahead_log_beside_its_commits(app: InProcessGateway) -> None:
    notification_id = app.publisher().publish("all")
    file = app.services.database.engine.url.database

    def is_in_the_file() -> bool:
        # A connection to an immutable file does not read the write-ahead log beside it.
        with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as connection:
            return (
                connection.execute("SELECT 1 FROM notifications WHERE id = ?", (notification_id,)).fetchone()
                is not None
            )

    eventually(is_in_the_file, "the notification in the database's file")


class Held(Hold[str]):
    """A request that waits until its time is over."""

    def refresh_view(self) -> None:
        self.view = FakeView("alice")

    def check(self, *, is_last: bool) -> str | None:
        return "its time is over" if is_last else None


@pytest.mark.parametrize("event", ["early bytes", "no reason", "end"])
def test_hub_notices_that_a_client_left_and_never_waits(event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket may wake up without a reason; early bytes stay for the server."""
    errors: list[object] = []
    monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda *error: errors.append(error))
    registry, hold = HoldRegistry(3, 10), Held(deadline=float("inf"))
    ours, theirs = socket.socketpair()
    # Of two watchers that wake up at once, this one runs first and reads the byte.
    thief = gevent.get_hub().loop.io(ours.fileno(), 1, priority=2)
    with ours, theirs:
        waiting = gevent.spawn(wait_in_greenlet, registry, hold, ours)
        eventually(lambda: hold.state == "waiting", "the hold")
        stolen: list[bytes] = []
        if event == "no reason":
            thief.start(lambda: stolen.append(raw_socket(ours).recv(1)))
        theirs.close() if event == "end" else theirs.sendall(b"G")
        if event != "end":
            eventually(lambda: stolen or event == "early bytes", "the byte")
            gevent.idle()
            assert not waiting.ready()
            thief.stop()
            hold.expire()
        assert waiting.get(timeout=10) == (None if event == "end" else "its time is over")
        assert hold.reason == ("gone" if event == "end" else "timeout")
        if event == "early bytes":
            assert ours.recv(1) == b"G"
    assert errors == [], "code in the hub waited"

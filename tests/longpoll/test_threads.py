"""What may happen where: SQLite's work runs in native threads, ends of holds and of connections in the hub.

Neither may touch what the other could hold: a lock that is taken can't be waited for in the hub, and gevent's locks
cost a switch of threads elsewhere.
"""

import logging
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest
from gevent import monkey
from gevent.event import Event

from notifygate import metrics
from notifygate.delivery.greenlet import _ClientWatch
from tests.support.in_process import InProcessGateway
from tests.support.waiting import eventually

native_thread = monkey.get_original("threading", "get_ident")


@pytest.fixture
def gateway(sqlite_url: str) -> Iterator[InProcessGateway]:
    """A gateway on SQLite in this process."""
    running = InProcessGateway(sqlite_url)
    yield running
    running.stop()


def test_metrics_and_log_are_left_alone_by_the_threads_of_sqlite(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
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

    publisher, admin = gateway.publisher(), gateway.admin()
    alice = gateway.recipient("alice")
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
    gateway.services.removal.expire_due()
    gateway.services.retention.prune()
    assert strays == set()


def test_running_gateway_copies_the_write_ahead_log_beside_its_commits(gateway: InProcessGateway) -> None:
    found = gateway.publisher().publish("all")
    file = gateway.services.database.engine.url.database

    def is_in_the_file() -> bool:
        # Who is told that nothing changes the file does not look at the log beside it.
        with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM notifications WHERE id = ?", (found,)).fetchone() is not None

    eventually(is_in_the_file, "the notification in the database's file")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The gateway's and the client's end of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def run_in_hub(function) -> BaseException | None:
    """Run a function as a callback of the hub, where nothing may wait, and return what it has raised."""
    done, raised = Event(), list[BaseException]()

    def call() -> None:
        try:
            function()
        except BaseException as error:  # the hub would print it and go on
            raised.append(error)
        done.set()

    gevent.get_hub().loop.run_callback(call)
    assert done.wait(10)
    return raised[0] if raised else None


def test_socket_that_woke_up_without_a_reason_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    gone: list[bool] = []
    watch = _ClientWatch(pair[0], lambda: gone.append(True))
    try:
        assert run_in_hub(watch._readable) is None
        assert gone == []
    finally:
        watch.stop()


def test_early_bytes_of_a_client_stay_for_the_server(pair: tuple[socket.socket, socket.socket]) -> None:
    gone: list[bool] = []
    watch = _ClientWatch(pair[0], lambda: gone.append(True))
    try:
        pair[1].sendall(b"GET")
        assert run_in_hub(watch._readable) is None
        assert gone == []
        assert pair[0].recv(3) == b"GET"
    finally:
        watch.stop()


def test_end_of_a_client_is_noticed(pair: tuple[socket.socket, socket.socket]) -> None:
    gone = Event()
    watch = _ClientWatch(pair[0], gone.set)
    try:
        pair[1].close()
        assert gone.wait(10)
    finally:
        watch.stop()

"""The reactor: connections without a greenlet, in front of a handler that answers what a test wants."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args

import gevent
import pytest
from gevent.event import Event

from notifygate.protocol.request import Request
from notifygate.server import connection as connections
from notifygate.server.connection import TRANSITIONS, Connection
from notifygate.server.handler import Client, Deferred, ParkedRequest, Reply, Sender
from notifygate.server.reactor import READ_BYTES, Reactor
from tests.support.waiting import eventually

REQUEST = b"GET /v1/inbox?_=%d HTTP/1.1\r\nHost: gateway\r\n\r\n"


class StubRevalidation:
    """A 304 that is never right a second time."""

    held_bytes = 100

    def response_at(self, now: float) -> bytes | None:
        return None


class StubHandler:
    """Answers each poll with its own query, once it may."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.make_revalidation: Callable[[], StubRevalidation] | None = None

    def take(self, request: Request, client: Client) -> Reply | ParkedRequest | Deferred | None:
        reply = Reply(request.query + b"\n", True, self.make_revalidation)
        return reply if self.may_answer.is_set() else Deferred(lambda: self.wait_for(reply))

    def wait_for(self, reply: Reply) -> Reply:
        self.may_answer.wait()
        return reply

    def start(self, send: Sender) -> None:
        raise AssertionError("the worker starts it")

    def drain(self) -> None:
        raise AssertionError("the worker drains it")


@pytest.fixture
def handler() -> StubHandler:
    return StubHandler()


@pytest.fixture
def served() -> list[bytes]:
    """Return what has gone the ordinary way: nothing, unless the test has taken it out."""
    return []


@pytest.fixture
def reactor(handler: StubHandler, served: list[bytes]) -> Iterator[Reactor]:
    def serve(fd: int, data: bytes) -> None:
        served.append(data)
        os.close(fd)

    def send_rest(fd: int, rest: bytes, keep_alive: bool) -> None:
        raise AssertionError("everything fits")

    reactor = Reactor(
        handler, serve=serve, send_rest=send_rest, spawn=gevent.spawn, on_capacity=lambda: None, idle_seconds=60
    )  # fmt: skip
    yield reactor
    reactor.stop()
    assert served == []


def connect(reactor: Reactor) -> socket.socket:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    reactor.adopt(theirs.detach())
    ours.settimeout(10)
    return ours


@pytest.fixture
def client(reactor: Reactor) -> Iterator[socket.socket]:
    ours = connect(reactor)
    yield ours
    ours.close()
    eventually(lambda: len(reactor) == 0, "the connection's end")


@pytest.mark.parametrize("make_revalidation", [None, StubRevalidation], ids=["200", "304"])
def test_what_is_sent_while_a_greenlet_looks_is_answered_after_it(
    reactor: Reactor,
    handler: StubHandler,
    client: socket.socket,
    make_revalidation: Callable[[], StubRevalidation] | None,
) -> None:
    handler.make_revalidation = make_revalidation
    client.sendall(REQUEST % 1)
    eventually(
        lambda: any(connection.state == "working" for connection in reactor._connections.values()),
        "a greenlet that looks",
    )
    client.sendall(REQUEST % 2)
    eventually(
        lambda: any(connection.has_received for connection in reactor._connections.values()), "the second request"
    )
    handler.may_answer.set()
    received = b""
    while received.count(b"\n") < 2:
        received += client.recv(100)
    assert received == b"_=1\n_=2\n"


def test_a_304_is_repeated_for_the_third_equal_request(
    reactor: Reactor, handler: StubHandler, client: socket.socket
) -> None:
    class Again(StubRevalidation):
        def response_at(self, now: float) -> bytes | None:
            return b"again\n"

    handler.may_answer.set()
    handler.make_revalidation = Again
    poll = b"GET /v1/inbox?cursor=%b&_=%d HTTP/1.1\r\nHost: gateway\r\n\r\n"
    received = b""
    for cursor, number in ((b"a", 1), (b"a", 2), (b"b", 3), (b"a", 4)):
        client.sendall(poll % (cursor, number))
        received += client.recv(100)
    assert received == b"cursor=a&_=1\ncursor=a&_=2\ncursor=b&_=3\nagain\n"


def publication_of(size: int) -> bytes:
    """Return a publication of so many bytes, head and body."""
    head = b"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nContent-Length: %05d\r\n\r\n"
    length = size - len(head % 0)
    return head % length + b"x" * length


@pytest.mark.parametrize("count", [1, 2])
def test_request_behind_publications_that_fill_a_read_is_answered(
    reactor: Reactor, handler: StubHandler, client: socket.socket, count: int
) -> None:
    handler.may_answer.set()
    client.sendall(publication_of(READ_BYTES) * count + REQUEST % 2)
    received = b""
    while received.count(b"\n") < count + 1:
        received += client.recv(100)
    assert received == b"\n" * count + b"_=2\n"


@pytest.mark.parametrize("size", [READ_BYTES - 1, READ_BYTES + 1])
def test_publication_that_does_not_end_with_a_read_is_left_to_a_greenlet(
    reactor: Reactor, handler: StubHandler, client: socket.socket, served: list[bytes], size: int
) -> None:
    sent = publication_of(size) + REQUEST % 2
    client.sendall(sent)
    eventually(lambda: served, "a greenlet, which reads what is behind it, too")
    assert served == [sent[:READ_BYTES]]
    served.clear()


def test_a_client_that_leaves_while_a_greenlet_looks_is_dropped(
    reactor: Reactor, handler: StubHandler, client: socket.socket
) -> None:
    client.sendall(REQUEST % 1)
    eventually(
        lambda: any(connection.state == "working" for connection in reactor._connections.values()),
        "a greenlet that looks",
    )
    client.close()
    eventually(lambda: len(reactor) == 0, "the connection's end")
    handler.may_answer.set()
    gevent.idle()
    assert reactor.answered == 1


def test_a_defect_in_a_greenlet_ends_the_connection_and_goes_no_other_way(
    reactor: Reactor,
    handler: StubHandler,
    client: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> Reply:
        raise LookupError

    monkeypatch.setattr(handler, "take", lambda request, client: Deferred(fail))
    client.sendall(REQUEST % 1)
    assert client.recv(100) == b"", "its connection is closed"
    assert "failed on the fast path" in caplog.text


def test_a_half_closed_client_is_not_held(
    reactor: Reactor, handler: StubHandler, client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Held:
        deadline = time.monotonic() + 60

        def expire(self) -> None:
            raise AssertionError("there is no end to it")

        def abandon(self) -> bytes:
            return b"gone\n"

    def hold() -> ParkedRequest:
        handler.may_answer.wait()
        return Held()

    monkeypatch.setattr(handler, "take", lambda request, client: Deferred(hold))
    client.sendall(REQUEST % 1)
    eventually(
        lambda: any(connection.state == "working" for connection in reactor._connections.values()),
        "a greenlet that works",
    )
    client.shutdown(socket.SHUT_WR)
    eventually(lambda: any(connection.has_received for connection in reactor._connections.values()), "the end")
    handler.may_answer.set()
    assert client.recv(100) == b"gone\n"


def test_a_client_half_closed_while_a_greenlet_works_gets_the_response(
    reactor: Reactor, handler: StubHandler, client: socket.socket
) -> None:
    client.sendall(REQUEST % 1)
    eventually(
        lambda: any(connection.state == "working" for connection in reactor._connections.values()),
        "a greenlet that works",
    )
    client.shutdown(socket.SHUT_WR)
    eventually(lambda: any(connection.has_received for connection in reactor._connections.values()), "the end")
    handler.may_answer.set()
    assert client.recv(100) == b"_=1\n"
    assert client.recv(100) == b""


def test_a_defect_of_the_handler_affects_no_other_connection(
    reactor: Reactor,
    handler: StubHandler,
    client: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler.may_answer.set()
    take = handler.take

    def fail_for_the_first(request: Request, client: Client) -> Reply | ParkedRequest | Deferred | None:
        if request.query == b"_=1":
            raise LookupError
        return take(request, client)

    monkeypatch.setattr(handler, "take", fail_for_the_first)
    other = connect(reactor)
    client.sendall(REQUEST % 1)
    other.sendall(REQUEST % 2)
    assert other.recv(100) == b"_=2\n"
    assert client.recv(100) == b"", "its connection is closed"
    assert "Serving a connection failed" in caplog.text
    other.close()


def test_requests_received_before_the_reactor_stops_reading_are_served(reactor: Reactor, served: list[bytes]) -> None:
    def connect_by_tcp() -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        ours = socket.create_connection(listener.getsockname(), timeout=10)
        theirs = listener.accept()[0]
        listener.close()
        theirs.setblocking(False)
        reactor.adopt(theirs.detach())
        return ours

    asks, idles = connect_by_tcp(), connect_by_tcp()
    gevent.idle()
    asks.sendall(REQUEST % 1)
    reactor.stop_reading()
    idles.sendall(REQUEST % 2)
    assert asks.recv(100) == b""
    assert idles.recv(100) == b""
    assert sorted(served) == [REQUEST % 1, REQUEST % 2]
    served.clear()
    asks.close()
    idles.close()


def test_request_in_hand_is_answered_when_the_reactor_stops_reading(
    reactor: Reactor, handler: StubHandler, client: socket.socket
) -> None:
    client.sendall(REQUEST % 1)
    eventually(
        lambda: any(connection.state == "working" for connection in reactor._connections.values()),
        "a greenlet that works",
    )
    reactor.stop_reading()
    gevent.idle()
    handler.may_answer.set()
    assert client.recv(100) == b"_=1\n"
    assert client.recv(100) == b""


def test_a_defect_while_one_response_is_sent_affects_no_other(
    reactor: Reactor,
    handler: StubHandler,
    client: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_deadline = reactor._deadlines.set
    broken = [next(iter(reactor._connections.values()))]

    def fail_for_the_first(connection: Any, tick: int) -> None:
        if connection in broken:
            raise LookupError
        set_deadline(connection, tick)

    monkeypatch.setattr(reactor._deadlines, "set", fail_for_the_first)
    handler.may_answer.set()
    other = connect(reactor)
    client.sendall(REQUEST % 1)
    other.sendall(REQUEST % 2)
    assert other.recv(100) == b"_=2\n"
    assert client.recv(100) == b"_=1\n"
    assert client.recv(100) == b"", "its connection is closed"
    assert "Sending a response failed" in caplog.text
    other.close()


def test_a_client_that_has_gone_affects_no_other_response(reactor: Reactor, client: socket.socket) -> None:
    gone, closed, other = (connect(reactor) for _ in range(3))
    _, *connections = reactor._connections.values()
    gone.close()
    reactor._close(connections[1])
    assert closed.recv(100) == b""
    reactor.send([(connection, b"news\n", True) for connection in connections])
    assert other.recv(100) == b"news\n"
    assert [connection.is_gone for connection in connections] == [True, True, False]
    closed.close()
    other.close()


@pytest.mark.parametrize("is_full", [False, True], ids=["partly", "not at all"])
def test_what_does_not_fit_into_a_buffer_is_left_to_a_greenlet(
    reactor: Reactor, client: socket.socket, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    left: list[tuple[bytes, bool]] = []

    def send_rest(fd: int, rest: bytes, keep_alive: bool) -> None:
        left.append((rest, keep_alive))
        os.close(fd)

    monkeypatch.setattr(reactor, "_send_rest", send_rest)
    (connection,) = reactor._connections.values()
    while is_full:
        try:
            os.write(connection.fd, bytes(1000))
        except BlockingIOError:
            break
    news = bytes(range(256)) * 40_000
    reactor.send([(connection, news, True)])
    ((rest, keep_alive),) = left
    assert keep_alive
    assert news.endswith(rest)
    assert (len(rest) == len(news)) == is_full
    assert connection.is_gone, "the greenlet has it"


def test_an_answer_that_waits_to_be_sent_is_sent_before_the_connection_ends(
    reactor: Reactor, client: socket.socket
) -> None:
    (connection,) = reactor._connections.values()
    connection.answer(b"first\n", keep_alive=True)
    reactor._expire(connection)
    client.shutdown(socket.SHUT_WR)
    reactor._serve_readable()  # and its client has said all
    assert client.recv(100) == b"first\n"
    assert client.recv(100) == b"", "then it is over"


class Waiting:
    """A held poll that never ends by itself."""

    deadline = time.monotonic() + 60
    is_forgotten = False

    def expire(self) -> None:
        raise AssertionError("there is no end to it")

    def abandon(self) -> bytes:
        self.is_forgotten = True
        return b""


def test_a_hold_whose_client_leaves_is_forgotten_at_once(reactor: Reactor, client: socket.socket) -> None:
    (connection,) = reactor._connections.values()
    hold = Waiting()
    connection.change("park", hold)
    client.close()
    reactor._serve_readable()
    assert hold.is_forgotten
    assert connection.is_gone, "at once, not when answers are sent"


def test_hold_goes_on_when_the_reactor_stops_reading(reactor: Reactor, client: socket.socket) -> None:
    (connection,) = reactor._connections.values()
    hold = Waiting()
    connection.change("park", hold)
    reactor.stop_reading()
    gevent.sleep(0.01)
    assert not hold.is_forgotten
    connection.answer(b"late\n", keep_alive=True)
    assert client.recv(100) == b"late\n"
    assert client.recv(100) == b""


def test_every_other_transition_is_an_error(reactor: Reactor) -> None:
    for state in get_args(connections.State):
        for event in get_args(connections.Event):
            connection = Connection(reactor, -1)
            connection.state = state
            if (state, event) in TRANSITIONS:
                connection.change(event)
            else:
                with pytest.raises(KeyError):
                    connection.change(event)

"""The reactor: connections without a greenlet, in front of a handler with the answers of a test."""

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
from notifygate.server.closing import DISCARDED_BYTES
from notifygate.server.connection import TRANSITIONS, Connection
from notifygate.server.handler import Deferred, ParkedRequest, Reply
from notifygate.server.reactor import READ_BYTES, Reactor
from tests.support.transitions import check_transitions
from tests.support.waiting import eventually

REQUEST = b"GET /v1/inbox?_=%d HTTP/1.1\r\nHost: gateway\r\n\r\n"

Result = Reply | ParkedRequest | Deferred | None


class StubRevalidation:
    """A 304 that is never valid a second time, unless a test gives it an answer."""

    held_bytes = 100
    again: bytes | None = None

    def response_at(self, now: float) -> bytes | None:
        return self.again


class Waiting:
    """A held poll that never ends by itself."""

    deadline = time.monotonic() + 60
    is_forgotten = False

    def expire(self) -> None:
        raise AssertionError("there is no end to it")

    def abandon(self) -> bytes:
        self.is_forgotten = True
        return b"gone\n"


class StubHandler:
    """Answers each poll with its own query, once it may, or with the result of a test's function."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.make_revalidation: Callable[[], StubRevalidation] | None = None
        self.make: Callable[[Request], Result] = self.echo
        self.connections: list[Any] = []
        """The connections of the requests so far."""

    def take(self, request: Request, client: Any) -> Result:
        self.connections.append(client)
        return self.make(request)

    def echo(self, request: Request) -> Result:
        reply = Reply(request.query + b"\n", True, self.make_revalidation)
        return reply if self.may_answer.is_set() else self.later(reply)

    def later(self, reply: Reply | ParkedRequest) -> Deferred:
        """Give a reply in a greenlet, once it may."""
        return Deferred(lambda: (self.may_answer.wait(), reply)[1])

    def start(self, send: object) -> None:
        raise AssertionError("the worker starts it")

    def record_rejected(self, status: int) -> str:
        raise AssertionError("the parser rejects requests")

    def drain(self) -> None:
        raise AssertionError("the worker drains it")


def receive(client: socket.socket, lines: int) -> bytes:
    received = b""
    while received.count(b"\n") < lines:
        received += client.recv(100)
    return received


class Stage:
    """A reactor with a handler and a client, and the requests and rests that the reactor left to greenlets."""

    def __init__(self) -> None:
        self.handler = StubHandler()
        self.left: list[Any] = []
        self.reactor = Reactor(
            self.handler, serve=self._leave, send_rest=self._leave, spawn=gevent.spawn, on_capacity=lambda: None, idle_seconds=60
        )  # fmt: skip
        self.client = self.connect()

    def _leave(self, fd: int, *what: object) -> None:
        self.left.append(what[0] if len(what) == 1 else what)
        os.close(fd)

    def connect(self, *, by_tcp: bool = False) -> socket.socket:
        """Return the client's end of a new connection."""
        if by_tcp:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                ours = socket.create_connection(listener.getsockname())
                theirs = listener.accept()[0]
        else:
            ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.reactor.adopt(theirs.detach())
        ours.settimeout(10)
        return ours

    def send(self, number: int = 1, client: socket.socket | None = None) -> Any:
        """Send a request; return its connection as soon as the handler is called."""
        before = len(self.handler.connections)
        (client or self.client).sendall(REQUEST % number)
        eventually(lambda: len(self.handler.connections) > before, "the request")
        return self.handler.connections[-1]

    def idle_connection(self, client: socket.socket | None = None) -> Any:
        """Return the connection of a client, after a request of it was answered."""
        self.handler.may_answer.set()
        connection = self.send(1, client)
        assert (client or self.client).recv(100) == b"_=1\n"
        return connection

    def close(self) -> None:
        self.client.close()
        eventually(lambda: len(self.reactor) == 0, "the connections' end")
        self.reactor.stop()
        assert self.left == []


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def publication_of(size: int) -> bytes:
    """Return a publication of so many bytes, head and body."""
    head = b"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nContent-Length: %05d\r\n\r\n"
    length = size - len(head % 0)
    return head % length + b"x" * length


@pytest.mark.parametrize("make_revalidation", [None, StubRevalidation], ids=["200", "304"])
def test_a_request_sent_while_a_greenlet_polls_is_answered_after_it(
    stage: Stage, make_revalidation: Callable[[], StubRevalidation] | None
) -> None:
    stage.handler.make_revalidation = make_revalidation
    connection = stage.send()
    stage.client.sendall(REQUEST % 2)
    eventually(lambda: connection.has_received, "the second request")
    stage.handler.may_answer.set()
    assert receive(stage.client, 2) == b"_=1\n_=2\n"


def test_a_304_is_repeated_for_the_third_equal_request(stage: Stage) -> None:
    class Again(StubRevalidation):
        again = b"again\n"

    stage.handler.may_answer.set()
    stage.handler.make_revalidation = Again
    poll = b"GET /v1/inbox?cursor=%b&_=%d HTTP/1.1\r\nHost: gateway\r\n\r\n"
    received = b""
    for cursor, number in ((b"a", 1), (b"a", 2), (b"b", 3), (b"a", 4)):
        stage.client.sendall(poll % (cursor, number))
        received += stage.client.recv(100)
    assert received == b"cursor=a&_=1\ncursor=a&_=2\ncursor=b&_=3\nagain\n"


def test_a_304_that_is_no_longer_valid_is_dropped(stage: Stage) -> None:
    revalidation = StubRevalidation()
    stage.handler.may_answer.set()
    stage.handler.make_revalidation = lambda: revalidation
    received: list[bytes] = []
    for again in (b"again\n", b"again\n", b"again\n", None, b"again\n"):
        revalidation.again = again
        if again is None:
            stage.handler.make_revalidation = None
        stage.client.sendall(REQUEST % 1)
        received.append(stage.client.recv(100))
    assert received == [b"_=1\n", b"_=1\n", b"again\n", b"_=1\n", b"_=1\n"]


@pytest.mark.parametrize("count", [1, 2])
def test_request_behind_publications_that_fill_a_read_is_answered(stage: Stage, count: int) -> None:
    stage.handler.may_answer.set()
    stage.client.sendall(publication_of(READ_BYTES) * count + REQUEST % 2)
    assert receive(stage.client, count + 1) == b"\n" * count + b"_=2\n"


@pytest.mark.parametrize("size", [READ_BYTES - 1, READ_BYTES + 1])
def test_publication_that_does_not_end_with_a_read_is_left_to_a_greenlet(stage: Stage, size: int) -> None:
    sent = publication_of(size) + REQUEST % 2
    stage.client.sendall(sent)
    eventually(lambda: stage.left, "a greenlet, which reads the rest too")
    assert stage.left == [sent[:READ_BYTES]]
    stage.left.clear()


# Clients that leave


def test_a_client_that_leaves_while_a_greenlet_polls_is_dropped(stage: Stage) -> None:
    stage.send()
    stage.client.close()
    eventually(lambda: len(stage.reactor) == 0, "the connection's end")
    stage.handler.may_answer.set()
    gevent.idle()
    assert stage.reactor.answered == 1


@pytest.mark.parametrize(("is_held", "answer"), [(True, b"gone\n"), (False, b"_=1\n")], ids=["hold", "response"])
def test_a_client_half_closed_while_a_greenlet_works_gets_its_response_and_is_not_held(
    stage: Stage, is_held: bool, answer: bytes
) -> None:
    if is_held:
        stage.handler.make = lambda request: stage.handler.later(Waiting())
    connection = stage.send()
    stage.client.shutdown(socket.SHUT_WR)
    eventually(lambda: connection.has_received, "the end")
    stage.handler.may_answer.set()
    assert (stage.client.recv(100), stage.client.recv(100)) == (answer, b"")


def test_a_hold_whose_client_leaves_is_forgotten_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    hold, is_gone = Waiting(), list[bool]()

    def abandon() -> bytes:
        gevent.get_hub().loop.run_callback(lambda: is_gone.append(connection.is_gone))
        return b""

    monkeypatch.setattr(hold, "abandon", abandon)
    stage.handler.make = lambda request: hold
    connection = stage.send()
    stage.client.close()
    eventually(lambda: is_gone, "the end of the hold")
    assert is_gone == [True], "at once, not when answers are sent"


def test_a_client_that_left_affects_no_other_response(stage: Stage) -> None:
    gone, closed, other = clients = [stage.connect() for _ in range(3)]
    connections_of_clients = [stage.idle_connection(one) for one in clients]
    gone.close()
    stage.reactor.send([(connections_of_clients[1], b"", False)])
    assert closed.recv(100) == b""
    stage.reactor.send([(connection, b"news\n", True) for connection in connections_of_clients])
    assert other.recv(100) == b"news\n"
    assert [connection.is_gone for connection in connections_of_clients] == [True, True, False]
    closed.close()
    other.close()


# Defects


def test_a_defect_in_a_greenlet_ends_the_connection_without_a_second_attempt(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Reply:
        raise LookupError

    stage.handler.make = lambda request: Deferred(fail)
    stage.client.sendall(REQUEST % 1)
    assert stage.client.recv(100) == b"", "its connection is closed"
    assert "failed on the fast path" in caplog.text


@pytest.mark.parametrize("is_sent", [False, True], ids=["while it is served", "while its response is sent"])
def test_a_defect_with_one_connection_affects_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_sent: bool
) -> None:
    change = Connection.change
    broken: list[Connection] = []

    def change_or_fail(connection: Connection, event: Any, held: ParkedRequest | None = None) -> None:
        if event == "sent" and connection in broken:
            raise LookupError
        change(connection, event, held)

    def take_or_fail(request: Request) -> Result:
        if request.query == b"_=1":
            broken.append(stage.handler.connections[-1])
            if not is_sent:
                raise LookupError
        return stage.handler.echo(request)

    monkeypatch.setattr(Connection, "change", change_or_fail)
    stage.handler.may_answer.set()
    stage.handler.make = take_or_fail
    other = stage.connect()
    stage.client.sendall(REQUEST % 1)
    other.sendall(REQUEST % 2)
    assert other.recv(100) == b"_=2\n"
    assert not is_sent or stage.client.recv(100) == b"_=1\n"
    assert stage.client.recv(100) == b"", "its connection is closed"
    assert ("Sending a response failed" if is_sent else "Serving a connection failed") in caplog.text
    other.close()


# The end of a connection


@pytest.mark.parametrize("is_late", [False, True], ids=["before the response", "after it"])
def test_request_behind_the_last_response_does_not_reset_it(stage: Stage, is_late: bool) -> None:
    """A reset would destroy the part of the response that has not arrived."""
    with stage.connect(by_tcp=True) as client:
        connection = stage.send(1, client)
        if not is_late:
            client.sendall(REQUEST % 2)
            eventually(lambda: connection.has_received, "the second request")
        stage.reactor.send([(connection, b"last\n", False)])
        if is_late:
            client.sendall(REQUEST % 2 + bytes(2 * DISCARDED_BYTES))
        assert (client.recv(100), client.recv(100)) == (b"last\n", b""), "not reset"
        client.sendall(REQUEST % 3)
        assert client.recv(100) == b""
    eventually(lambda: connection.state == "left", "its client has closed it")


def test_connection_that_its_client_does_not_close_is_closed(stage: Stage) -> None:
    connection = stage.send()
    stage.reactor.send([(connection, b"last\n", False)])
    assert connection.state == "closing"
    stage.reactor._expire(connection)
    assert connection.state == "left"


def test_request_that_arrives_when_an_idle_connection_expires_is_answered(stage: Stage) -> None:
    connection = stage.idle_connection()
    stage.client.sendall(REQUEST % 2)
    stage.reactor._expire(connection)
    assert stage.client.recv(100) == b"_=2\n"


def test_connection_that_is_adopted_after_the_reactor_stopped_reading_ends(stage: Stage) -> None:
    stage.reactor.stop_reading()
    with stage.connect(by_tcp=True) as late:
        assert late.recv(100) == b""
        eventually(lambda: len(stage.reactor) == 0, "its end")


# The end of reading


def test_requests_received_before_the_reactor_stops_reading_are_served(stage: Stage) -> None:
    stage.handler.may_answer.set()
    with stage.connect(by_tcp=True) as sender, stage.connect(by_tcp=True) as idle:
        gevent.idle()
        sender.sendall(REQUEST % 1)
        stage.reactor.stop_reading()
        idle.sendall(REQUEST % 2)
        assert (sender.recv(100), sender.recv(100)) == (b"_=1\n", b"")
        assert idle.recv(100) == b"", "not reset"


def test_half_a_request_behind_the_last_one_does_not_delay_the_stop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []

    def serve(fd: int, data: bytes) -> None:
        with socket.socket(fileno=fd) as rest:
            received.extend((data, rest.recv(100)))

    monkeypatch.setattr(stage.reactor, "_serve", serve)
    with stage.connect(by_tcp=True) as client:
        connection = stage.send(1, client)
        client.sendall(b"GET")
        eventually(lambda: connection.has_received, "half a request")
        stage.reactor.stop_reading()
        stage.handler.may_answer.set()
        assert client.recv(100) == b"_=1\n"
        eventually(lambda: received, "a greenlet")
    assert received == [b"GET", b""], "it need not wait for more"


@pytest.mark.parametrize("is_held", [False, True], ids=["a greenlet works", "held"])
def test_request_under_way_is_answered_when_the_reactor_stops_reading(stage: Stage, is_held: bool) -> None:
    hold = Waiting()
    if is_held:
        stage.handler.make = lambda request: hold
    connection = stage.send()
    stage.reactor.stop_reading()
    gevent.idle()
    assert not hold.is_forgotten
    if is_held:
        connection.answer(b"_=1\n", keep_alive=True)
    stage.handler.may_answer.set()
    assert (stage.client.recv(100), stage.client.recv(100)) == (b"_=1\n", b"")


# Sending


@pytest.mark.parametrize("is_full", [False, True], ids=["partly", "not at all"])
def test_a_rest_that_does_not_fit_into_the_buffer_is_left_to_a_greenlet(stage: Stage, is_full: bool) -> None:
    connection = stage.idle_connection()
    while is_full:
        try:
            os.write(connection.fd, bytes(1000))
        except BlockingIOError:
            break
    response = bytes(range(256)) * 40_000
    stage.reactor.send([(connection, response, True)])
    ((rest, keep_alive),) = stage.left
    stage.left.clear()
    assert keep_alive
    assert response.endswith(rest)
    assert (len(rest) == len(response)) == is_full
    assert connection.is_gone, "the greenlet has it"


def test_an_answer_that_waits_to_be_sent_is_sent_before_the_connection_ends(stage: Stage) -> None:
    connection = stage.idle_connection()
    connection.answer(b"first\n", keep_alive=True)
    stage.reactor._expire(connection)
    stage.client.shutdown(socket.SHUT_WR)
    stage.reactor._serve_readable()  # and its client closed its sending side
    assert stage.client.recv(100) == b"first\n"
    assert stage.client.recv(100) == b"", "then the connection ends"


def test_every_other_transition_is_an_error(stage: Stage) -> None:
    states, events = get_args(connections.State), get_args(connections.Event)
    check_transitions(lambda: Connection(stage.reactor, -1), TRANSITIONS, states, events)

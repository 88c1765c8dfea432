"""The start of a worker, its reaction to a signal before it serves, and a client that leaves early."""

import gc
import os
import signal
import socket
import ssl
from types import SimpleNamespace

import pytest
from gevent import GreenletExit
from gunicorn.arbiter import Arbiter

from notifygate.server.detaching_worker import DetachingWorker
from notifygate.server.lifecycle import Lifecycle, WorkerState
from notifygate.server.worker import GatewayWorker


def starting_worker() -> GatewayWorker:
    """Return a worker that has neither an application nor sockets yet."""
    worker = GatewayWorker.__new__(GatewayWorker)
    worker.booted = False
    worker.lifecycle = Lifecycle()
    worker.cfg = SimpleNamespace(backlog=16)  # type: ignore[assignment]
    return worker


def test_garbage_collector_is_off_only_while_the_application_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("freeze", "set_threshold"):  # for a worker's own process
        monkeypatch.setattr(gc, name, lambda *_: None)
    worker, was_enabled = starting_worker(), list[bool]()
    worker.app = SimpleNamespace(wsgi=lambda: was_enabled.append(gc.isenabled()))  # type: ignore[assignment]
    worker.load_wsgi()
    assert was_enabled == [False]
    assert gc.isenabled()


def test_worker_that_is_still_starting_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it ends, its descriptor of the listening socket keeps that open, and the queue fills."""

    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit) as ended:
        starting_worker().handle_exit(signal.SIGTERM, None)
    assert ended.value.code == 0


def test_worker_that_missed_the_signal_does_not_begin_to_serve() -> None:
    """Right after the fork, signals are still handled as in the master, which only notes them."""
    worker = starting_worker()
    worker.lifecycle.closes_listeners = True
    worker.run()


@pytest.mark.parametrize(("served", "state"), [(29, WorkerState.STARTING), (30, WorkerState.NEEDS_SUCCESSOR)])
def test_requests_served_on_both_ways_count_against_max_requests(served: int, state: WorkerState) -> None:
    for kind, by_greenlets in ((GatewayWorker, served), (DetachingWorker, 10)):
        worker = kind.__new__(kind)
        worker.lifecycle, worker._replaced_after, worker.nr = Lifecycle(), 30, by_greenlets
        worker._reactor = SimpleNamespace(answered=served - by_greenlets)  # type: ignore[attr-defined]
        worker.ppid, worker.tmp = os.getppid(), SimpleNamespace(notify=lambda: None)  # type: ignore[assignment]
        worker.notify()
        assert worker.lifecycle.state is state, kind


def test_of_two_gateways_that_start_on_one_port_the_second_ends() -> None:
    """Both can bind it, since gunicorn sets SO_REUSEADDR; only one can listen."""
    with socket.socket() as first, socket.socket() as second:
        for bound in (first, second):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(first.getsockname() if bound is second else ("127.0.0.1", 0))
        starting_worker()._listen(first)
        starting_worker()._listen(first)  # its second worker
        with pytest.raises(SystemExit) as ended:
            starting_worker()._listen(second)
    assert ended.value.code == Arbiter.WORKER_BOOT_ERROR, "gunicorn ends the gateway instead of trying again"


def test_client_that_left_before_its_greenlet_lets_the_worker_accept_another() -> None:
    worker = DetachingWorker.__new__(DetachingWorker)
    worker._reactor = worker._greenlets = SimpleNamespace()  # type: ignore[assignment] - no greenlet is needed
    worker._clients = set()
    worker._family = socket.AF_INET
    connections: list[int] = []
    listener = SimpleNamespace(accept_again=lambda: connections.append(len(worker._clients)))
    worker._servers = [listener]  # type: ignore[list-item]
    fd = socket.socket().detach()  # without a peer, as one that was reset
    worker._serve(fd, b"GET / HTTP/1.1\r\n")
    assert connections == [0]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


@pytest.mark.parametrize("cause", [ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), GreenletExit()], ids=["TLS", "stop"])
def test_connection_that_can_not_go_on_gets_no_response_and_no_error(
    caplog: pytest.LogCaptureFixture, cause: BaseException
) -> None:
    """A second response would become a part of one that is being sent."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        starting_worker().handle_error(None, ours, None, cause)
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
    assert caplog.text == ""

"""gunicorn's gevent worker, changed to stop quickly and without an error for any client.

What a stop does, in this order; `run` has the code:

1. Holds are answered, `/readyz` is 503, answers carry `Connection: close`.
2. If the listening sockets end with this worker: for LINGER_SECONDS connections are still accepted; then the queue of
   those that wait to be accepted is emptied, and the sockets are closed.
3. For LINGER_SECONDS, what clients send on their connections is still read.
4. Requests under way are finished, as long as gunicorn's `graceful_timeout` allows.
"""

import gc
import logging
import os
import socket
import ssl
import sys
import time
from functools import partial
from types import FrameType
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.socket import socket as GeventSocket
from gunicorn.arbiter import Arbiter
from gunicorn.http import wsgi
from gunicorn.sock import ssl_context
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from notifygate.open_files import connections_that_fit
from notifygate.protocol.response import SERVER_NAME
from notifygate.raw_socket import raw_socket
from notifygate.server import transfer
from notifygate.server.closing import HANDSHAKE_SECONDS, accept_queued, refuse_new_handshakes
from notifygate.server.handler import registered_handler
from notifygate.server.lifecycle import Lifecycle, WorkerState
from notifygate.server.rejection import reject
from notifygate.server.transfer import BodySource, send_all

logger = logging.getLogger(__name__)

wsgi.SERVER = SERVER_NAME  # pyright: ignore[reportAttributeAccessIssue] - imported there; gunicorn has no setting for it

LINGER_SECONDS = 1.0
"""How long a worker that stops accepts connections, and then reads from them: time for balancers to see that it is not
ready, and for a client that was just answered to send its next request, whose answer ends the connection."""

HEARTBEAT_SECONDS = 1.0
"""How often gunicorn's master gets a sign of life; its patience is 30 s."""

PAUSE_SECONDS = 0.05
"""How often a worker that stops looks whether all is done."""

GARBAGE_THRESHOLDS = 20_000, 10, 20
"""After how many new objects, and then rounds, the generations are searched. Python's 700 are a few answers' worth."""

NEXT_START_SECONDS = 1.0
"""How long gunicorn is kept from starting the next worker where one could not start."""

CLOSE_CONNECTION = "notifygate.close_connection"
"""In a request's environ: to be called where its body could not be read to the end, since nobody knows then where the
next request would begin."""


def _discard(*_: object) -> None:
    """Stand in for gunicorn's access log."""


class GatewaySocket(GeventSocket):
    """A connection whose client may read an answer of any size slowly."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it, as long as the client goes on reading."""
        send_all(self, data)


class GatewayWorker(GeventWorker):
    """Serves until another worker has taken over or the gateway ends, and leaves no request without an answer."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # in the master, before the fork
        self.lifecycle = Lifecycle()
        self._worn_out_after = self.max_requests
        self.max_requests = sys.maxsize  # gunicorn would end the worker before it has a successor
        self._clients: set[Any] = set()
        """The connections that greenlets serve."""
        self._is_quitting = False
        self._is_draining = False
        # The gateway writes its own access lines; gunicorn would gather all that its format might want for each.
        self.log.access = _discard  # pyright: ignore[reportAttributeAccessIssue] - it takes anything

    @property
    def served_requests(self) -> int:
        """How many requests this worker has served."""
        return self.nr

    @property
    def is_busy(self) -> bool:
        """Whether there are connections that are not done yet."""
        return any(server.pool for server in self._servers)

    def run(self) -> None:
        """Serve; see above for how it ends."""
        if self.lifecycle.closes_listeners:
            return  # the signal to stop came before this process could receive it
        self.worker_connections = min(self.worker_connections, connections_that_fit())
        self._stop_requested = Event()
        self._servers = [self._serve_listener(sock) for sock in self.sockets]
        for sock, server in zip(self.sockets, self._servers, strict=True):
            # Connections inherit it. Phones that lose their network never say so.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._listen(sock)
            server.start()
        self.lifecycle.state = WorkerState.SERVING
        while self.alive:
            self.notify()
            self._stop_requested.wait(HEARTBEAT_SECONDS)
        self._stop()

    def _listen(self, sock: Any) -> None:
        """Open the port, unless another worker has done so, or systemd."""
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return
        try:
            sock.listen(self.cfg.backlog)
        except OSError as error:  # another process has come first
            logger.error("Can't listen on %s: %s", sock.getsockname(), error.strerror)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _serve_listener(self, sock: Any) -> StreamServer:
        """Return what accepts the connections of a listening socket."""
        options: dict[str, Any] = {"ssl_context": ssl_context(self.cfg)} if self.cfg.is_ssl else {}
        server = StreamServer(sock, handle=partial(self.handle, sock), spawn=Pool(self.worker_connections), **options)
        if self.cfg.workers > 1:
            server.max_accept = 1  # so that the other workers get their share
        return server

    def _stop(self) -> None:
        until = time.monotonic() + self.cfg.graceful_timeout - HEARTBEAT_SECONDS  # less than the master's own patience
        if self.lifecycle.closes_listeners:
            self._heartbeat(LINGER_SECONDS)
            for sock in self.sockets:
                refuse_new_handshakes(sock)
            self._heartbeat(HANDSHAKE_SECONDS)
            for server in self._servers:
                accept_queued(server)
        for server in self._servers:
            server.close()
        self._heartbeat_while_busy(time.monotonic() + LINGER_SECONDS)
        self._stop_reading()
        self._heartbeat_while_busy(until)
        self._end_all()

    def _end_all(self) -> None:
        """End the requests that are still under way."""
        for server in self._servers:
            server.stop(timeout=HEARTBEAT_SECONDS)

    def _heartbeat(self, seconds: float) -> None:
        """Yield to other greenlets for at most HEARTBEAT_SECONDS."""
        self.notify()
        gevent.sleep(seconds)

    def _heartbeat_while_busy(self, until: float) -> None:
        while self.is_busy and time.monotonic() < until:
            self._heartbeat(PAUSE_SECONDS)

    def notify(self) -> None:
        """Give the master a sign of life, and ask it for a successor when it is time."""
        super().notify()
        if self.served_requests >= self._worn_out_after:
            self.lifecycle.state = WorkerState.WORN_OUT

    def load_wsgi(self) -> None:
        """Load the application, and let it say that a connection can't be used any further (CLOSE_CONNECTION).

        Only the first worker can end the gateway by refusing to start.
        """
        try:
            super().load_wsgi()
        except (Exception, SystemExit) as error:
            if self.age == 1:
                raise  # gunicorn is told that the gateway can't start, and ends
            if isinstance(error, Exception):
                logger.exception("The application can't be loaded")
            # Others may be serving, and what is in the way, say a database that is away, may pass. This code lets
            # gunicorn try again. A second one of the first's code, while gunicorn stops, would end it in a stack trace.
            time.sleep(NEXT_START_SECONDS)
            sys.exit(1)
        application = self.wsgi

        def with_extensions(environ: dict[str, Any], start_response: Any) -> Any:
            environ[CLOSE_CONNECTION] = start_response.__self__.force_close
            return application(environ, start_response)

        self.wsgi = with_extensions  # pyright: ignore[reportAttributeAccessIssue] - gunicorn has no types
        # What was loaded stays: searching it for garbage again and again would stop everything for some milliseconds
        # each time. The rest is mostly ten thousands of small records that live as long as a hold.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        if isinstance(client, ssl.SSLSocket):
            client.sendall = partial(send_all, client)  # pyright: ignore[reportAttributeAccessIssue] - no flags with TLS
        elif not isinstance(client, GatewaySocket):
            client = GatewaySocket(client.family, client.type, client.proto, client.detach())
        client.settimeout(transfer.STALLED_SECONDS)
        self._clients.add(client)
        try:
            AsyncWorker.handle(self, listener, client, addr)  # GeventWorker's own would take the time-out away
        finally:
            self._clients.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Serve one request."""
        req.unreader.sock = BodySource(sock)
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            req.unreader.sock = sock
        return True

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that gunicorn can't read, or that fails outside the application. See `rejection`."""
        try:
            client.sendall(reject(exc))
        except OSError:
            logger.debug("The client of an unreadable request closed the connection first")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully (SIGTERM)."""
        if not self.booted:
            os._exit(0)  # no client was accepted; what is imported at this moment must not be interrupted in its middle
        self._drain_soon()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once (SIGINT, SIGQUIT): holds are answered, but nothing else is waited for.

        Ctrl-C reaches a worker twice, from the terminal and from gunicorn's master; the second time would interrupt
        the first one's work with a stack trace.
        """
        if not self._is_quitting:
            self._is_quitting = True
            self._drain_soon()
            super().handle_quit(sig, frame)

    def _drain_soon(self) -> None:
        if not self.booted:
            return  # nobody is served yet, and nobody will be
        # A signal handler must not switch greenlets: the hub does the work right after.
        gevent.get_hub().loop.run_callback_threadsafe(self._drain)

    def _drain(self) -> None:
        if self._is_draining:
            return
        self._is_draining = True
        registered_handler().drain()
        self._stop_requested.set()

    def _stop_reading(self) -> None:
        """End what the clients can still send, not what is still being sent to them.

        Idle connections and half-sent requests end with it, each of which would hold the worker back for its time-out.
        """
        for client in list(self._clients):
            try:
                raw_socket(client).shutdown(socket.SHUT_RD)
            except OSError:
                self._clients.discard(client)  # the client was faster

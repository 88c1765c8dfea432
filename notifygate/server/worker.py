"""gunicorn's gevent worker, changed to stop quickly and without an error for any client.

The steps of a stop, in this order (`_stop`):

1. Holds are answered, `/readyz` is 503, responses have `Connection: close`.
2. If the listening sockets end with this worker: connections are accepted for another LINGER_SECONDS; then the accept
   queue is emptied, and the sockets are closed.
3. Requests on open connections are read for another LINGER_SECONDS.
4. Requests under way are finished, up to gunicorn's `graceful_timeout`.
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
from gevent import GreenletExit
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.socket import socket as GeventSocket
from gunicorn.arbiter import Arbiter
from gunicorn.http import wsgi
from gunicorn.sock import ssl_context
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from notifygate.log_stream import standard_error
from notifygate.open_files import connections_that_fit
from notifygate.protocol.response import SERVER_NAME
from notifygate.raw_socket import raw_socket
from notifygate.server import transfer
from notifygate.server.closing import HANDSHAKE_SECONDS, accept_queued, close_after_response, refuse_new_handshakes
from notifygate.server.handler import registered_handler
from notifygate.server.host import check_host
from notifygate.server.lifecycle import Lifecycle, WorkerState
from notifygate.server.rejection import reject
from notifygate.server.tls import accept_tls
from notifygate.server.transfer import BodySource, finish_body, send_all

logger = logging.getLogger(__name__)

wsgi.SERVER = SERVER_NAME  # pyright: ignore[reportAttributeAccessIssue] - imported there; gunicorn has no setting for it

LINGER_SECONDS = 1.0
"""Time in which a stopping worker accepts connections, and then reads from them: balancers see that it is not ready,
and a client that was just answered can send its next request, whose response ends the connection."""

HEARTBEAT_SECONDS = 1.0
"""Interval of heartbeats to gunicorn's master, whose time-out is 30 s."""

PAUSE_SECONDS = 0.05
"""Polling interval of a stopping worker."""

GARBAGE_THRESHOLDS = 20_000, 10, 20
"""Thresholds of the garbage collector's generations. Python's default of 700 objects is a few responses' worth."""

NEXT_START_SECONDS = 1.0
"""Pause after a failed start, before gunicorn starts the next worker."""

CLOSE_CONNECTION = "notifygate.close_connection"
"""Key of a function in the environ that closes the connection after the response: after a body that could not be read
to the end, the beginning of the next request is unknown."""


def _discard(*_: object) -> None:
    """Replace gunicorn's access log."""


class GatewaySocket(GeventSocket):
    """A connection whose client may read a response of any size slowly."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of `data`, while the client continues to read. Raises TimeoutError (`transfer.send_all`)."""
        send_all(self, data)


class GatewayWorker(GeventWorker):
    """Serves until another worker takes over or the gateway ends, and leaves no request without a response."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # in the master, before the fork
        self.lifecycle = Lifecycle()
        self._replaced_after = self.max_requests
        self.max_requests = sys.maxsize  # gunicorn would end the worker before it has a successor
        self._clients: set[Any] = set()
        """The connections that are served by greenlets."""
        self._is_quitting = False
        self._is_draining = False
        # The gateway writes its own access lines; gunicorn would collect all values of its format for each request.
        self.log.access = _discard  # pyright: ignore[reportAttributeAccessIssue] - it takes anything

    @property
    def served_requests(self) -> int:
        """Number of requests that this worker has served."""
        return self.nr

    @property
    def is_busy(self) -> bool:
        """Whether connections are still open."""
        return any(server.pool for server in self._servers)

    def run(self) -> None:
        """Serve until the worker must stop; the module's docstring lists the steps of the stop."""
        if self.lifecycle.closes_listeners:
            return  # SIGTERM came before this process could handle it
        self.worker_connections = min(self.worker_connections, connections_that_fit())
        standard_error.use_loop(gevent.get_hub().loop)
        self._stop_requested = Event()
        self._servers = [self._serve_listener(sock) for sock in self.sockets]
        for sock, server in zip(self.sockets, self._servers, strict=True):
            # Connections inherit it. Phones that lose their network never close their connections.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._listen(sock)
            server.start()
        self.lifecycle.state = WorkerState.SERVING
        while self.alive:
            self.notify()
            self._stop_requested.wait(HEARTBEAT_SECONDS)
        self._stop()

    def _listen(self, sock: Any) -> None:
        """Open the port, unless another worker or systemd has done so."""
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return
        try:
            sock.listen(self.cfg.backlog)
        except OSError as error:  # another process has the port
            logger.error("Can't listen on %s: %s", sock.getsockname(), error.strerror)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _serve_listener(self, sock: Any) -> StreamServer:
        """Return the server that accepts the connections of a listening socket."""
        handle = partial(self._handle_tls, ssl_context(self.cfg)) if self.cfg.is_ssl else self.handle
        server = StreamServer(sock, handle=partial(handle, sock), spawn=Pool(self.worker_connections))
        if self.cfg.workers > 1:
            server.max_accept = 1  # so that the other workers get their share
        return server

    def _stop(self) -> None:
        until = time.monotonic() + self.cfg.graceful_timeout - HEARTBEAT_SECONDS  # before the master's own time-out
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
        """Send a heartbeat to the master, and ask it for a successor after `max_requests`."""
        super().notify()
        if self.served_requests >= self._replaced_after:
            self.lifecycle.state = WorkerState.NEEDS_SUCCESSOR

    def load_wsgi(self) -> None:
        """Load the application, and add CLOSE_CONNECTION to its environ.

        A failed start ends the gateway only in its first worker.
        """
        # A tenth of the time that imports take is spent in the collector, which finds next to nothing.
        gc.disable()
        try:
            super().load_wsgi()
        except (Exception, SystemExit) as error:
            if self.age == 1:
                raise  # gunicorn ends, since the gateway can't start
            if isinstance(error, Exception):
                logger.exception("Loading the application failed")
            # Other workers may serve, and the cause, a database that is away for example, may pass. gunicorn retries
            # after exit code 1. The first worker's exit code, while gunicorn stops, would end it with a stack trace.
            time.sleep(NEXT_START_SECONDS)
            sys.exit(1)
        application = self.wsgi

        def with_extensions(environ: dict[str, Any], start_response: Any) -> Any:
            environ[CLOSE_CONNECTION] = start_response.__self__.force_close
            return application(environ, start_response)

        self.wsgi = with_extensions  # pyright: ignore[reportAttributeAccessIssue] - gunicorn has no types
        # Loaded modules stay: collecting their garbage would stop the worker for some milliseconds each time. The rest
        # is mostly tens of thousands of small records that live as long as a hold.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()

    def _handle_tls(self, context: ssl.SSLContext, listener: Any, client: Any, addr: Any) -> None:
        secured = accept_tls(client, context, self._clients)
        if secured is not None:
            self.handle(listener, secured, addr)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        if isinstance(client, ssl.SSLSocket):
            client.sendall = partial(send_all, client)  # pyright: ignore[reportAttributeAccessIssue] - no flags with TLS
        elif not isinstance(client, GatewaySocket):
            client = GatewaySocket(client.family, client.type, client.proto, client.detach())
        client.settimeout(transfer.STALLED_SECONDS)
        self._clients.add(client)
        try:
            AsyncWorker.handle(self, listener, client, addr)  # GeventWorker's own method removes the time-out
        finally:
            self._forget(client)

    def _forget(self, client: Any) -> None:
        """Remove a connection that its greenlet no longer serves."""
        self._clients.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Serve one request, and read its body to the end.

        Raises StopIteration if the connection is closed, InvalidHostError for a request that `handle_error` answers.
        """
        check_host(req)
        req.unreader.sock = BodySource(sock, transfer.BODY_SECONDS)
        try:
            super().handle_request(listener_name, req, sock, addr)
            if not finish_body(req, sock):
                raise StopIteration
        except StopIteration:  # ends gunicorn's loop over the requests of this connection
            close_after_response(sock)
            raise
        except OSError as error:  # the client stopped reading, or left; gunicorn would log a stack trace
            logger.debug("The connection of a request failed: %s", type(error).__name__)
            raise StopIteration from None
        finally:
            req.unreader.sock = sock
        return True

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that gunicorn can't parse, or that fails outside the application. See `rejection`."""
        if isinstance(exc, OSError | GreenletExit):
            # A malformed record of TLS, or the end of the worker, perhaps in the middle of a response.
            logger.debug("A connection ended: %s", type(exc).__name__)
            return
        try:
            client.sendall(reject(exc))
        except OSError:
            logger.debug("The client of an unreadable request closed the connection first")
        else:
            close_after_response(client)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully (SIGTERM)."""
        if not self.booted:
            os._exit(0)  # no client was accepted; an exception would interrupt an import
        self._drain_soon()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once (SIGINT, SIGQUIT): answer holds, and wait for nothing else.

        Ctrl-C reaches a worker twice, from the terminal and from gunicorn's master; the second signal would interrupt
        the handler of the first with a stack trace.
        """
        if not self._is_quitting:
            self._is_quitting = True
            self._drain_soon()
            super().handle_quit(sig, frame)

    def _drain_soon(self) -> None:
        if not self.booted:
            return  # no client is or will be served
        # A signal handler must not switch greenlets, so the hub runs `_drain` right after it.
        gevent.get_hub().loop.run_callback_threadsafe(self._drain)

    def _drain(self) -> None:
        if self._is_draining:
            return
        self._is_draining = True
        registered_handler().drain()
        self._stop_requested.set()

    def _stop_reading(self) -> None:
        """Shut the reading side of all connections; responses are still sent.

        This ends idle connections and half-sent requests, each of which would delay the stop by its time-out.
        """
        for client in list(self._clients):
            try:
                raw_socket(client).shutdown(socket.SHUT_RD)
            except OSError:
                self._clients.discard(client)  # the client closed it first

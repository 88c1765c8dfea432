"""The gateway's own worker: idle and held connections need no greenlet, and plain polls no parser.

New connections go to the reactor (`server.reactor`). The parent class serves all requests but plain polls and
publications, in a greenlet, with gunicorn's parser and the WSGI application; afterwards the connection returns to the
reactor. With TLS in gunicorn itself, the parent class serves everything, since the reactor can't read encrypted bytes.
"""

import errno
import logging
import time
from typing import Any, cast

import gevent
from gevent.pool import Group
from gevent.server import StreamServer
from gevent.socket import SOCK_STREAM

from notifygate.server import transfer
from notifygate.server.closing import close_after_response
from notifygate.server.handler import registered_handler
from notifygate.server.reactor import Reactor
from notifygate.server.worker import HEARTBEAT_SECONDS, GatewaySocket, GatewayWorker

logger = logging.getLogger(__name__)

HEAD_SECONDS = 30
"""Time for the head of a request, from its first byte. Browsers send it in one piece."""

PAUSE_SECONDS = 0.05
"""Polling interval at the limit on open files."""

WARN_SECONDS = 60.0
"""Minimum interval of warnings about too many open files."""


class _HandedOverSocket(GatewaySocket):
    """A connection with bytes that were read already, which `recv` returns first."""

    def __init__(self, family: int, fd: int, read: bytes) -> None:
        super().__init__(family, SOCK_STREAM, 0, fd)  # given, or the class would ask the kernel three times
        self._read = read

    def recv(self, *args: Any) -> bytes:
        """Receive bytes, as `socket.recv`; those that were read already come first."""
        if self._read:
            read, self._read = self._read, b""
            return read
        return super().recv(*args)


class _Address:
    """Replaces the listener for gunicorn, which reads the address of each connection's listener."""

    def __init__(self, address: Any) -> None:
        self._address = address

    def getsockname(self) -> Any:
        """Return the address."""
        return self._address


class _Listener(StreamServer):
    """Accepts connections in the hub, up to the worker's capacity."""

    def __init__(self, sock: Any, worker: "DetachingWorker") -> None:
        super().__init__(sock, handle=worker.adopt, spawn=None)
        self._worker = worker
        self._warned_at = -WARN_SECONDS
        if worker.cfg.workers > 1:
            self.max_accept = 1  # so that the other workers get their share

    def full(self) -> bool:
        """Return whether the worker is full; gevent then stops accepting."""
        return self._worker.is_full

    def do_read(self) -> Any:
        """Accept a connection. At the limit on open files, log a warning once in WARN_SECONDS and pause."""
        try:
            return super().do_read()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
        if time.monotonic() - self._warned_at > WARN_SECONDS:
            self._warned_at = time.monotonic()
            logger.warning("Too many open files; no further connection is accepted until one ends")
        self.stop_accepting()
        self._pause = self.loop.timer(PAUSE_SECONDS)
        self._pause.start(self.accept_again)
        return None

    def accept_again(self) -> None:
        """Resume accepting after a pause."""
        if self.started:
            self.start_accepting()


class DetachingWorker(GatewayWorker):
    """Serves connections from the reactor, and from greenlets if the reactor can't."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reactor: Reactor | None = None
        self._greenlets = Group()

    @property
    def served_requests(self) -> int:
        """See `GatewayWorker`."""
        return self.nr + (self._reactor.answered if self._reactor is not None else 0)

    @property
    def is_busy(self) -> bool:
        """See `GatewayWorker`."""
        return super().is_busy if self._reactor is None else bool(self._reactor or self._greenlets)

    @property
    def is_full(self) -> bool:
        """Whether the worker has reached its maximum of connections."""
        return len(self._reactor or ()) + len(self._clients) >= self.worker_connections

    def run(self) -> None:
        """Serve from the reactor, unless gunicorn terminates TLS."""
        if not self.cfg.is_ssl:
            self._start_reactor()
        super().run()

    def _start_reactor(self) -> None:
        families = {sock.family for sock in self.sockets}
        self._family = families.pop() if len(families) == 1 else -1  # -1: differs between connections
        self._address = _Address(self.sockets[0].getsockname())
        handler = registered_handler()
        self._reactor = Reactor(
            handler,
            serve=self._serve,
            send_rest=self._send_rest,
            spawn=self._greenlets.spawn,
            on_capacity=self._accept_again,
            idle_seconds=self.cfg.keepalive,
        )
        handler.start(self._reactor.send)

    def _serve_listener(self, sock: Any) -> StreamServer:
        return super()._serve_listener(sock) if self._reactor is None else _Listener(sock, self)

    def _end_all(self) -> None:
        super()._end_all()
        if self._reactor is not None:
            self._greenlets.kill(timeout=HEARTBEAT_SECONDS)
            self._reactor.stop()

    def adopt(self, client: Any, address: Any) -> None:
        """Adopt a new connection. Called in the hub."""
        self._keep(client.detach())

    def timeout_ctx(self) -> Any:
        """Bound the time for a head: silent connections are on the reactor."""
        if self._reactor is None:
            return super().timeout_ctx()
        seconds = min(HEAD_SECONDS, self.cfg.keepalive)
        return gevent.Timeout(seconds, False)  # pyright: ignore[reportArgumentType] - False ends the block without an exception

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Serve one request in its greenlet, and return the connection to the reactor."""
        super().handle_request(listener_name, req, sock, addr)
        if self._reactor is not None and not _has_read_ahead(req):
            self._clients.discard(sock)
            self._keep(sock.detach())
            raise StopIteration  # ends gunicorn's loop over the requests of this connection
        return True

    def _keep(self, fd: int) -> None:
        assert self._reactor is not None  # noqa: S101 - callers have checked it
        self._reactor.adopt(fd)

    def _serve(self, fd: int, read: bytes) -> None:
        client = _HandedOverSocket(self._family, fd, read)
        self._clients.add(client)
        try:
            address = client.getpeername()
        except OSError:  # the client left
            client.close()
            self._forget(client)
            return
        self._greenlets.spawn(self.handle, self._address, client, address)

    def _send_rest(self, fd: int, rest: bytes, keeps_alive: bool) -> None:
        client = _HandedOverSocket(self._family, fd, b"")
        self._clients.add(client)
        self._greenlets.spawn(self._send_slowly, client, rest, keeps_alive)

    def _send_slowly(self, client: Any, rest: bytes, keeps_alive: bool) -> None:
        """Send the rest of a response to a client that reads slowly."""
        try:
            client.settimeout(transfer.STALLED_SECONDS)
            client.sendall(rest)
        except OSError:
            client.close()
        else:
            if keeps_alive:
                self._keep(client.detach())
            else:
                close_after_response(client)
        finally:
            self._forget(client)

    def _forget(self, client: Any) -> None:
        super()._forget(client)
        if self._reactor is not None:
            self._accept_again()

    def _accept_again(self) -> None:
        for listener in self._servers:
            cast("_Listener", listener).accept_again()

    def _stop_reading(self) -> None:
        super()._stop_reading()
        if self._reactor is not None:
            self._reactor.stop_reading()


def _has_read_ahead(req: Any) -> bool:
    """Return whether bytes of the next request were read with this one."""
    ahead = req.unreader.take_buffered()
    req.unreader.unread(ahead)
    return bool(ahead)

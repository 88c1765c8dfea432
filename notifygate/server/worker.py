"""gunicorn's gevent worker, taught to stop quickly and without an error for anyone who is held."""

import gc
import logging
import socket
import sys
import time
from types import FrameType
from typing import Any

import gevent
import orjson
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine
from gunicorn.http.errors import ParseException as RequestParseError
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from notifygate.domain.ids import new_request_id
from notifygate.holds.raw_socket import raw_socket
from notifygate.problem_catalogue import CATALOGUE, problem_document
from notifygate.server.desk import desk_of_this_process

logger = logging.getLogger(__name__)

STALLED_SECONDS = 90
"""How long a client may send nothing of a body, or take nothing of an answer. Longer than gunicorn's keep-alive, which
ends idle connections first."""

LINGER_SECONDS = 1.0
"""How long connections are still listened to after the gateway was told to stop: time for a client that was just
answered to ask once more on its connection, and to be told there when to come back."""

GARBAGE_THRESHOLDS = 20_000, 10, 20
"""After how many new objects, and then rounds, the generations are searched. Python's 700 are a few answers' worth."""

NEXT_START_SECONDS = 1.0
"""How long gunicorn is kept from starting the next worker where one could not start."""

CLOSE_CONNECTION = "notifygate.close_connection"
"""In a request's environ: to be called where its body could not be read to the end, since nobody knows then where the
next request would begin."""


def _write_nothing(*_: object) -> None:
    """Stand in for gunicorn's access log."""


class GatewayWorker(GeventWorker):
    """Ends every hold when it is told to stop, lets go of clients that say nothing, and leaves the rest to gunicorn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clients: set[Any] = set()
        """The connections that greenlets serve."""
        self._is_quitting = False
        self._is_draining = False
        # The gateway writes its own access lines; gunicorn would gather all that its format might want for each.
        self.log.access = _write_nothing  # pyright: ignore[reportAttributeAccessIssue] - it takes anything

    def run(self) -> None:
        """Serve."""
        for sock in self.sockets:
            # Connections inherit it. Phones that lose their network never say so.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._serve_connections()

    def _serve_connections(self) -> None:
        super().run()

    def load_wsgi(self) -> None:
        """Load the application, and let it say that a connection can't be used any further (CLOSE_CONNECTION).

        Only the first worker can end the gateway by refusing to start.
        """
        try:
            super().load_wsgi()
        except SystemExit:
            if self.age == 1:
                raise  # gunicorn is told that the gateway can't start, and ends
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
        client.settimeout(STALLED_SECONDS)
        self._clients.add(client)
        try:
            AsyncWorker.handle(self, listener, client, addr)  # GeventWorker's own would take the time-out away
        finally:
            self._clients.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Serve one request."""
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:  # gunicorn ends a connection by an exception
            if not self.alive:  # this was the one with which max_requests was reached
                self._drain_soon()
        return True

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that gunicorn can't read, or that fails outside the application, with a problem.

        gunicorn's own answer and log line quote the request: a header that lacks its colon may be a credential, and a
        URL may hold a notification's text.
        """
        if isinstance(exc, LimitRequestLine):
            code = "uri-too-long"
        elif isinstance(exc, LimitRequestHeaders):
            code = "headers-too-large"
        elif isinstance(exc, RequestParseError):
            code = "invalid-request"
        else:
            code = "internal"
        request_id = new_request_id()
        defect = exc if code == "internal" else None
        logger.warning("Not served: %s", type(exc).__name__, exc_info=defect, extra={"request_id": request_id})
        problem = CATALOGUE[code]
        detail = problem.advice if defect else "The request can't be read as HTTP/1.1."
        body = orjson.dumps(problem_document(code, detail, request_id))
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\nConnection: close\r\nX-Request-Id: {request_id}\r\n"
            f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:
            logger.debug("A client that sent what can't be read has gone")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully (SIGTERM)."""
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
        desk_of_this_process().drain()
        linger = gevent.get_hub().loop.timer(LINGER_SECONDS)
        linger.start(self._listen_no_more)

    def _listen_no_more(self) -> None:
        """End what the clients can still say, not what is still being said to them.

        Idle connections and half-sent requests end with it, each of which would hold the worker back for its time-out.
        """
        for client in list(self._clients):
            try:
                raw_socket(client).shutdown(socket.SHUT_RD)
            except OSError:
                self._clients.discard(client)  # the client was faster

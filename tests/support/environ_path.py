"""The other way in this process: gunicorn's parser makes an environ of a request, and Flask answers it."""

import socket
from typing import Any, cast

from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from notifygate.server import worker
from tests.support.in_process import InProcessGateway

assert cast(Any, wsgi).SERVER == worker.SERVER_NAME, "the module of the gateway's worker has set it"

PEER = ("127.0.0.1", 50_000)

CONFIG = Config()
for name, value in (
    ("limit_request_line", 8190),
    ("limit_request_field_size", 8190),
    ("forwarder_headers", ""),
):  # as gunicorn.conf.py has them
    CONFIG.set(name, value)


def parse(data: bytes) -> Request:
    """Return the first request as gunicorn reads it. Raises gunicorn's errors for a bad request."""
    return next(RequestParser(CONFIG, iter([data]), PEER))


def environ_of(request: Request, server: Any = None) -> tuple[Any, dict[str, Any]]:
    """Return gunicorn's response, still empty, and the environ for the application."""
    return wsgi.create(request, server, PEER, ("127.0.0.1", 80), CONFIG)


def answer_by_environ(app: InProcessGateway, data: bytes) -> tuple[bytes, bool]:
    """Return the response to a request, after its wait, and whether the connection stays open."""
    server, client = socket.socketpair()
    with server, client:
        response, environ = environ_of(parse(data), server)
        body: Any = app.app(environ, response.start_response)
        for piece in body:
            response.write(piece)
        response.close()
        body.close()
        server.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65536), b""))
    return received, not response.should_close()

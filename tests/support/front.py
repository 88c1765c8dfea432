"""A proxy in front of a server on this machine."""

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
from gevent.server import StreamServer
from gevent.socket import SHUT_WR, create_connection, socket

from tests.support.certificates import make_certificate


class Front:
    """Forwards all bytes, at most `piece_bytes` of the server's at a time; with `context` it terminates TLS."""

    def __init__(
        self,
        target_port: int,
        *,
        port: int = 0,
        context: ssl.SSLContext | None = None,
        piece_bytes: int | None = None,
    ) -> None:
        """`port`: the port to listen on, any free one if it is 0."""
        self._target_port = target_port
        self._piece_bytes = piece_bytes
        options: dict[str, Any] = {} if context is None else {"ssl_context": context}
        self._server = StreamServer(("127.0.0.1", port), self._serve, **options)
        self._server.start()
        self.port = int(self._server.address[1])

    def close(self) -> None:
        """Accept no more connections, and end the present ones."""
        self._server.stop(timeout=0)

    def _serve(self, client: socket, _: object) -> None:
        with create_connection(("127.0.0.1", self._target_port)) as target:
            there = gevent.spawn(_pass_on, client, target)
            _pass_on(target, client, self._piece_bytes)
            there.join()


def tls_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a context for a front with TLS, and the file with the certificate that its clients must trust."""
    certificate, key = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def _pass_on(source: socket, target: socket, piece_bytes: int | None = None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            step = piece_bytes or len(data)
            for start in range(0, len(data), step):
                target.sendall(data[start : start + step])
                gevent.sleep(1e-6)  # through the loop once, so that the other end reads each piece by itself
    with suppress(OSError):
        target.shutdown(SHUT_WR)

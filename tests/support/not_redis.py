"""A server that answers everything with a simple string, as no Redis does: redis-py raises errors of other types."""

from typing import Any

from gevent.server import StreamServer


class NotRedis:
    """Answers each command with `+OK`."""

    def __init__(self, port: int = 0) -> None:
        """`port`: the port to listen on, any free one if it is 0."""
        self.accepted = 0
        self.connected = 0
        self._server = StreamServer(("127.0.0.1", port), self._serve)
        self._server.start()
        self.url = f"redis://127.0.0.1:{self._server.address[1]}/0"

    def close(self) -> None:
        """Accept no more connections; the present ones stay until their clients end them."""
        self._server.close()

    def _serve(self, client: Any, _: object) -> None:
        self.accepted += 1
        self.connected += 1
        try:
            while data := client.recv(65536):
                client.sendall(b"+OK\r\n" * data.count(b"*"))  # with which each command begins
        finally:
            self.connected -= 1

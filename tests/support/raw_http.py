"""HTTP over a bare socket, for tests of the bytes of a connection, their times and its end."""

import socket
import struct
from typing import Self
from urllib.parse import urlencode, urlsplit

from tests.support.site import Publisher, Recipient


class RawAnswer:
    """A status, headers with names in lower case, and a body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class RawConnection:
    """One TCP connection to a gateway."""

    def __init__(self, url: str, *, timeout_seconds: float = 20.0, receive_buffer: int | None = None) -> None:
        """`receive_buffer`: the size of the kernel's receive buffer in bytes, if it has to be small."""
        address = urlsplit(url)
        assert address.hostname
        assert address.port
        self.socket = socket.socket()
        self.socket.settimeout(timeout_seconds)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((address.hostname, address.port))
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: str | bytes) -> None:
        """Send bytes, or text in Latin-1."""
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def receive(self) -> RawAnswer:
        """Read one response with a Content-Length. Raises EOFError if the connection ends before."""
        while b"\r\n\r\n" not in self._received:
            self._receive_more()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        self._received = rest
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._received) < length:
            self._receive_more()
        body, self._received = self._received[:length], self._received[length:]
        return RawAnswer(int(first.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Wait until the gateway closes the connection; return whether it did so without sending anything more."""
        try:
            return self._received == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def reset(self) -> None:
        """Reset the connection, as for a phone that lost its network."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _receive_more(self) -> None:
        more = self.socket.recv(65536)
        if not more:
            raise EOFError(f"the connection ended after {self._received!r}")
        self._received += more


def poll_text(
    recipient: Recipient, cursor: str | None, *, version: str = "1.1", headers: str = "", **query: int
) -> str:
    """Return the text of a poll's request."""
    parameters = urlencode({**({"cursor": cursor} if cursor else {}), **query})
    return (
        f"GET /v1/inbox?{parameters} HTTP/{version}\r\nHost: gateway\r\n"
        f"Authorization: Bearer {recipient.token}\r\n{headers}\r\n"
    )


def post_text(publisher: Publisher, framing: str, body: str = "", path: str = "/v1/notifications") -> str:
    """Return the text of a request that publishes; `framing` is its Content-Length or Transfer-Encoding."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
        f"Content-Type: application/json\r\n{framing}\r\n\r\n{body}"
    )

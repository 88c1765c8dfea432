"""Time bounds for clients that send or read slowly: what counts is progress, whatever the size.

A body has to arrive within BODY_SECONDS in all: it is at most 64 KiB, and each one costs a greenlet. An answer may be
megabytes long, so that a slow client gets all of it as long as it goes on reading.
"""

import fcntl
import termios
import time
from contextlib import suppress
from typing import Any

import gevent

STALLED_SECONDS = 90
"""How long a client may take nothing of an answer. Longer than gunicorn's keep-alive, which ends idle connections
first."""

BODY_SECONDS = 90
"""How long the body of a request may take, from the end of its head."""

PIECE_BYTES = 64 * 1024
"""What is handed to the socket at once. TLS encrypts and sends a piece as a whole."""


class BodySource:
    """Stands for the connection where gunicorn reads a body, and bounds the time that all of it takes."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ends_at = time.monotonic() + BODY_SECONDS

    def recv(self, size: int) -> bytes:
        """Receive, as sockets do. Raises TimeoutError at the end of the time."""
        with gevent.Timeout(max(0.0, self._ends_at - time.monotonic()), TimeoutError):
            return self._client.recv(size)


def send_all(client: Any, data: Any) -> None:
    """Send all of `data`. Raises TimeoutError if the client takes nothing for the time-out of its socket.

    gevent's own `sendall` bounds the whole by that time-out. And a socket becomes writable only when a third of what it
    holds was taken: at some KB/s, a buffer of megabytes needs longer than the time-out for that, while it drains.
    """
    rest = memoryview(data)
    while rest:
        untaken = _untaken_bytes(client)
        try:
            sent = client.send(rest[:PIECE_BYTES])
        except TimeoutError:
            if _untaken_bytes(client) >= untaken:
                raise
        else:
            rest = rest[sent:]


def _untaken_bytes(client: Any) -> int:
    """Return how much of what was sent the client's side has not acknowledged (SIOCOUTQ, tcp(7))."""
    with suppress(OSError):  # Linux has it; elsewhere, only a writable socket shows progress
        return int.from_bytes(fcntl.ioctl(client.fileno(), termios.TIOCOUTQ, bytes(4)), "little")
    return 0

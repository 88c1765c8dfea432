"""Time bounds for clients that send or read slowly.

A body must arrive within BODY_SECONDS: it has at most 64 KiB, and each one costs a greenlet. A response may have
megabytes, so its bound is on progress: a slow client gets all of it while it continues to read.
"""

import fcntl
import termios
import time
from contextlib import suppress
from typing import Any

import gevent

STALLED_SECONDS = 90
"""Maximum time without progress of a response. Longer than gunicorn's keep-alive, which ends idle connections first."""

BODY_SECONDS = 90
"""Time for the body of a request, from the end of its head."""

PIECE_BYTES = 64 * 1024
"""Bytes of one call of `send`. TLS encrypts and sends a piece as a whole."""


class BodySource:
    """Replaces the connection while gunicorn reads a body, and bounds the time for all of it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ends_at = time.monotonic() + BODY_SECONDS

    def recv(self, size: int) -> bytes:
        """Receive bytes, as `socket.recv`. Raises TimeoutError after BODY_SECONDS in all."""
        with gevent.Timeout(max(0.0, self._ends_at - time.monotonic()), TimeoutError):
            return self._client.recv(size)


def send_all(client: Any, data: Any) -> None:
    """Send all of `data`. Raises TimeoutError if the client reads nothing for the time-out of its socket.

    gevent's own `sendall` bounds the whole by that time-out. And a socket becomes writable only when a third of its
    buffer is free: at some KB/s, a buffer of megabytes needs longer than the time-out for that, although it drains.
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
    """Return the number of sent bytes that the client's side has not acknowledged (SIOCOUTQ, tcp(7))."""
    with suppress(OSError):  # Linux only; elsewhere, only a writable socket shows progress
        return int.from_bytes(fcntl.ioctl(client.fileno(), termios.TIOCOUTQ, bytes(4)), "little")
    return 0

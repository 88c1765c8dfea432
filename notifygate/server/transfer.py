"""Time bounds for clients that send or read slowly.

A body must arrive within BODY_SECONDS: it has at most 64 KiB, and each one costs a greenlet. A response may have
megabytes, so its bound is on progress: a slow client gets all of it while it continues to read.
"""

import fcntl
import logging
import termios
import time
from contextlib import suppress
from typing import Any

import gevent

from notifygate.protocol.request import MAX_BODY_BYTES

logger = logging.getLogger(__name__)

STALLED_SECONDS = 90
"""Maximum time without progress of a response. Longer than gunicorn's keep-alive, which ends idle connections first."""

BODY_SECONDS = 90
"""Time for the body of a request, from the end of its head."""

UNREAD_BODY_SECONDS = 10
"""Time for the rest of a body that its response did not need. Clients send it right after the head."""

PIECE_BYTES = 64 * 1024
"""Bytes of one call of `send`. TLS encrypts and sends a piece as a whole."""


class BodySource:
    """Replaces the connection while gunicorn reads a body, and bounds the time for all of it."""

    def __init__(self, client: Any, seconds: float) -> None:
        self._client = client
        self._ends_at = time.monotonic() + seconds

    def recv(self, size: int) -> bytes:
        """Receive bytes, as `socket.recv`. Raises TimeoutError once the time for the body is over."""
        left = self._ends_at - time.monotonic()
        if left <= 0:  # a time-out fires only in a greenlet that waits, not where bytes are always there
            raise TimeoutError
        with gevent.Timeout(left, TimeoutError):
            return self._client.recv(size)


def finish_body(req: Any, client: Any) -> bool:
    """Read the rest of a request's body after its response; return whether the next request can be read.

    It can't after a malformed body, and after one that does not end within MAX_BODY_BYTES and UNREAD_BODY_SECONDS.
    Raises nothing: gunicorn would answer an error with a second response.
    """
    if req.body.failed:
        return False
    req.unreader.sock = BodySource(client, UNREAD_BODY_SECONDS)
    try:
        return len(req.body.read(MAX_BODY_BYTES + 1)) <= MAX_BODY_BYTES
    except Exception as error:  # of any type: gunicorn's for malformed chunks, the socket's, …
        logger.debug("The rest of a body can't be read: %s", type(error).__name__)
        return False


def send_all(client: Any, data: Any) -> None:
    """Send all of `data`. Raises TimeoutError if the client reads nothing for the time-out of its socket.

    gevent's own `sendall` bounds the whole by that time-out. And a socket becomes writable only when a third of its
    buffer is free: at some KB/s, a buffer of megabytes needs longer than the time-out for that, although it drains.
    """
    rest = memoryview(data)
    while rest:
        unacknowledged = _unacknowledged_bytes(client)
        try:
            sent = client.send(rest[:PIECE_BYTES])
        except TimeoutError:
            if _unacknowledged_bytes(client) >= unacknowledged:
                raise
        else:
            rest = rest[sent:]


def _unacknowledged_bytes(client: Any) -> int:
    """Return the number of sent bytes that the client's side has not acknowledged (SIOCOUTQ, tcp(7))."""
    with suppress(OSError):  # Linux only; elsewhere, only a writable socket shows progress
        return int.from_bytes(fcntl.ioctl(client.fileno(), termios.TIOCOUTQ, bytes(4)), "little")
    return 0

"""A connection without a greenlet, and its states.

    idle     waits for a request
        working  a greenlet makes the response, or the response is ready and is sent with the others of this turn
    held     waits for changes with a parked request
    closing  the sending side is closed; bytes that arrive are discarded until the client closes its own
    left     is closed, or belongs to a greenlet

Neither a deadline nor a client that closes its sending side ends a connection in `working`: its response comes first.
"""

import fcntl
import logging
import termios
from collections.abc import Mapping
from typing import Literal, Protocol

from gevent.monkey import get_original

from notifygate.server.deadlines import Timed
from notifygate.server.handler import Outgoing, ParkedRequest

logger = logging.getLogger(__name__)

State = Literal["idle", "working", "held", "closing", "left"]
"""The states of a connection, see the module's docstring."""

Event = Literal["begin", "answer", "park", "sent", "end", "leave"]
"""The events that change the state of a connection."""

TRANSITIONS: Mapping[Event, Mapping[State, State]] = {
    "begin": {"idle": "working"},
    "answer": {"idle": "working", "working": "working", "held": "working"},
    "park": {"idle": "held", "working": "held"},
    "sent": {"working": "idle", "held": "idle"},
    "end": {"idle": "closing", "working": "closing", "held": "closing"},
    "leave": {"idle": "left", "working": "left", "held": "left", "closing": "left"},
}
"""All transitions, from old states to new ones; only `Connection.change` makes them."""


class Outbox(Protocol):
    """The reactor's queue of responses."""

    def send_soon(self, outgoing: Outgoing) -> None:
        """Send a response together with the others of this turn."""
        ...


class Connection(Timed):
    """One connection. See `handler.Client`."""

    __slots__ = ("_outbox", "fd", "has_received", "held", "state")

    def __init__(self, outbox: Outbox, fd: int) -> None:
        super().__init__()
        self._outbox = outbox
        self.fd = fd
        """-1 once it is closed or belongs to a greenlet."""
        self.state: State = "idle"
        self.held: ParkedRequest | None = None
        """The request that waits, in state `held`."""
        self.has_received = False
        """Whether the socket may have unread bytes that epoll has reported already."""

    @property
    def is_gone(self) -> bool:
        """See `handler.Client`."""
        return self.state == "left" or self.state == "closing"

    def change(self, event: Event, held: ParkedRequest | None = None) -> None:
        """Make a transition. Raises KeyError for an event that is impossible in the present state."""
        self.state = TRANSITIONS[event][self.state]
        self.held = held

    def answer(self, data: bytes, *, keep_alive: bool) -> None:
        """See `handler.Client`."""
        if self.is_gone:  # while a greenlet made the response
            return
        self.change("answer")
        self._outbox.send_soon((self, data, keep_alive))


def has_unread(fd: int) -> bool:
    """Return whether a socket has received bytes that were not read."""
    return fcntl.ioctl(fd, termios.FIONREAD, bytes(4)) != bytes(4)


def shut(fd: int, side: int) -> None:
    """Shut a side of a connection: SHUT_WR after the bytes that wait to be sent, SHUT_RD after those that arrived."""
    connection = get_original("socket", "socket")(fileno=fd)
    try:
        connection.shutdown(side)
    except OSError:
        logger.debug("The client closed the connection first")
    finally:
        connection.detach()

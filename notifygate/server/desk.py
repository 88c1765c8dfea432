"""What the server asks of the application: the desk, where plain requests are answered.

The server knows connections and bytes; who asks, what is new for them and how that is said is the desk's business
(`notifygate.api.desk`). `wsgi.py` brings both together.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from notifygate.server.plain_request import PlainRequest

SERVER_NAME = "notifygate"
"""What every answer carries as `Server` (RFC 9110 section 10.2.4): without a version, which helps attackers only."""


class Caller(Protocol):
    """A connection, as the desk knows it."""

    @property
    def is_gone(self) -> bool:
        """Whether its client has left."""
        ...

    def answer(self, data: bytes, *, keeps_alive: bool) -> None:
        """Send the answer to a poll that was held, with others of this turn, and go on or close the connection."""
        ...


Answer = tuple[Caller, bytes, bool]
"""To whom, what, and whether their connection is kept."""

Sender = Callable[[Sequence[Answer]], None]
"""Sends answers to polls that were held right away: those that were made together wait for no others."""


class HeldPoll(Protocol):
    """A poll that waits, as the server knows it."""

    deadline: float
    """`time.monotonic()` at which the wait is over."""

    def time_is_over(self) -> None:
        """End the wait with whatever there is to say then. Called in the hub."""
        ...

    def client_is_gone(self) -> bytes:
        """Forget the poll; return what a client is told that has only closed its sending side."""
        ...


class Repeat(Protocol):
    """A poll that was answered with 304 and may be asked again."""

    @property
    def held_bytes(self) -> int:
        """What remembering it takes of the memory, at most, besides what is kept without it as well."""
        ...

    def again(self, now: float) -> bytes | None:
        """Return the same answer if it still holds at `now` (`time.time()`); None if the desk has to look."""
        ...


class Reply:
    """The desk's answer to a request."""

    __slots__ = ("data", "keeps_alive", "make_repeat")

    def __init__(self, data: bytes, keeps_alive: bool, make_repeat: Callable[[], Repeat] | None = None) -> None:
        self.data = data
        self.keeps_alive = keeps_alive
        self.make_repeat = make_repeat
        """Returns what the answer rested on, for when the same is asked again; None where that can't be answered so."""


class Desk(Protocol):
    """Answers plain requests."""

    def take(self, request: PlainRequest, caller: Caller) -> Reply | HeldPoll | None:
        """Answer a request, or hold it; None if it is for the ordinary way.

        Called in the hub, where it answers from memory. Raises WouldWaitError if that is not enough; called again
        from a greenlet it may use the database.
        """
        ...

    def start(self, send: Sender) -> None:
        """Begin: the worker has its application."""
        ...

    def drain(self) -> None:
        """The worker was told to stop: end all holds, let no connection be kept."""
        ...


_desks: list[Desk] = []


def serve_at(desk: Desk) -> None:
    """Have this process's worker bring plain requests to a desk."""
    _desks[:] = [desk]


def desk_of_this_process() -> Desk:
    """Return the desk that the application has registered."""
    return _desks[0]

"""The server's interface to the application: a handler for the requests that `plain_request` can parse.

The server knows connections and bytes; the handler (`notifygate.fastpath`) knows authentication, the inbox and the form
of responses. `wsgi.py` connects the two.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from notifygate.protocol.request import Request


class Client(Protocol):
    """The handler's view of a connection."""

    @property
    def is_gone(self) -> bool:
        """Whether it was closed."""
        ...

    def answer(self, data: bytes, *, keep_alive: bool) -> None:
        """Send the response to a held request, together with the others of this turn; do nothing if the client left."""
        ...


Outgoing = tuple[Client, bytes, bool]
"""A connection, the response, and whether the connection stays open."""

Sender = Callable[[Sequence[Outgoing]], None]
"""Sends responses to held requests at once."""


class ParkedRequest(Protocol):
    """The server's view of a request that waits."""

    deadline: float
    """`Clock.monotonic` at which the wait ends."""

    def expire(self) -> None:
        """Answer the request, since its wait has ended. Called in the hub."""
        ...

    def abandon(self) -> bytes:
        """Drop the request; return the response for a connection that is only half closed."""
        ...


class Revalidation(Protocol):
    """A request that was answered with 304 and may be repeated."""

    @property
    def held_bytes(self) -> int:
        """Maximum memory that is used for remembering it, in bytes, without objects that are in memory anyway."""
        ...

    def response_at(self, now: float) -> bytes | None:
        """Return the same response if it is still valid at `now` (`time.time()`), else None."""
        ...


class Reply:
    """A response that is ready."""

    __slots__ = ("data", "keep_alive", "make_revalidation")

    def __init__(
        self, data: bytes, keep_alive: bool, make_revalidation: Callable[[], Revalidation] | None = None
    ) -> None:
        self.data = data
        self.keep_alive = keep_alive
        self.make_revalidation = make_revalidation
        """Returns the preconditions of a 304, for repetitions of the request; None for other responses."""


class Deferred:
    """A request that needs the database: `run` answers it in a greenlet, as `Handler.take` does in the hub."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[], "Reply | ParkedRequest | None"]) -> None:
        self.run = run


class Handler(Protocol):
    """Answers requests."""

    def take(self, request: Request, client: Client) -> Reply | ParkedRequest | Deferred | None:
        """Answer a request, park it, or defer it; None if it is for gunicorn's parser and Flask. Called in the hub."""
        ...

    def start(self, send: Sender) -> None:
        """Start the handler, before the worker serves. `send` sends responses to held requests."""
        ...

    def record_rejected(self, status: int) -> str:
        """Record the response to a request that can't be parsed, in the log and in metrics; return its request id."""
        ...

    def drain(self) -> None:
        """End all holds, and close each connection after its response: the worker stops."""
        ...


_handlers: list[Handler] = []


def register_handler(handler: Handler) -> None:
    """Set the handler of this process's worker."""
    _handlers[:] = [handler]


def registered_handler() -> Handler:
    """Return the handler of this process's worker."""
    return _handlers[0]

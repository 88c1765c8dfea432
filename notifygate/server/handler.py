"""What the server asks of the application: a handler for the requests that `plain_request` can read.

The server knows connections and bytes; authentication, the inbox and the form of responses are the handler's
(`notifygate.fastpath`). `wsgi.py` connects the two.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from notifygate.protocol.request import Request


class Client(Protocol):
    """A connection, as the handler knows it."""

    @property
    def is_gone(self) -> bool:
        """Whether it was closed."""
        ...

    def answer(self, data: bytes, *, keep_alive: bool) -> None:
        """Send the response to a held request, together with others of this turn; nothing if the client is gone."""
        ...


Outgoing = tuple[Client, bytes, bool]
"""A connection, the response, and whether the connection stays open."""

Sender = Callable[[Sequence[Outgoing]], None]
"""Sends responses to held requests right away."""


class ParkedRequest(Protocol):
    """A request that waits, as the server knows it."""

    deadline: float
    """`time.monotonic()` at which the wait ends."""

    def expire(self) -> None:
        """Answer with whatever is there. Called in the hub."""
        ...

    def abandon(self) -> bytes:
        """Drop the request; return the response for a connection that was only half closed."""
        ...


class Revalidation(Protocol):
    """A request that was answered with 304 and may be repeated."""

    @property
    def held_bytes(self) -> int:
        """What remembering it takes of the memory, at most, besides what is kept without it as well."""
        ...

    def response_at(self, now: float) -> bytes | None:
        """Return the same response if it is still right at `now` (`time.time()`), else None."""
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
        """Returns what a 304 rests on, for when the same request comes again; None for other responses."""


class Deferred:
    """A request that has to wait for the database: `run` does in a greenlet what `Handler.take` does in the hub."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[], "Reply | ParkedRequest | None"]) -> None:
        self.run = run


class Handler(Protocol):
    """Answers requests."""

    def take(self, request: Request, client: Client) -> Reply | ParkedRequest | Deferred | None:
        """Answer a request, park it, or defer it; None if it is for gunicorn's parser and Flask. Called in the hub."""
        ...

    def start(self, send: Sender) -> None:
        """Begin: the worker serves from now on."""
        ...

    def drain(self) -> None:
        """End all holds and keep no connection: the worker stops."""
        ...


_handlers: list[Handler] = []


def register_handler(handler: Handler) -> None:
    """Let this process's worker use a handler."""
    _handlers[:] = [handler]


def registered_handler() -> Handler:
    """Return the handler that the application has registered."""
    return _handlers[0]

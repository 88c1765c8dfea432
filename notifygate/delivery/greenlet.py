"""Holds that wait in the greenlet of their request, and the detection of clients that leave."""

import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gevent import get_hub
from gevent.event import Event

from notifygate.delivery.hold import Hold
from notifygate.delivery.registry import HoldRegistry
from notifygate.raw_socket import raw_socket

R = TypeVar("R")


class _GreenletTransport:
    """The transport of one hold: resumes the greenlet, which sends the response."""

    def __init__(self, registry: HoldRegistry) -> None:
        self._registry = registry
        self.event = Event()

    def deliver_many(self, holds: Sequence[Hold[Any]]) -> None:
        """See `Transport`."""
        self.event.set()

    def expire(self, hold: Hold[Any]) -> None:
        """See `Transport`."""
        self._registry.leave(hold, "timeout")
        self.event.set()

    def abandon(self, hold: Hold[Any]) -> bytes:
        """See `Transport`."""
        self._registry.leave(hold, "gone")
        self.event.set()
        return b""


def wait_in_greenlet(registry: HoldRegistry, hold: Hold[R], client: socket.socket | None) -> R | None:
    """Hold a request in the current greenlet. Return its response; None if the client left."""
    transport, clock = _GreenletTransport(registry), registry.clock
    hold.transport = transport
    response = registry.begin(hold)
    while response is None:
        watch = _ClientWatch(client, hold.abandon) if client is not None else None
        try:
            clock.wait(transport.event, max(0.0, hold.deadline - clock.monotonic()))
        finally:
            if watch:
                watch.stop()
            hold.expire()  # unless it has ended otherwise
        transport.event.clear()
        if hold.reason == "gone":
            return None
        response = registry.conclude(hold)
    return response


class _ClientWatch:
    """Calls `on_gone` when the client closes its end of a connection.

    A readable socket means that it was closed or that the client sent its next request early. The bytes must stay in
    the socket for the server, so after an early request the socket reveals nothing more and the watch ends; the
    deadline of the hold remains.
    """

    def __init__(self, client: socket.socket, on_gone: Callable[[], object]) -> None:
        self._client = client
        self._on_gone = on_gone
        self._io = None
        if not isinstance(client, ssl.SSLSocket):  # encrypted bytes reveal nothing
            self._io = get_hub().loop.io(client.fileno(), 1)
            self._io.start(self._readable)

    def stop(self) -> None:
        """Stop watching."""
        if self._io is not None:
            self._io.stop()
            self._io.close()
            self._io = None

    def _readable(self) -> None:
        self.stop()
        try:
            gone = not raw_socket(self._client).recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._on_gone()

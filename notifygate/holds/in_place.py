"""Waiting in the request's own greenlet, and noticing that the client has gone meanwhile."""

import socket
import ssl
from collections.abc import Callable
from typing import Self

import gevent
from gevent.event import Event

from notifygate.holds.raw_socket import raw_socket
from notifygate.holds.room import Hold, HoldView, Reason, WaitingRoom


class _WaitingGreenlet(Hold):
    """A hold whose greenlet waits for an event."""

    __slots__ = ("event",)

    def __init__(self, view: HoldView) -> None:
        super().__init__(view)
        self.event = Event()

    def ended(self) -> None:
        """Let the greenlet go on."""
        self.event.set()


class InPlaceWait:
    """One wait of one request, as a context: registered on entry, gone on exit.

    Entered first, then the log is looked at once more, then `wait` is called: in that order no entry can slip between
    the look and the wait.
    """

    def __init__(self, room: WaitingRoom, view: HoldView) -> None:
        self._room = room
        self._hold = _WaitingGreenlet(view)

    def __enter__(self) -> Self:
        self._room.enter(self._hold)
        return self

    def __exit__(self, *_: object) -> None:
        self._room.leave(self._hold, "raced")

    @property
    def committed_at(self) -> float | None:
        """When what ended the wait was committed (`time.time()`), where that is known."""
        return self._hold.committed_at

    def wait(self, seconds: float, client: socket.socket | None) -> Reason:
        """Wait until the hold ends, at most `seconds`, or until the client has closed its end of `client`.

        Returns why it ended.
        """
        watch = _ClientWatch(client, self._client_gone) if client is not None else None
        try:
            self._hold.event.wait(seconds)
        finally:
            if watch:
                watch.stop()
        self._room.leave(self._hold, "timeout")
        return self._hold.reason or "timeout"

    def _client_gone(self) -> None:
        self._room.leave(self._hold, "gone")
        self._hold.event.set()


class _ClientWatch:
    """Calls back when the client's end of a connection is closed.

    The socket becoming readable means one of two things: it was closed, or the client sent its next request early.
    Bytes must stay where they are for the server, so after an early request there is nothing to learn from this
    socket any more and the watch ends; the hold's own end is the net.
    """

    def __init__(self, client: socket.socket, on_gone: Callable[[], None]) -> None:
        self._client = client
        self._on_gone = on_gone
        self._io = None
        if not isinstance(client, ssl.SSLSocket):  # its bytes say nothing without being decrypted
            self._io = gevent.get_hub().loop.io(client.fileno(), 1)
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

"""The reactor: all connections of this worker without a greenlet, idle or held.

Such a connection is a file descriptor, a small record and an entry in one epoll object, whose own descriptor gevent's
hub watches. The bytes of a readable connection are read in the hub. A plain request goes to the handler, which answers
it, in the hub or in a greenlet, or parks it. Any other request goes to a greenlet of gunicorn's, with the bytes that
were read, and the connection returns to the reactor afterwards. One timing wheel has all deadlines: the end of a hold,
the maximum idle time.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from select import EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLRDHUP
from socket import SHUT_RD, SHUT_WR
from typing import Any, cast

import gevent
from gevent.monkey import get_original

from notifygate.server.closing import CLOSING_SECONDS, DISCARDED_BYTES
from notifygate.server.connection import Connection, has_unread, shut
from notifygate.server.deadlines import TICKS_PER_SECOND, Deadlines
from notifygate.server.handler import Deferred, Handler, Outgoing, ParkedRequest, Reply
from notifygate.server.plain_request import read_request, repeat_key
from notifygate.server.repeats import Repeats

logger = logging.getLogger(__name__)

_WATCHED = EPOLLIN | EPOLLRDHUP | EPOLLET
"""Edge-triggered: early bytes of a held client are reported once and then stay in the socket."""

_GONE = EPOLLHUP | EPOLLERR
_BROKEN = EPOLLRDHUP | _GONE

READ_BYTES = 16 * 1024
"""Bytes of one read: more than the head of any usual request."""

EVENTS_PER_TURN = 256
"""Connections of a slice, after which the hub does other work: a millisecond or two of polls."""

_CLOSING_TICKS = math.ceil(CLOSING_SECONDS * TICKS_PER_SECOND)


class Reactor:
    """All connections without a greenlet.

    `serve` gets a connection's descriptor and the bytes that were read, and serves it in a greenlet; `send_rest` gets a
    descriptor, the rest of a response, and whether to keep the connection; `spawn` runs a function in a greenlet.
    `on_capacity` is called after a connection was closed. `idle_seconds`: maximum idle time of a connection.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        serve: Callable[[int, bytes], None],
        send_rest: Callable[[int, bytes, bool], None],
        spawn: Callable[..., Any],
        on_capacity: Callable[[], None],
        idle_seconds: float,
    ) -> None:
        self._handler = handler
        self._serve = serve
        self._send_rest = send_rest
        self._spawn = spawn
        self._on_capacity = on_capacity
        self._idle_ticks = math.ceil(idle_seconds * TICKS_PER_SECOND)
        self._connections: dict[int, Connection] = {}
        self._repeats = Repeats()
        self._epoll = get_original("select", "epoll")()  # gevent removes it, since its poll() may block the hub
        self._io = gevent.get_hub().loop.io(self._epoll.fileno(), 1)
        self._io.start(self._serve_readable)
        self._deadlines: Deadlines[Connection] = Deadlines(self._expire)
        self._outgoing: list[Outgoing] = []
        """Responses of this turn."""
        self._is_reading = True
        self.answered = 0
        """Number of requests answered by the reactor: the worker counts them against max_requests."""

    def __len__(self) -> int:
        return len(self._connections)

    def adopt(self, fd: int) -> None:
        """Take over a connection, new or after a request; bytes in its socket are reported at once."""
        connection = Connection(self, fd)
        self._connections[fd] = connection
        self._deadlines.set(connection, self._deadlines.next_tick + self._idle_ticks)
        self._epoll.register(fd, _WATCHED)
        if not self._is_reading:  # after a request that a greenlet served meanwhile
            self._end_unless_received(connection)

    def stop_reading(self) -> None:
        """Stop reading new requests; answer those already received, then close.

        A connection with a request ends after its response.
        """
        self._is_reading = False
        for connection in list(self._connections.values()):
            if connection.state == "idle":
                self._end_unless_received(connection)

    def stop(self) -> None:
        """Close all connections, at the end of the worker."""
        self._io.stop()
        self._deadlines.stop()
        for connection in list(self._connections.values()):
            self._close(connection)
        self._epoll.close()

    # --- Events of connections ----------------------------------------------------------------

    def _serve_readable(self) -> None:
        connections = self._connections
        now = time.time()
        for fd, events in self._epoll.poll(0, EVENTS_PER_TURN):
            connection = connections.get(fd)
            if connection is None:
                continue
            try:
                if connection.state == "idle":
                    self._handle_idle_event(connection, events, now)
                elif connection.state == "closing":
                    self._discard(connection)
                else:
                    self._handle_busy_event(connection, events)
            except Exception:  # a defect must not cost the others their events, which are reported just once
                logger.exception("Serving a connection failed; it is closed")
                self._close(connection)
        self._send_outgoing()

    def _handle_idle_event(self, connection: Connection, events: int, now: float) -> None:
        """Read the bytes of an idle connection."""
        try:
            data = os.read(connection.fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        if events & _BROKEN:  # the client's last request
            self._leave_to_greenlet(connection, data)
            return
        # Most requests repeat an earlier one, byte for byte: a key is its own `repeat_key`.
        key, repeat = data, self._repeats.get(data)
        if repeat is None:
            key = repeat_key(data)
            if key is not data:
                repeat = self._repeats.get(key)
        if repeat is not None:
            answer = repeat.response_at(now)
            if answer is not None:
                self._outgoing.append((connection, answer, True))  # sent in this very call: the connection stays idle
                return
            self._repeats.drop(key, repeat)
        self._handle_new(connection, data, key)

    def _handle_new(self, connection: Connection, data: bytes, key: bytes) -> None:
        """Dispatch a request that isn't repeated. `key`: its `repeat_key`."""
        if len(data) == READ_BYTES:  # the socket may have more, which is not reported again
            connection.has_received = True
        request = read_request(data)
        if request is None:
            self._leave_to_greenlet(connection, data)
            return
        reply = self._handler.take(request, connection)
        if isinstance(reply, Deferred):
            connection.change("begin")
            self._spawn(self._run_deferred, connection, reply, data, key)
        else:
            self._act_on(connection, reply, data, key)

    def _run_deferred(self, connection: Connection, deferred: Deferred, data: bytes, key: bytes) -> None:
        """Run a deferred request in a greenlet, which may use the database."""
        try:
            reply = deferred.run()
        except Exception:  # a defect: Flask must not repeat a request whose effects may be committed
            logger.exception("A request failed on the fast path; its connection is closed")
            self._close(connection)
            return
        if not connection.is_gone:
            self._act_on(connection, reply, data, key)
        elif reply is not None and not isinstance(reply, Reply):
            reply.abandon()

    def _act_on(self, connection: Connection, reply: Reply | ParkedRequest | None, data: bytes, key: bytes) -> None:
        if reply is None:
            self._leave_to_greenlet(connection, data)
        elif isinstance(reply, Reply):
            if reply.make_revalidation is not None:
                self._repeats.remember(key, reply.make_revalidation)
            connection.answer(reply.data, keep_alive=reply.keep_alive)
        else:
            connection.change("park", reply)
            self._deadlines.set(connection, int(reply.deadline * TICKS_PER_SECOND))
            if connection.has_received:
                self._watch_again(connection)

    def _leave_to_greenlet(self, connection: Connection, data: bytes) -> None:
        fd = self._release(connection)
        if not self._is_reading:  # half a request must not delay the stop
            shut(fd, SHUT_RD)
        self._serve(fd, data)

    def _handle_busy_event(self, connection: Connection, events: int) -> None:
        """Handle an event of a connection with a request: its client left, or sent its next request early.

        A client that sent another request and then closed its sending side may still read both responses; sending the
        first one shows it. A client that only closed its sending side ends its hold, but still gets a response that a
        greenlet makes.
        """
        has_left = events & _GONE
        if connection.held is not None and events & _BROKEN:
            has_left = has_left or not (events & EPOLLIN and has_unread(connection.fd))
        if has_left:
            # At once, so that a greenlet that works for this connection sees it (`is_gone`).
            held = connection.held
            self.send([(connection, b"" if held is None else held.abandon(), False)])
        else:
            connection.has_received = True

    # --- Sending ------------------------------------------------------------------------------

    def send_soon(self, outgoing: Outgoing) -> None:
        """See `connection.Outbox`."""
        if not self._outgoing:
            gevent.get_hub().loop.run_callback(self._send_outgoing)
        self._outgoing.append(outgoing)

    def _send_outgoing(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        self.send(outgoing)

    def send(self, answers: Sequence[Outgoing]) -> None:
        """Send responses, one right after the other. See `handler.Sender`.

        So the processor's caches don't switch between the kernel and Python for each, and a receiving process on the
        same machine doesn't fall asleep between two responses.
        """
        self.answered += len(answers)
        idle_until = self._deadlines.next_tick + self._idle_ticks
        # The clients are connections of this reactor: the handler gets requests of no others.
        for connection, data, keep_alive in cast("Sequence[tuple[Connection, bytes, bool]]", answers):
            try:
                sent = os.write(connection.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:  # its client left, or it was closed meanwhile and its descriptor is -1
                self._close(connection)
                continue
            try:
                if sent < len(data):  # the socket's buffer is full: a greenlet sends the rest
                    self._send_rest(self._release(connection), data[sent:], keep_alive)
                elif not keep_alive:
                    self._end(connection)
                else:
                    if connection.state != "idle":  # as it is for most, which repeat a poll
                        connection.change("sent")
                    self._deadlines.set(connection, idle_until)
                    if connection.has_received:
                        self._watch_again(connection)
                    if not self._is_reading:
                        self._end_unless_received(connection)
            except Exception:  # a defect must not cost the others their answers
                logger.exception("Sending a response failed; its connection is closed")
                self._close(connection)

    def _watch_again(self, connection: Connection) -> None:
        """Make epoll report unread bytes in the socket again."""
        connection.has_received = False
        self._epoll.modify(connection.fd, _WATCHED)

    # --- Deadlines ----------------------------------------------------------------------------

    def _expire(self, connection: Connection) -> None:
        """End the wait of a connection. A greenlet that makes a response has time-outs of its own."""
        if connection.state == "idle":
            self._end_unless_received(connection)
        elif connection.state == "closing":
            self._close(connection)
        elif connection.held is not None:
            try:
                connection.held.expire()
            except Exception:  # a defect must not stop the wheel
                logger.exception("Ending a held poll failed; its connection is closed")
                self._close(connection)

    # --- Leaving ------------------------------------------------------------------------------

    def _end_unless_received(self, connection: Connection) -> None:
        """End an idle connection, unless a request has arrived: epoll reports it next."""
        if not has_unread(connection.fd):
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        """End a connection so that its client gets the whole of the last response. See `closing`."""
        connection.change("end")
        shut(connection.fd, SHUT_WR)
        self._deadlines.set(connection, self._deadlines.next_tick + _CLOSING_TICKS)
        self._discard(connection)

    def _discard(self, connection: Connection) -> None:
        """Discard bytes of a closing connection, and close it if its client has closed its sending side."""
        try:
            data = os.read(connection.fd, DISCARDED_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._watch_again(connection)  # there may be more
        else:
            self._close(connection)

    def _release(self, connection: Connection) -> int:
        """Remove a connection and return its descriptor, which stays open."""
        connection.change("leave")
        fd, connection.fd = connection.fd, -1
        del self._connections[fd]
        self._deadlines.forget(connection)
        self._epoll.unregister(fd)
        return fd

    def _close(self, connection: Connection) -> None:
        if connection.state != "left":
            os.close(self._release(connection))
            self._on_capacity()

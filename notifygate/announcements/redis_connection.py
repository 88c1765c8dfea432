"""A connection to Redis that subscribes to one channel, publishes to it, and never waits: all in gevent's hub.

redis-py connects and logs in, with TLS and all; then the socket is read and written here, and hiredis parses what Redis
sends (RESP3, https://redis.io/docs/latest/develop/reference/protocol-spec/). A client of redis-py's takes a greenlet
that waits for it and one switch to and from it for each message, which is a good part of the time of a wake-up.

Only the replies to PUBLISH, SUBSCRIBE and PING and the messages of the channel are expected; anything else ends the
connection.
"""

import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

import gevent
from gevent.event import Event
from hiredis import HiredisError, PushNotification, Reader, ReplyError, pack_command  # pyright: ignore[reportUnknownVariableType]
from redis import Redis

from notifygate.redis_client import MasterChangedError, is_superseded

logger = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
"""Bytes of one read."""

MAX_FRAMING_BYTES = 1024
"""Maximum overhead of the protocol for a message: its kind, the channel and the sizes."""

MAX_UNSENT_BYTES = 1024 * 1024
"""Maximum of unsent bytes beyond the system's buffers, for a Redis that reads slowly. Past it, announcements are
dropped."""

_MAX_SIZE_DIGITS = 19
"""Digits of the sizes that hiredis accepts. It rejects a reply with a longer one, and `int` may, too."""

_READABLE, _WRITABLE = 1, 2

_INCOMPLETE = object()


class _UnexpectedReplyError(Exception):
    """Redis sent something that this connection does not expect."""


class RedisConnection:
    """A connection for one channel. Everything but `open` returns at once and may be called in the hub.

    `on_subscribed` is called when everything published from now on is received, `on_message` with each message,
    its own too, `on_error` with the code of an error reply from Redis, such as NOPERM. An exception of one of them is
    logged and ends the connection.

    A message of more than `max_message_bytes` is never collected: its bytes are dropped as they arrive, and
    `on_oversized` is called once. The connection stays, since ending it would make one long message cost every worker
    its subscription, half a second of wake-ups and a read of the database.
    """

    def __init__(
        self,
        redis: "Redis",
        channel: str,
        *,
        on_subscribed: Callable[[], None],
        on_message: Callable[[bytes], None],
        max_message_bytes: int,
        on_oversized: Callable[[], None],
        on_error: Callable[[str], None],
    ) -> None:
        pool = redis.connection_pool
        arguments: dict[str, Any] = pool.connection_kwargs
        # Only with RESP3 a connection that is subscribed may publish.
        self._connection = pool.connection_class(**dict(arguments, protocol=3))
        self._channel = channel.encode()
        self._on_subscribed = on_subscribed
        self._on_message = on_message
        self._max_message_bytes = max_message_bytes
        self._on_oversized = on_oversized
        self._on_error = on_error
        self._reader = Reader(notEnoughData=_INCOMPLETE)
        self._framing = b">3\r\n$7\r\nmessage\r\n$%d\r\n%b\r\n$" % (len(self._channel), self._channel)
        """The bytes before the size of a message."""
        self._to_drop = 0
        """Bytes of an oversized message that have not arrived yet."""
        self._unfinished = 0
        """Bytes of an incomplete message that the reader has, at least."""
        self._unsent = b""
        self._watchers: list[Any] = []
        """Those for reading and writing, from `open` to `close`."""
        self.lost = Event()
        """Set when the connection is of no use any more."""
        self.has_received = False
        """Set when Redis sends anything."""

    def open(self) -> None:
        """Connect and subscribe. Waits. Raises redis-py's errors, and any other if the handshake's replies are not
        those of Redis."""
        self._connection.connect()
        # Private to redis-py, which has nothing public that hands over the socket of a connection it has made.
        self._socket = cast(socket.socket, self._connection._get_socket())  # pyright: ignore[reportPrivateUsage]
        self._socket.setblocking(False)
        loop = gevent.get_hub().loop
        self._watchers = [loop.io(self._socket.fileno(), events) for events in (_READABLE, _WRITABLE)]
        self._reading, self._writing = self._watchers
        self._reading.start(self._read)
        self._send(_pack(b"SUBSCRIBE", self._channel))

    def check_master(self) -> None:
        """Raise MasterChangedError if Sentinels name another master than this connection's server. Waits for them."""
        if is_superseded(self._connection):
            raise MasterChangedError

    def close(self) -> None:
        """End the connection, also one that was never opened, or whose opening failed at any point."""
        self.lost.set()
        while self._watchers:
            watcher = self._watchers.pop()
            watcher.stop()
            watcher.close()
        self._connection.disconnect()

    def publish(self, message: bytes) -> bool:
        """Publish a message; False if it was dropped, since too much is waiting to be sent."""
        return self._send(_pack(b"PUBLISH", self._channel, message))

    def ping(self) -> None:
        """Make Redis send something."""
        self._send(_pack(b"PING"))

    # --- Sending ------------------------------------------------------------------------------

    def _send(self, command: bytes) -> bool:
        if not self._unsent:
            self._unsent = self._send_some(command)
            if self._unsent:
                self._writing.start(self._send_unsent)
        elif len(self._unsent) + len(command) > MAX_UNSENT_BYTES:
            return False
        else:
            self._unsent += command
        return True

    def _send_unsent(self) -> None:
        self._unsent = self._send_some(self._unsent)
        if not self._unsent:
            self._writing.stop()

    def _send_some(self, data: bytes) -> bytes:
        """Send what the system takes now; return the rest."""
        try:
            return data[self._socket.send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self._lose()
            return b""

    # --- Receiving ----------------------------------------------------------------------------

    @property
    def buffered_bytes(self) -> int:
        """How much of an incomplete message is kept."""
        return self._reader.len()

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self.has_received = True
        try:
            self._receive(data)
        except (HiredisError, _UnexpectedReplyError):
            self._lose()
        except Exception:  # a defect: gevent would only stop watching the socket
            logger.exception("Processing a message from Redis failed; the connection is closed")
            self._lose()

    def _receive(self, data: bytes) -> None:
        """Parse all but the oversized messages.

        hiredis has no bound for a message and would collect it whole, so the announced sizes are read before. The
        beginning of a message may also occur inside another one: it is a beginning if the reader has nothing incomplete
        there.
        """
        at = self._drop(data, 0)
        begins_at = data.find(self._framing, at)
        while begins_at >= 0:
            size_at = begins_at + len(self._framing)
            size_end = data.find(b"\r\n", size_at)
            size = data[size_at:size_end]
            if size.isdigit() and 0 <= size_end <= size_at + _MAX_SIZE_DIGITS and int(size) > self._max_message_bytes:
                self._parse(data, at, begins_at)
                at = begins_at
                if not self._reader.has_data():
                    self._on_oversized()
                    self._to_drop = int(size) + len(b"\r\n")
                    at = self._drop(data, size_end + len(b"\r\n"))
            begins_at = data.find(self._framing, max(at, size_at))
        self._parse(data, at, len(data))

    def _drop(self, data: bytes, start: int) -> int:
        """Drop what belongs to an oversized message from a place on; return where the rest begins."""
        dropped = min(self._to_drop, len(data) - start)
        self._to_drop -= dropped
        return start + dropped

    def _parse(self, data: bytes, start: int, end: int) -> None:
        """Act on all messages that are complete with this part of `data`.

        Raises _UnexpectedReplyError or HiredisError for anything that is not expected.
        """
        if start == end:
            return
        self._reader.feed(data, start, end - start)
        self._unfinished += end - start
        while (reply := self._reader.gets()) is not _INCOMPLETE:
            self._unfinished = 0
            self._act_on(reply)
        # A size that came in two pieces was not read above; other kinds of replies have no bound of their own.
        if self._unfinished > self._max_message_bytes + MAX_FRAMING_BYTES:
            raise _UnexpectedReplyError("too long")

    def _act_on(self, reply: Any) -> None:
        if type(reply) is PushNotification:
            kind, channel, content = cast("list[Any]", reply)
            if kind == b"message" and channel == self._channel and type(content) is bytes:
                self._on_message(content)
                return
            if kind == b"subscribe" and channel == self._channel:
                self._on_subscribed()
                return
        elif isinstance(reply, ReplyError):
            self._on_error(str(reply).partition(" ")[0])
            return
        elif type(reply) is int or reply == b"PONG":
            return
        raise _UnexpectedReplyError("of another kind")

    def _lose(self) -> None:
        self._reading.stop()
        self._writing.stop()
        self.lost.set()


def _pack(*words: bytes) -> bytes:
    """Return a command as it is sent."""
    return pack_command(words)  # pyright: ignore - hiredis' stub knows only tuples of one word

"""A connection to Redis that hears one channel, publishes to it, and never waits: all in gevent's hub.

redis-py connects and logs in, with TLS and all; then the socket is read and written here. A client of redis-py's takes
a greenlet that waits for it and one switch to and from it for each message, which is a good part of what a wake-up
takes. What is understood of the protocol (RESP3, https://redis.io/docs/latest/develop/reference/protocol-spec/) is
what Redis says to PUBLISH, SUBSCRIBE and PING; anything else ends the connection.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

import gevent
from gevent.event import Event
from redis import Redis

from notifygate.redis_client import MasterChangedError, is_superseded

READ_BYTES = 64 * 1024

MAX_LINE_BYTES = 4096
"""The longest line of the protocol: a status, a number, an error or the size of a message."""

MAX_UNSENT_BYTES = 1024 * 1024
"""Beyond what the system takes for a Redis that is slow to read. What is published past this is dropped."""

_READABLE, _WRITABLE = 1, 2


class RedisConnection:
    """A connection for one channel. Everything but `open` returns at once and may be called in the hub.

    `on_subscribed` is called when everything published from now on is received, `on_message` with each message,
    its own too, `on_error` with the code of an error that Redis gave for an answer, such as NOPERM.

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
        self._on_subscribed = on_subscribed
        self._on_message = on_message
        self._max_message_bytes = max_message_bytes
        self._on_oversized = on_oversized
        self._on_error = on_error
        name = _bulk(channel.encode())
        self._subscribe = b"*2\r\n$9\r\nSUBSCRIBE\r\n" + name
        self._publish = b"*3\r\n$7\r\nPUBLISH\r\n" + name
        self._subscribed = b">3\r\n$9\r\nsubscribe\r\n" + name + b":1\r\n"
        self._message = b">3\r\n$7\r\nmessage\r\n" + name + b"$"
        # A bytearray: appending to it, and removing what was understood, costs no copy of the rest.
        self._unparsed = bytearray()
        self._to_drop = 0
        """Bytes of an oversized message that have not arrived yet."""
        self._unsent = b""
        self.lost = Event()
        """Set when the connection is of no use any more."""
        self.has_received = False
        """Set with whatever Redis says."""

    def open(self) -> None:
        """Connect and subscribe. Waits. Raises redis-py's errors."""
        self._connection.connect()
        # Private to redis-py, which has nothing public that hands over the socket of a connection it has made.
        self._socket = cast(socket.socket, self._connection._get_socket())  # pyright: ignore[reportPrivateUsage]
        self._socket.setblocking(False)
        loop = gevent.get_hub().loop
        self._reading, self._writing = [loop.io(self._socket.fileno(), events) for events in (_READABLE, _WRITABLE)]
        self._reading.start(self._read)
        self._send(self._subscribe)

    def check_master(self) -> None:
        """Raise MasterChangedError if Sentinels name another master than this connection's server. Waits for them."""
        if is_superseded(self._connection):
            raise MasterChangedError

    def close(self) -> None:
        """End the connection, also one that was never opened."""
        self.lost.set()
        if self._connection.is_connected:
            for watcher in (self._reading, self._writing):
                watcher.stop()
                watcher.close()
            self._connection.disconnect()

    def publish(self, message: bytes) -> bool:
        """Publish a message; False if it was dropped, since too much is waiting to be sent."""
        return self._send(self._publish + _bulk(message))

    def ping(self) -> None:
        """Have Redis say something."""
        self._send(b"*1\r\n$4\r\nPING\r\n")

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

    # --- Hearing ------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise ConnectionError
            self.has_received = True
            if self._to_drop:
                data = self._drop_from(data)
            if self._unparsed:
                self._unparsed += data
                del self._unparsed[: self._parse(self._unparsed)]
            elif (parsed := self._parse(data)) < len(data):
                self._unparsed += data[parsed:]
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except (OSError, ValueError):
            self._lose()

    def _drop_from(self, data: bytes) -> bytes:
        """Drop what belongs to an oversized message; return what follows it."""
        dropped = min(self._to_drop, len(data))
        self._to_drop -= dropped
        return data[dropped:]

    def _parse(self, data: bytes | bytearray) -> int:
        """Process all complete messages in `data`; return the number of bytes they took.

        Raises ValueError for anything that is not part of the protocol.
        """
        at = 0
        while at < len(data):
            if data.startswith(self._message, at):
                end = self._parse_message(data, at + len(self._message))
                if end is None:
                    break
                at = end
            elif data[at] in b":+-":
                end = _line_end(data, at)
                if end is None:
                    break
                if data[at] in b"-":
                    self._on_error(data[at + 1 : end].decode().partition(" ")[0])
                at = end + 2
            elif data.startswith(self._subscribed, at):
                self._on_subscribed()
                at += len(self._subscribed)
            elif len(data) - at < len(self._subscribed):  # longer than what any message begins with
                break
            else:
                raise ValueError("Redis says something that nobody has asked for.")
        return at

    def _parse_message(self, data: bytes | bytearray, size_at: int) -> int | None:
        """Act on a message whose size stands at a place; return where it ends, None if it is not complete yet."""
        line_end = _line_end(data, size_at)
        if line_end is None:
            return None
        size, start = int(data[size_at:line_end]), line_end + 2
        if size < 0:
            raise ValueError("Redis says a message of less than nothing.")
        end = start + size + 2
        if size > self._max_message_bytes:
            self._on_oversized()
            self._to_drop = max(0, end - len(data))
            return min(end, len(data))
        if len(data) < end:
            return None
        self._on_message(bytes(data[start : end - 2]))
        return end

    def _lose(self) -> None:
        self._reading.stop()
        self._writing.stop()
        self.lost.set()


def _bulk(text: bytes) -> bytes:
    """Write a bulk string."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def _line_end(data: bytes | bytearray, at: int) -> int | None:
    """Return where the line that begins at a place ends; None if its end hasn't arrived.

    Raises ValueError for a line that is too long.
    """
    end = data.find(b"\r\n", at, at + MAX_LINE_BYTES)
    if end >= 0:
        return end
    if len(data) - at >= MAX_LINE_BYTES:
        raise ValueError("Redis says a line that does not end.")
    return None

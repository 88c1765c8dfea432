"""One exchange over a bare socket: bytes are sent in steps, and all received bytes are kept unchanged."""

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit


class Act(Enum):
    """Actions of a client besides sending and receiving."""

    TICK = "wait until the gateway has looked at what was sent"
    HALF_CLOSE = "close the sending side"


Step = bytes | int | Act
"""Bytes are sent; a number waits for so many answers, counted from the beginning; an Act is done."""

LAST_WORD = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nX-Request-Id: last-word\r\nConnection: close\r\n\r\n"
"""Sent at the end of an exchange. A connection that is still open answers it and is closed by it."""

ANSWER_SECONDS = 2.0
"""Longer than any answer takes for which the steps wait, the end of a hold of 1 s among them. If fewer answers arrive than
a step waits for, both gateways have to agree on that."""

END_SECONDS = 4.0
"""Time for the gateway's last response. A connection that is still open after it waits for the rest of a request."""


@dataclass(frozen=True)
class Answer:
    """One answer, with its header fields in the order and the spelling in which they arrived."""

    first_line: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status(self) -> int:
        """Its status; 0 where there is none."""
        match = re.fullmatch(r"HTTP/\S+ (\d{3})(?: .*)?", self.first_line)
        return int(match[1]) if match else 0

    def values(self, name: str) -> list[str]:
        """Return the values of the fields with a name, in any spelling."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


@dataclass(frozen=True)
class Exchange:
    """The bytes that were sent and received, and the end of the connection."""

    sent: bytes
    received: bytes
    stayed_open: bool
    """Whether the gateway still waited for bytes after the last word, so that the client had to end it."""
    at: float
    """The end of the exchange (Unix time)."""


def asks_for_a_head(sent: bytes) -> bool:
    """Return whether there is a HEAD among requests: see `read_answers`."""
    return b"HEAD /" in sent


def read_answers(received: bytes, *, is_head: bool = False) -> tuple[list[Answer], bytes]:
    """Split the bytes of a gateway into responses and a rest: an incomplete one, or bytes that are not a response.

    A response to HEAD has no body, for any Content-Length: it is recognised by the next response right after it, or,
    with `is_head`, by the end.
    """
    answers: list[Answer] = []
    while b"\r\n\r\n" in received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first_line, *lines = head.decode("latin-1").split("\r\n")
        fields = tuple((name, value.removeprefix(" ")) for name, _, value in (line.partition(":") for line in lines))
        answer = Answer(first_line, fields, b"")
        end = _end_of_body(answer, rest, is_head=is_head)
        if end is None:
            break
        answers.append(Answer(first_line, fields, rest[:end]))
        received = rest[end:]
    return answers, received


def _end_of_body(answer: Answer, rest: bytes, *, is_head: bool) -> int | None:
    if answer.status < 200 or answer.status in (204, 304) or rest.startswith(b"HTTP/") or (is_head and not rest):
        return 0
    if answer.values("Transfer-Encoding"):
        end = rest.find(b"0\r\n\r\n")
        return None if end < 0 else end + 5
    lengths = answer.values("Content-Length")
    if not lengths or not lengths[0].isdigit() or len(rest) < int(lengths[0]):
        return None
    return int(lengths[0])


class RawClient:
    """One connection that keeps all that it receives."""

    def __init__(self, url: str, *, is_head: bool = False) -> None:
        address = urlsplit(url)
        assert address.hostname
        assert address.port
        self._is_head = is_head
        self.socket = socket.create_connection((address.hostname, address.port), timeout=END_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.has_ended = False

    def send(self, data: bytes) -> None:
        """Send bytes, if the gateway still reads them."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the gateway closed the connection, which the next read notices

    def half_close(self) -> None:
        """Close the sending side, if the connection is still open."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def await_answers(self, count: int, seconds: float = ANSWER_SECONDS) -> None:
        """Read until so many answers have arrived, the connection has ended or the time is over."""
        self._read(lambda: len(read_answers(self.received, is_head=self._is_head)[0]) >= count, seconds)

    def await_end(self, seconds: float = END_SECONDS) -> bool:
        """Read until the connection ends; return whether it did in time."""
        self._read(lambda: False, seconds)
        return self.has_ended

    def _read(self, is_enough: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.has_ended and not is_enough():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return
            except ConnectionResetError:
                more = b""  # closed while bytes of the client were unread
            self.received += more
            self.has_ended = not more


def tick(url: str) -> None:
    """Return when the gateway has read every byte sent before: its hub serves readable connections in turn."""
    client = RawClient(url)
    with client.socket:
        client.send(LAST_WORD)
        assert client.await_end(20.0), f"{url} does not answer"


def exchange(url: str, steps: Sequence[Step]) -> Exchange:
    """Run the steps on a new connection, then send the last word and read to the end."""
    sent = b"".join(step for step in steps if isinstance(step, bytes))
    client = RawClient(url, is_head=asks_for_a_head(sent))
    with client.socket:
        for step in steps:
            match step:
                case bytes():
                    client.send(step)
                case int():
                    client.await_answers(step)
                case Act.TICK:
                    tick(url)
                case Act.HALF_CLOSE:
                    client.half_close()
        if Act.HALF_CLOSE not in steps:
            client.send(LAST_WORD)
        stayed_open = not client.await_end()
        if stayed_open:
            client.half_close()
            assert client.await_end(20.0), f"{url} doesn't end a connection that its client has ended"
    return Exchange(sent, client.received, stayed_open, time.time())

"""A small HTTP proxy between a browser and the gateway, which buffers whole answers, and misbehaves as real proxies do,
on request.

It also serves the tests' pages, from the same origin as the gateway's responses, and records the exchanges.
It runs in greenlets of the test process. It serves one request per connection.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gevent
from gevent import socket, ssl
from gevent.event import Event
from gevent.server import StreamServer

CHUNK_BYTES = 65536
UPSTREAM_SECONDS = 120.0

PAGE = "<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=data:,><title>Test</title>{}</html>"


@dataclass
class Forwarded:
    """A request that passed through the proxy."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    ended: float | None = None
    """`time.monotonic()`; None while it is on its way."""
    status: int = 0
    """The status of the response to the browser; 0: none."""

    @property
    def is_poll(self) -> bool:
        """Whether it is a poll for changes or for a snapshot."""
        return self.path == "/v1/inbox"

    @property
    def wait(self) -> int:
        """The seconds of its wait."""
        return int(self.query.get("wait", "0"))

    @property
    def cursor(self) -> str | None:
        """Its cursor; None: a snapshot."""
        return self.query.get("cursor")


@dataclass
class Answer:
    """An answer that the proxy gives by itself."""

    status: int
    body: str = "<h1>The proxy speaks</h1>"
    media_type: str = "text/html"
    allows_any_origin: bool = False
    """Whether scripts and `crossorigin` pictures of other origins may read it."""
    caching: str = "no-store"
    """Its Cache-Control; browsers do not keep a page with `no-store` in memory for the user to come back."""

    def as_bytes(self) -> bytes:
        """Return its bytes."""
        body = self.body.encode()
        lines = [f"HTTP/1.1 {self.status} Status", f"Content-Type: {self.media_type}", f"Content-Length: {len(body)}"]
        if self.allows_any_origin:
            lines.append("Access-Control-Allow-Origin: *")
        return _head([*lines, f"Cache-Control: {self.caching}", "Connection: close"]) + body


class Front:
    """A proxy in front of one gateway, on a port of its own, with `context` one with TLS.

    The attributes may be changed at any time.
    """

    def __init__(self, gateway_url: str, context: ssl.SSLContext | None = None) -> None:
        self._target = urlsplit(gateway_url)
        self.pages: dict[str, str | Answer] = {}
        """HTML, or a whole answer, by path."""
        self.cuts_after: float | None = None
        """Seconds after which a request without an answer is cut off, as proxies do with idle connections."""
        self.gate: Callable[[Forwarded], Event | None] | None = None
        """Returns an event before which a request under `/v1` is neither passed on nor answered."""
        self.strips_etags = False
        """Removes ETag and If-None-Match."""
        self.fails: Callable[[Forwarded], int] | None = None
        """Returns a status, such as 502, for a request under `/v1` that is not passed to the gateway; 0: it is."""
        self.loses_answers = False
        """Cuts requests off when the gateway's answer arrives, so that the client doesn't get it."""
        self.seen: list[Forwarded] = []
        """The requests under `/v1`, oldest first."""
        tls: dict[str, Any] = {"ssl_context": context} if context else {}
        self._server = StreamServer(("127.0.0.1", 0), self._serve, **tls)
        self._server.start()
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_port}"
        self._open: set[socket.socket] = set()
        self._held: dict[int, Callable[[int | None], None]] = {}

    def close(self) -> None:
        """Cut all connections and stop."""
        for connection in list(self._open):
            _end(connection)
        self._server.stop(timeout=1)

    def cut_holds(self, status: int | None = 504) -> None:
        """Cut off the polls that are held now, as `cuts_after` would; None: closed without an answer."""
        for cut in list(self._held.values()):
            cut(status)

    @property
    def polls(self) -> list[Forwarded]:
        """The polls of the inbox that passed through."""
        return [seen for seen in self.seen if seen.is_poll]

    @property
    def open_polls(self) -> list[Forwarded]:
        """The polls on their way right now."""
        return [seen for seen in self.polls if seen.ended is None]

    def page(self, path: str, body: str) -> str:
        """Serve a page under a path; return its URL."""
        self.pages[path] = PAGE.format(body)
        return f"{self.url}{path}"

    def _serve(self, client: socket.socket, _address: object) -> None:
        self._open.add(client)
        try:
            head, body = _read_head(client)
            if head:
                self._handle(client, head, body)
        except OSError:
            pass  # one of both sides closed the connection
        finally:
            self._open.discard(client)
            _end(client)

    def _handle(self, client: socket.socket, head: list[str], body: bytes) -> None:
        parts = urlsplit(head[0].split(" ")[1])
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        seen = Forwarded(parts.path, query, headers)
        if page := self.pages.get(parts.path):
            answer = Answer(200, page, "text/html; charset=utf-8") if isinstance(page, str) else page
            client.sendall(answer.as_bytes())
            return
        is_api = parts.path.startswith("/v1/")
        if is_api:
            self.seen.append(seen)
        try:
            if gate := self.gate(seen) if self.gate and is_api else None:
                gate.wait()
            if status := self.fails(seen) if self.fails and is_api else 0:
                seen.status = status
                client.sendall(Answer(status).as_bytes())
                return
            while len(body) < int(headers.get("content-length", "0")):
                body += client.recv(CHUNK_BYTES)
            self._pass_on(client, seen, head, body)
        finally:
            seen.ended = seen.ended or time.monotonic()

    def _pass_on(self, client: socket.socket, seen: Forwarded, head: list[str], body: bytes) -> None:
        loses = self.loses_answers
        upstream = socket.socket()
        upstream.settimeout(UPSTREAM_SECONDS)

        def cut(status: int | None = 504) -> None:
            seen.status = status or -1
            if status:
                client.sendall(Answer(status).as_bytes())
            _end(client)
            _end(upstream)

        timer = gevent.spawn_later(self.cuts_after, cut) if self.cuts_after else None
        # Before any wait: a test that has seen the request may cut it off.
        if seen.wait:
            self._held[id(seen)] = cut
        # The end of one side ends the other: the gateway must notice when a tab is closed.
        watch = gevent.spawn(_await_end, client, upstream)
        try:
            upstream.connect((self._target.hostname, self._target.port))
            dropped = ("connection", "if-none-match") if self.strips_etags else ("connection",)
            upstream.sendall(_head([head[0], *_without(head[1:], dropped), "Connection: close"]) + body)
            answer, rest = _read_head(upstream)
            if not answer:
                if seen.status == 0:
                    seen.status = 502
                    client.sendall(Answer(502).as_bytes())
                return
            if loses:
                return
            if timer:
                timer.kill()
            seen.status = int(answer[0].split(" ")[1])
            dropped = ("connection", "etag") if self.strips_etags else ("connection",)
            data = _head([answer[0], *_without(answer[1:], dropped), "Connection: close"]) + rest
            data += b"".join(iter(lambda: upstream.recv(CHUNK_BYTES), b""))
            seen.ended = time.monotonic()  # before the last byte, which completes the client's answer
            client.sendall(data)
        finally:
            self._held.pop(id(seen), None)
            for greenlet in (watch, timer):
                if greenlet:
                    greenlet.kill()
            _end(upstream)


def _read_head(connection: socket.socket) -> tuple[list[str], bytes]:
    """Return the lines of a message's head and the bytes after it; no lines if the connection ended before."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(CHUNK_BYTES)
        if not more:
            return [], b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), rest


def _head(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _without(lines: list[str], names: tuple[str, ...]) -> list[str]:
    return [line for line in lines if line.partition(":")[0].strip().lower() not in names]


def _await_end(connection: socket.socket, other: socket.socket) -> None:
    """Wait until one connection is closed by its far end, then close the other."""
    try:
        while connection.recv(CHUNK_BYTES):
            pass
    except OSError:
        pass
    _end(other)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()

"""Steady traffic of clients that open a connection for each request and retry refused connections only."""

import json
import socket
import ssl
import time
from collections import Counter
from urllib.parse import urlsplit

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

REQUEST_SECONDS = 120.0
"""The time after which a request has failed; longer than gunicorn takes to start on a busy machine."""


class Traffic:
    """Polls and publications on new connections, and some polls that are held, until `stop`.

    `token` is a recipient's, `key` may publish; every fifth request does. With `context` it uses TLS.
    """

    def __init__(
        self,
        url: str,
        token: str,
        key: str,
        *,
        per_second: float = 100.0,
        holds: int = 5,
        context: ssl.SSLContext | None = None,
    ) -> None:
        address = urlsplit(url)
        assert address.hostname
        assert address.port
        self._address = address.hostname, address.port
        self._token = token
        self._key = key
        self._context = context
        self._seconds_between = 1 / per_second
        self.outcomes: Counter[str] = Counter()
        """`polled`, `published`, `held`: answered as expected; all others are failures, by their description."""
        self.slowest_seconds = 0.0
        """The longest time of a poll or a publication, except for polls that wait."""
        self._requests = Group()
        self._retrying = BoundedSemaphore()
        self._is_on = True
        self._sources = [gevent.spawn(self._send_new_requests), *(gevent.spawn(self._hold) for _ in range(holds))]

    @property
    def failures(self) -> dict[str, int]:
        """The failures, and how often each occurred."""
        return {
            outcome: count for outcome, count in self.outcomes.items() if outcome not in {"polled", "published", "held"}
        }

    def stop(self) -> None:
        """Send no more requests and wait for the answers to those that were sent."""
        self._is_on = False
        gevent.joinall(self._sources, raise_error=True)
        self._requests.join(raise_error=True)

    def abandon(self) -> None:
        """Drop everything, for the end of a failed test."""
        gevent.killall(self._sources)
        self._requests.kill()

    def _send_new_requests(self) -> None:
        number = 0
        while self._is_on:
            number += 1
            self._requests.spawn(self._publish if number % 5 == 0 else self._poll)
            gevent.sleep(self._seconds_between)

    def _hold(self) -> None:
        cursor = ""
        while self._is_on:
            query = f"?wait=5&cursor={cursor}" if cursor else ""
            body = self._exchange("held", f"GET /v1/inbox{query} HTTP/1.1\r\nAuthorization: Bearer {self._token}\r\n")
            cursor = json.loads(body)["cursor"] if body else cursor

    def _poll(self) -> None:
        self._exchange("polled", f"GET /v1/inbox/unread HTTP/1.1\r\nAuthorization: Bearer {self._token}\r\n")

    def _publish(self) -> None:
        body = json.dumps({"to": "role:nobody", "title": "One of many", "ttl": 60})
        head = f"POST /v1/notifications HTTP/1.1\r\nAuthorization: Bearer {self._key}\r\n"
        self._exchange("published", f"{head}Content-Type: application/json\r\n", body)

    def _exchange(self, wanted: str, head: str, body: str = "") -> bytes:
        """Send a request on a connection of its own, count the outcome and return the body of a good answer."""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        request = f"{head}Host: gateway\r\n{length}Connection: close\r\n\r\n{body}".encode()
        received, began = b"", time.monotonic()
        try:
            with self._connect() as connection:
                connection.sendall(request)
                while data := connection.recv(65536):
                    received += data
        except OSError as error:
            self.outcomes[f"{wanted}: {type(error).__name__} after {len(received)} bytes"] += 1
            return b""
        start, _, answer = received.partition(b"\r\n\r\n")
        status = start[9:12].decode()
        if wanted != "held":
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        is_good = status == ("201" if wanted == "published" else "200")
        self.outcomes[wanted if is_good else f"{wanted}: status {status or 'missing'}"] += 1
        return answer if is_good else b""

    def _connect(self) -> socket.socket:
        connection = self._connection()
        if connection is None:
            # One client at a time: hundreds would take the processor from the gateway that starts.
            with self._retrying:
                while (connection := self._connection()) is None:
                    gevent.sleep(0.1)
        return self._context.wrap_socket(connection, server_hostname=self._address[0]) if self._context else connection

    def _connection(self) -> socket.socket | None:
        try:
            return socket.create_connection(self._address, timeout=REQUEST_SECONDS)
        except ConnectionRefusedError:
            return None

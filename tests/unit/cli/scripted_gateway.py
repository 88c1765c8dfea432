"""A gateway that answers from a script, for behaviour that a real one has only in faults.

It keeps connections like the real one, records requests, and can truncate a response, stay silent, stop and start again
on the same port. Past the end of its script it answers 410, which ends every command.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from click.testing import CliRunner, Result

from notifygate.cli import main
from notifygate.cli.pace import Pace

SECRETS = {"NOTIFYGATE_KEY": "ng_k1_very-secret-key", "NOTIFYGATE_TOKEN": "very.secret.token"}


@dataclass(frozen=True)
class Request:
    """A request: `path` without the query, `query` with one value a name."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes

    @property
    def fields(self) -> Any:
        return json.loads(self.body)


class FakePace:
    """A clock that advances only by sleeps and by `advance`; the longest jitter unless `jitter` is less."""

    def __init__(self, jitter: float = 1.0) -> None:
        self.slept: list[float] = []
        self.now = 1000.0
        self.before_sleep: Callable[[], None] = lambda: None
        self._jitter = jitter

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def as_pace(self) -> Pace:
        return Pace(self._sleep, lambda: self.now, lambda low, high: low + (high - low) * self._jitter)

    def _sleep(self, seconds: float) -> None:
        self.before_sleep()
        self.slept.append(seconds)
        self.now += seconds


Step = Callable[["_Handler"], object]


@dataclass
class ScriptedGateway:
    """Add steps with `then…`; each request runs the next one. `requests` has those received."""

    requests: list[Request] = field(default_factory=list)
    port: int = 0
    _steps: list[Step] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server = _Server(("127.0.0.1", self.port), _Handler, self)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening; requests under way are still answered."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def close(self) -> None:
        self._end.set()
        self.stop()

    def then(
        self,
        status: int,
        body: object = None,
        headers: dict[str, str] | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Answer with `body`, as JSON unless it is bytes; `before` runs before the answer leaves."""

        self._steps.append(lambda handler: (before(), handler.answer(status, body, headers or {})))

    def then_problem(self, status: int, code: str, detail: str = "", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.then(status, {"code": code, "detail": detail, "status": status}, named)

    def then_reset(self, *, half_way: bool, before: Callable[[], None] = lambda: None) -> None:
        """Reset the connection, after half an answer or after none."""

        def step(handler: "_Handler") -> None:
            before()
            if half_way:
                handler.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"id": ')
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        self._then_close(step)

    def then_close_quietly(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        """Answer, and close the kept connection without announcing it."""
        self._then_close(lambda handler: handler.answer(status, body, headers or {}))

    def then_raw(self, content: bytes) -> None:
        """Write something that need not be HTTP, and close."""
        self._then_close(lambda handler: handler.wfile.write(content))

    def then_silence(self) -> None:
        """Never answer, until the test has ended."""
        self._then_close(lambda _: self._end.wait(30))

    def _then_close(self, step: "Step") -> None:
        def close(handler: "_Handler") -> None:
            step(handler)
            handler.close_connection = True

        self._steps.append(close)

    def take_step(self, request: Request) -> Step | None:
        self.requests.append(request)
        return self._steps.pop(0) if self._steps else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], script: ScriptedGateway
    ) -> None:
        self.script = script
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore it: a client that leaves is part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer, written in two parts, waits 40 ms for an ACK

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert isinstance(self.server, _Server)
        step = self.server.script.take_step(Request(self.command, parts.path, query, self.headers, body))
        if step is None:
            self.answer(410, {"code": "script-over", "detail": "The script is over."}, {})
        else:
            step(self)

    do_GET = do_POST = _handle

    def answer(self, status: int, body: object, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print no request lines."""


class Shell:
    """The command line on a scripted gateway, and on a clock that only it moves."""

    def __init__(self) -> None:
        self.gateway = ScriptedGateway()
        self.gateway.start()
        self.pace = FakePace()
        self._environment = {**SECRETS, "NOTIFYGATE_URL": self.gateway.url}

    def run(self, *arguments: str, stdin: bytes | None = None, **changes: str | None) -> Result:
        """Run the command line in this process. Its output must never contain a secret."""
        env = {**self._environment, **changes}
        runner = CliRunner()
        result = runner.invoke(main, arguments, input=stdin, env=env, obj=self.pace.as_pace(), catch_exceptions=False)
        for secret in {*SECRETS.values(), *(env[name] for name in SECRETS)} - {None, ""}:
            assert str(secret) not in result.output
        return result

    def start(self, *arguments: str, program: Sequence[str] = ("-m", "notifygate.cli"), **how: Any) -> Any:
        """Start a command in a process of its own, with output buffered as it usually is."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        env = {**inherited, **self._environment, **how.pop("env", {})}
        return subprocess.Popen([sys.executable, *program, *arguments], env=env, **how)

"""MuJS, an engine of ES5 alone, in which the client runs without a browser: its requests are made here, for real."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from notifygate.api.static_files import FOLDER
from tests.support.browser import go_without
from tests.support.processes import make_folder, remove_folder
from tests.support.site import new_session

SCRIPT = Path(__file__).with_name("mujs_platform.js")
REQUEST_SECONDS = 90


class MujsClient:
    """A client in a process of the engine. Timers run when they are asked to: the engine has no clock."""

    def __init__(self, program: str, gateway_url: str) -> None:
        self._gateway_url = gateway_url
        self._session = new_session()
        self._folder = make_folder("mujs")
        self._wanted = self._folder / "wanted.json"
        self._process = subprocess.Popen(
            # Line by line: its output is a pipe, which the engine would fill first.
            ["stdbuf", "-oL", program, SCRIPT, FOLDER / "notifygate.js", self._wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.requests: list[dict[str, Any]] = []
        """What the client has asked for and was not answered yet."""
        self.told: list[dict[str, Any]] = []

    def ask(self, operation: str, **arguments: Any) -> None:
        """Have the script do something, and take what it says."""
        assert self._process.stdin
        assert self._process.stdout
        self._wanted.write_text(json.dumps({"operation": operation, **arguments}))
        print("read it", file=self._process.stdin, flush=True)
        while not (message := json.loads(self._process.stdout.readline())).get("ready"):
            (self.requests if "request" in message else self.told).append(message)

    def begin_request(self) -> gevent.Greenlet:
        """Send the client's oldest request to the gateway; `finish` takes what is returned."""
        return gevent.spawn(self._send, self.requests.pop(0))

    def finish(self, sent: gevent.Greenlet) -> int:
        """Give the client the gateway's answer; return its status."""
        wanted, answer = sent.get(timeout=REQUEST_SECONDS)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self.ask("answer", request=wanted["request"], status=answer.status_code, body=answer.text, headers=headers)
        return answer.status_code

    def exchange(self) -> int:
        """Send the client's oldest request and give it the answer; return its status."""
        return self.finish(self.begin_request())

    def until_request(self) -> dict[str, Any]:
        """Have the client's timers run until it asks for something; return that."""
        while not self.requests:
            self.ask("timer")
        return self.requests[0]

    @property
    def snapshot(self) -> dict[str, Any]:
        """The client's snapshot."""
        self.ask("snapshot")
        return self.told.pop()["snapshot"]

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        remove_folder(self._folder)

    def _send(self, wanted: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        answer = self._session.request(
            wanted["method"],
            f"{self._gateway_url}{wanted['url']}",
            headers=wanted["headers"],
            data=wanted["body"],
            timeout=REQUEST_SECONDS,
        )
        return wanted, answer


@pytest.fixture
def mujs(site: Any) -> Iterator[MujsClient]:
    """A client of the gateway in MuJS."""
    program = shutil.which("mujs")
    if program is None:
        go_without("no MuJS on this machine. Install it (Debian: apt-get install mujs)")
        raise AssertionError
    client = MujsClient(program, site.url)
    try:
        yield client
    finally:
        client.end()

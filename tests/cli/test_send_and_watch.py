"""`notifygate send` and `notifygate watch` against a gateway, also during its restarts."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from tests.support.command_line import Ask, CommandLine
from tests.support.gateway_process import GatewayProcess
from tests.support.waiting import eventually

LINE_WITHIN_SECONDS = 40
"""A watch whose gateway was away retries after a pause of up to some seconds."""


class Watch:
    """A running `notifygate watch`, read line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def read(self, count: int) -> list[str]:
        """Return the next lines; fail if they don't arrive."""
        assert self.process.stdout
        lines: list[str] = []
        with gevent.Timeout(LINE_WITHIN_SECONDS, AssertionError(f"no further line after {lines}")):
            while len(lines) < count:
                line = self.process.stdout.readline()
                assert line, f"watch has ended: {self.process.stderr.read() if self.process.stderr else ''}"
                lines.append(line.rstrip("\n"))
        return lines

    def titles(self, count: int) -> list[str]:
        """Return the titles of the next notifications, which are printed as JSON."""
        return [json.loads(line)["title"] for line in self.read(count)]

    def stop(self, number: int = signal.SIGINT) -> tuple[str, str]:
        """End it and return its output after the lines that were read."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)


@pytest.fixture
def send(beside: CommandLine, key: str) -> Callable[..., str]:
    """Return a function that runs `notifygate send` and returns the printed id."""
    return lambda *arguments: beside("send", *arguments, env={"NOTIFYGATE_KEY": key}).strip()


@pytest.fixture
def watch(beside: CommandLine) -> Iterator[Callable[..., Watch]]:
    """Return a function that starts `notifygate watch` as a recipient."""
    watches: list[Watch] = []

    def start(recipient: str, *arguments: str) -> Watch:
        token = beside("token", recipient).strip()
        watches.append(Watch(beside.start("watch", *arguments, env={"NOTIFYGATE_TOKEN": token})))
        return watches[-1]

    yield start
    for one in watches:
        if one.process.poll() is None:
            one.stop(signal.SIGKILL)


def test_sent_notification_arrives_with_all_its_fields(send: Callable[..., str], beside: CommandLine, ask: Ask) -> None:
    token = beside("token", "anna").strip()
    ask(token, "GET", "/v1/inbox")
    options = "--title Nightly --priority high --type build.done --ttl 3600 --sender ci --icon gear".split()
    notification_id = send("user:anna", "It\nworked", *options, "--action-url", "https://ci.example/1")
    (item,) = ask(token, "GET", "/v1/inbox").json()["notifications"]
    sent = {"title": "Nightly", "body": "It\nworked", "priority": "high", "type": "build.done", "sender": "ci"}
    sent |= {"icon": "gear", "action_url": "https://ci.example/1", "id": notification_id}
    assert item.items() >= sent.items()
    assert item["expires_at"] is not None


def test_refusal_of_the_gateway_is_one_line(beside: CommandLine, key: str) -> None:
    token = beside("token", "alice").strip()
    for arguments, name, credential, code in (
        (("send", "nobody", "Hello"), "KEY", key, "invalid-request"),
        (("send", "all", "Hello"), "KEY", key[:-3] + "xyz", "unauthorized"),
        (("watch",), "TOKEN", token[:-4] + "AAAA", "unauthorized"),
    ):
        line = beside.refusal(*arguments, env={f"NOTIFYGATE_{name}": credential})
        assert code in line
        assert credential[-20:] not in line


def test_watch_neither_repeats_nor_loses_notifications_over_restarts(
    running: GatewayProcess,
    watch: Callable[..., Watch],
    send: Callable[..., str],
    beside: CommandLine,
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    follow = ("sarah", "--json", "--state", str(state))
    send("user:sarah", "1")
    watching = watch(*follow)
    assert watching.titles(1) == ["1"]
    send("user:sarah", "2")
    assert watching.titles(1) == ["2"]
    # The gateway is restarted, then killed, under the watch.
    running.restart()
    send("user:sarah", "3")
    send("user:sarah", "4")
    assert watching.titles(2) == ["3", "4"]
    running.kill()
    running.restart()
    beside("log", "new-epoch")
    send("user:sarah", "5")
    assert watching.titles(1) == ["5"], "a new epoch repeats nothing"
    # Printed lines may repeat after a crash, until the position is stored.
    eventually(
        lambda: '"told"' in state.read_text() and len(json.loads(state.read_text())["told"]) == 5, "the state is stored"
    )
    assert watching.stop(signal.SIGKILL)[0] == ""
    # The watch was killed, and the gateway is restarted while there is none.
    send("user:sarah", "6")
    running.restart()
    send("user:sarah", "7")
    watching = watch(*follow)
    assert watching.titles(2) == ["6", "7"]
    send("user:sarah", "8")
    assert watching.titles(1) == ["8"]
    assert watching.stop(signal.SIGTERM)[0] == ""
    assert oct(os.stat(state).st_mode & 0o777) == "0o600"
    assert "ey" not in json.dumps(json.loads(state.read_text())["told"]), "the token isn't kept"

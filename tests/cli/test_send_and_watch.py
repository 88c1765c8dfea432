"""`notifygate send` and `notifygate watch` against a gateway, also while that is restarted under them."""

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
"""A watch whose gateway was away comes back after a pause of up to some seconds."""


class Watch:
    """A running `notifygate watch`, read line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def read(self, count: int) -> list[str]:
        """Return the next lines; fail when they don't come."""
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
        """End it and return what it has printed beyond what was read."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)


@pytest.fixture
def send(beside: CommandLine, key: str) -> Callable[..., str]:
    """Return a function that runs `notifygate send` and returns the id it has printed."""
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
    assert item["id"] == notification_id
    assert (item["title"], item["body"], item["priority"], item["type"]) == (
        "Nightly",
        "It\nworked",
        "high",
        "build.done",
    )
    assert (item["sender"], item["icon"], item["action_url"]) == ("ci", "gear", "https://ci.example/1")
    assert item["expires_at"] is not None


def test_same_idempotency_key_sends_once(send: Callable[..., str], beside: CommandLine, ask: Ask) -> None:
    token = beside("token", "ida").strip()
    first = send("user:ida", "Backup finished", "--idempotency-key", "backup-1")
    assert send("user:ida", "Backup finished", "--idempotency-key", "backup-1") == first
    assert [item["id"] for item in ask(token, "GET", "/v1/inbox").json()["notifications"]] == [first]


def test_send_waits_for_a_gateway_that_is_restarted(
    running: GatewayProcess, beside: CommandLine, key: str, ask: Ask
) -> None:
    running.stop()
    sending = beside.start("send", "user:rita", "While you were away", env={"NOTIFYGATE_KEY": key})
    try:
        running.restart()
        out, err = sending.communicate(timeout=60)
    finally:
        sending.kill()
    assert (sending.returncode, err) == (0, "")
    token = beside("token", "rita").strip()
    assert [item["id"] for item in ask(token, "GET", "/v1/inbox").json()["notifications"]] == [out.strip()]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("nobody", "Hello"), "invalid-request"), (("all", "Hello"), "unauthorized")],
)
def test_refusal_of_the_gateway_is_one_line(
    beside: CommandLine, key: str, arguments: tuple[str, ...], code: str
) -> None:
    used = key if code != "unauthorized" else key[:-3] + "xyz"
    line = beside.refusal("send", *arguments, env={"NOTIFYGATE_KEY": used})
    assert code in line
    assert used.split("_", 2)[2] not in line


def test_send_without_a_gateway_or_a_key_is_one_line(beside: CommandLine, key: str) -> None:
    assert "NOTIFYGATE_KEY" in beside.refusal("send", "all", "Hello")
    assert "NOTIFYGATE_TOKEN" in beside.refusal("watch")
    assert "NOTIFYGATE_URL" in beside.refusal(
        "send", "all", "Hello", env={"NOTIFYGATE_KEY": key, "NOTIFYGATE_URL": "ftp://here"}
    )


def test_watch_prints_a_line_for_each_notification(watch: Callable[..., Watch], send: Callable[..., str]) -> None:
    send("user:wanda", "Before", "--priority", "low")
    watching = watch("wanda")
    assert watching.read(1)[0].endswith(" -  Before")
    send("user:wanda", "It\nworked", "--title", "Nightly", "--priority", "critical")
    assert watching.read(1)[0].endswith(" !! Nightly: It worked")
    assert watching.stop() == ("", "")
    assert watching.process.returncode == 130


def test_watch_repeats_and_loses_nothing_over_restarts_of_both(
    running: GatewayProcess, watch: Callable[..., Watch], send: Callable[..., str], tmp_path: Path
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
    send("user:sarah", "5")
    assert watching.titles(1) == ["5"]
    # Printed lines may repeat after a crash, until the position is stored.
    eventually(lambda: '"told"' in state.read_text() and len(json.loads(state.read_text())["told"]) == 5, "it is noted")
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


def test_watch_goes_on_after_a_new_epoch_without_repeating(
    watch: Callable[..., Watch], send: Callable[..., str], beside: CommandLine
) -> None:
    watching = watch("erna", "--json")
    send("user:erna", "1")
    assert watching.titles(1) == ["1"]
    beside("log", "new-epoch")
    send("user:erna", "2")
    assert watching.titles(1) == ["2"]
    assert watching.stop()[0] == ""


def test_watch_ends_when_its_token_is_refused(beside: CommandLine) -> None:
    token = beside("token", "alice").strip()[:-4] + "AAAA"
    line = beside.refusal("watch", env={"NOTIFYGATE_TOKEN": token})
    assert "unauthorized" in line
    assert token not in line

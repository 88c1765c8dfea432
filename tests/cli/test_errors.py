"""Failures are one line on stderr with exit code 1, and never contain a secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.gateway_process import REPOSITORY
from tests.support.ports import free_port


@pytest.mark.parametrize(
    "command",
    [("key", "create", "x"), ("log", "status"), ("type", "set", "x")],
    ids=" ".join,
)
def test_database_that_is_not_migrated(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "notifygate migrate" in CommandLine(tmp_path / "var").refusal(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("key", "rotate", "000000000000"),
        ("key", "revoke", "no id at all"),
        ("type", "delete", "nothing"),
    ],
    ids=" ".join,
)
def test_thing_that_is_not_there(cli: CommandLine, command: tuple[str, ...]) -> None:
    refusal = cli.refusal(*command)
    assert "does not exist" in refusal or "is not registered" in refusal


@pytest.mark.parametrize("duration", ["", "90", "1.5h", "-1d", "5w", "1d12h", "99999999999d", "999999999d", "d", "٣d"])
def test_duration_that_is_none(cli: CommandLine, duration: str) -> None:
    commands = [("key", "create", "x", "--expires"), ("token", "alice", "--expires"), ("key", "rotate", "x", "--grace")]
    for command in commands:
        assert "--help" in cli.refusal(*command, duration)


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("nothing",),
        ("key",),
        ("key", "create"),
        ("key", "create", ""),
        ("key", "create", "x" * 101),
        ("key", "create", "two\nlines"),
        ("key", "create", "x", "--scope", "root"),
        ("key", "create", "x", "y"),
        ("key", "--nothing"),
        ("token",),
        ("type", "set", "UPPER"),
        ("type", "set", "x", "--priority", "urgent"),
        ("type", "set", "x", "--display", "loud"),
        ("type", "set", "x", "--ttl", "0"),
        ("type", "set", "x", "--icon", "javascript:alert(1)"),
        ("type", "set", "x", "--title", "x" * 201),
        ("topic", "set", "with/slash"),
        ("topic", "set", ""),
        ("topic", "set", "x", "--role", ""),
        ("log", "nothing"),
        ("watch", "--wait", "-1"),
        ("send",),
    ],
    ids=lambda command: " ".join(command)[:40] or "nothing",
)
def test_command_that_makes_no_sense(cli: CommandLine, command: tuple[str, ...]) -> None:
    cli.refusal(*command)


def test_database_of_a_gateway_with_another_secret(cli: CommandLine) -> None:
    cli("key", "list")
    other = "another secret of more than thirty-two bytes"
    line = cli.refusal("key", "list", env={"NOTIFYGATE_SECRET_KEY": other})
    assert "NOTIFYGATE_SECRET_KEY" in line
    assert other not in line
    mine = (cli.data_dir / "secret_key").read_text().strip()
    assert mine not in line
    # While it is rotated, both are given: the new one first.
    cli("key", "list", env={"NOTIFYGATE_SECRET_KEY": f"{other},{mine}"})
    cli("key", "list", env={"NOTIFYGATE_SECRET_KEY": other})
    cli.refusal("key", "list")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "many"),
        ("BIND", "8080"),
        ("HEAD_CHECK_INTERVAL", "nan"),
        ("HEAD_CHECK_INTERVAL", "inf"),
        ("DATABASE_URL", "mysql://user:pass-word@127.0.0.1/db"),
        ("DATABASE_URL", "sqlite:nonsense"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "postgresql+psycopg://user:pass-word@127.0.0.1:port/db"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "redis://:pass-word@127.0.0.1:port/0"),
        ("JWT_SECRETS", "too short a pass-word"),
        ("JWT_ALGORITHMS", "none"),
    ],
)
def test_bad_setting_is_named(cli: CommandLine, name: str, value: str) -> None:
    line = cli.refusal("topic", "set", "deploys", env={f"NOTIFYGATE_{name}": value})
    assert f"NOTIFYGATE_{name}" in line
    assert "pass-word" not in line


def test_bad_setting_is_noticed_before_anything_is_changed(cli: CommandLine) -> None:
    env = {"NOTIFYGATE_REDIS_URL": "redis://:pass-word@127.0.0.1:port/0"}
    assert "NOTIFYGATE_REDIS_URL" in cli.refusal("topic", "set", "deploys", env=env)
    assert cli("topic", "list") == ""


def test_secret_in_a_file_that_can_not_be_read(cli: CommandLine, tmp_path: Path) -> None:
    line = cli.refusal("key", "list", env={"NOTIFYGATE_SECRET_KEY_FILE": str(tmp_path / "nowhere")})
    assert "NOTIFYGATE_SECRET_KEY_FILE" in line
    file = tmp_path / "secret"
    file.write_bytes(b"\xff" * 64)
    assert "NOTIFYGATE_SECRET_KEY_FILE" in cli.refusal("key", "list", env={"NOTIFYGATE_SECRET_KEY_FILE": str(file)})
    both = {"NOTIFYGATE_SECRET_KEY_FILE": str(file), "NOTIFYGATE_SECRET_KEY": "x" * 40}
    assert "NOTIFYGATE_SECRET_KEY_FILE" in cli.refusal("key", "list", env=both)


def test_database_that_is_away_is_reported_without_its_password(cli: CommandLine) -> None:
    url = f"postgresql+psycopg://user:pass-word@127.0.0.1:{free_port()}/db"
    for command in (("migrate",), ("key", "create", "x")):
        assert "pass-word" not in cli.refusal(*command, env={"NOTIFYGATE_DATABASE_URL": url})


def test_redis_that_is_away_costs_nothing_but_time(cli: CommandLine) -> None:
    env = {"NOTIFYGATE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    assert cli("topic", "set", "deploys", env=env) == "set deploys\n"


def test_data_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path) in CommandLine(tmp_path / "file" / "var").refusal("token", "alice")


def test_reader_that_leaves_early_is_no_error_worth_a_word(cli: CommandLine) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "notifygate.cli", "key", "create", "x"]
    with os.fdopen(writing, "wb") as out:
        done = subprocess.run(
            command, cwd=REPOSITORY, env=cli.environment(), stdout=out, stderr=subprocess.PIPE, timeout=60
        )
    assert (done.returncode, done.stderr) == (1, b"")

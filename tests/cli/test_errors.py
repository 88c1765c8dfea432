"""Failures are one line on stderr with exit code 1, and never contain a secret."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import pytest
from sqlalchemy import make_url

from tests.support.command_line import CommandLine
from tests.support.gateway_process import REPOSITORY
from tests.support.not_redis import NotRedis
from tests.support.ports import free_port
from tests.support.postgres_server import PostgresServer


def test_database_that_is_not_migrated_and_missing_rows(tmp_path: Path, cli: CommandLine) -> None:
    for command in (("key", "create", "x"), ("log", "status"), ("type", "set", "x")):
        assert "notifygate migrate" in CommandLine(tmp_path / "empty").refusal(*command)
    assert "does not exist" in cli.refusal("key", "rotate", "000000000000")
    assert "does not exist" in cli.refusal("key", "revoke", "no id at all")
    assert "is not registered" in cli.refusal("type", "delete", "nothing")


@pytest.mark.parametrize("duration", ["", "90", "1.5h", "-1d", "5w", "1d12h", "99999999999d", "999999999d", "d", "٣d"])
def test_invalid_duration(cli: CommandLine, duration: str) -> None:
    commands = [("key", "create", "x", "--expires"), ("token", "alice", "--expires"), ("key", "rotate", "x", "--grace")]
    for command in commands:
        assert "--help" in cli.refusal(*command, duration)


INVALID_COMMANDS = (
    *("key", "key create", "key create x --scope root", "key create x y", "key --nothing", "token", "log nothing"),
    *("type set UPPER", "type set x --priority urgent", "type set x --display loud", "type set x --ttl 0"),
    *("type set x --icon javascript:alert(1)", "topic set with/slash", "watch --wait -1"),
)


@pytest.mark.parametrize(
    "command",
    [
        *(command.split() for command in INVALID_COMMANDS),
        *(("key", "create", name) for name in ("", "x" * 101, "two\nlines")),
        ("type", "set", "x", "--title", "x" * 201),
        ("topic", "set", ""),
        ("topic", "set", "x", "--role", ""),
    ],
    ids=lambda command: " ".join(command)[:40],
)
def test_invalid_command(cli: CommandLine, command: Sequence[str]) -> None:
    cli.refusal(*command)


def test_database_of_a_gateway_with_another_secret_is_refused(cli: CommandLine) -> None:
    cli("key", "list")
    other = "another secret of more than thirty-two bytes"
    line = cli.refusal("key", "list", env={"NOTIFYGATE_SECRET_KEY": other})
    assert "NOTIFYGATE_SECRET_KEY" in line
    assert other not in line
    mine = (cli.data_dir / "secret_key").read_text().strip()
    assert mine not in line
    # During a rotation both are set: the new one first.
    cli("key", "list", env={"NOTIFYGATE_SECRET_KEY": f"{other},{mine}"})
    cli("key", "list", env={"NOTIFYGATE_SECRET_KEY": other})
    cli.refusal("key", "list")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "none"), ("BIND", "8080"), ("HEAD_CHECK_INTERVAL", "nan"), ("HEAD_CHECK_INTERVAL", "inf"),
        ("DATABASE_URL", "mysql://user:pass-word@127.0.0.1/db"), ("DATABASE_URL", "sqlite:nonsense"),
        ("DATABASE_URL", "sqlite://"), ("DATABASE_URL", "postgresql+psycopg://user:pass-word@127.0.0.1:port/db"),
        ("REDIS_URL", "nonsense"), ("REDIS_URL", "redis://:pass-word@127.0.0.1:port/0"),
        ("REDIS_URL", "redis://:pass-word@127.0.0.1:1/0?ssl_ca_cert=/etc/ca.pem"),
        ("JWT_SECRETS", "too short a pass-word"), ("JWT_ALGORITHMS", "none"),
    ],
)  # fmt: skip
def test_bad_setting_is_named(cli: CommandLine, name: str, value: str) -> None:
    line = cli.refusal("topic", "set", "deploys", env={f"NOTIFYGATE_{name}": value})
    assert f"NOTIFYGATE_{name}" in line
    assert "pass-word" not in line
    assert cli("topic", "list") == "", "the fault is reported before any change"


def test_secret_in_a_file_that_can_not_be_read(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff" * 64)
    nowhere = {"NOTIFYGATE_SECRET_KEY_FILE": str(tmp_path / "nowhere")}
    no_text = {"NOTIFYGATE_SECRET_KEY_FILE": str(file)}
    for env in (nowhere, no_text, {**no_text, "NOTIFYGATE_SECRET_KEY": "x" * 40}):
        assert "NOTIFYGATE_SECRET_KEY_FILE" in cli.refusal("key", "list", env=env)


@pytest.mark.parametrize("command", [("migrate",), ("key", "create", "x"), ("serve",)], ids=" ".join)
def test_database_that_is_away_is_reported_without_its_password(cli: CommandLine, command: tuple[str, ...]) -> None:
    url = f"postgresql+psycopg://user:pass-word@127.0.0.1:{free_port()}/db"
    line = cli.refusal(*command, env={"NOTIFYGATE_DATABASE_URL": url})
    assert line == (
        "notifygate: The database can't be reached or is too busy: nothing listens there: start PostgreSQL, or correct"
        " NOTIFYGATE_DATABASE_URL"
    )


@pytest.mark.parametrize("command", [("migrate",), ("key", "create", "x"), ("serve",)], ids=" ".join)
def test_fault_of_a_sqlite_file_is_named(cli: CommandLine, tmp_path: Path, command: tuple[str, ...]) -> None:
    nowhere = {"NOTIFYGATE_DATABASE_URL": f"sqlite:///{tmp_path}/missing/notifygate.db"}
    assert "create its folder" in cli.refusal(*command, env=nowhere)


@pytest.mark.parametrize("command", [("migrate",), ("key", "list"), ("serve",)], ids=" ".join)
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_database_that_lacks_characters_is_refused(
    cli: CommandLine, postgres_server: PostgresServer, command: tuple[str, ...], encoding: LiteralString
) -> None:
    url = postgres_server.create_database(encoding)
    line = cli.refusal(*command, env={"NOTIFYGATE_DATABASE_URL": url})
    assert f"The database has the encoding {encoding}" in line


@pytest.mark.parametrize("command", [("migrate",), ("key", "list"), ("serve",), ("doctor",)], ids=" ".join)
def test_user_without_privileges_is_named(
    tmp_path: Path, postgres_server: PostgresServer, postgres_url: str, command: tuple[str, ...]
) -> None:
    postgres_server.execute("CREATE ROLE stranger LOGIN")
    cli = CommandLine(tmp_path / "var", {"NOTIFYGATE_DATABASE_URL": postgres_url})
    if command != ("migrate",):
        cli("migrate")
    env = {"NOTIFYGATE_DATABASE_URL": make_url(postgres_url).set(username="stranger").render_as_string()}
    done = cli.run(*command, env=env)
    postgres_server.execute("DROP ROLE stranger")
    assert done.returncode == 1
    assert "lacks a privilege" in done.stdout + done.stderr


@pytest.mark.parametrize("command", [("migrate",), ("key", "list"), ("serve",)], ids=" ".join)
def test_database_of_a_newer_version_is_refused(cli: CommandLine, command: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(cli.data_dir / "notifygate.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    line = cli.refusal(*command)
    assert "newer than" in line
    assert "notifygate migrate" not in line


def test_redis_that_is_away_fails_no_command(cli: CommandLine) -> None:
    env = {"NOTIFYGATE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    assert cli("topic", "set", "deploys", env=env) == "set deploys\n"


def test_server_that_is_not_a_redis_fails_no_command(cli: CommandLine) -> None:
    with closing(NotRedis()) as server:
        env = {"NOTIFYGATE_REDIS_URL": f"{server.url}?protocol=3"}
        assert cli("topic", "set", "deploys", env=env) == "set deploys\n"


def test_data_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path) in CommandLine(tmp_path / "file" / "var").refusal("token", "alice")


def run_in_shell(cli: CommandLine, command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of a shell, in which $N is notifygate."""
    environment = cli.environment({"N": f"{sys.executable} -m notifygate.cli", **env})
    return subprocess.run(
        ["sh", "-c", command], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("$N send user:alice - <&-", "stdin"),
        ("$N watch >&-", "stdout"),
        ("$N key create unseen >&-", "stdout"),
    ],
)
def test_closed_stream_is_one_line(cli: CommandLine, command: str, fault: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = run_in_shell(cli, command, NOTIFYGATE_KEY="ng_a_b", NOTIFYGATE_TOKEN="a.b.c", NOTIFYGATE_URL=url)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("notifygate: ")
    assert fault in done.stderr
    assert cli("key", "list") == "", "the fault is reported before any change"


def test_key_is_listed_without_the_characters_that_a_terminal_or_its_encoding_lacks(cli: CommandLine) -> None:
    cli("key", "create", "\N{CJK UNIFIED IDEOGRAPH-4F8B}", "--audience", "user:*\x1b[31m")
    done = run_in_shell(cli, "$N key list", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u4f8b" in done.stdout
    assert "user:*\\x1b[31m" in done.stdout


@pytest.mark.parametrize("command", [("key", "list"), ("serve",), ("migrate",)], ids=" ".join)
def test_database_that_is_damaged_is_reported(cli: CommandLine, command: tuple[str, ...]) -> None:
    cli.replace_database(bytes(5000))
    assert "The SQLite file is damaged or not a database" in cli.refusal(*command)


@pytest.mark.parametrize("command", [("key", "list"), ("serve",), ("migrate",)], ids=" ".join)
@pytest.mark.parametrize("parameter", ["sslmod=pass-word", "port=pass-word"])
def test_invalid_parameter_of_a_database_is_reported(
    cli: CommandLine, command: tuple[str, ...], parameter: str
) -> None:
    url = f"postgresql+psycopg://user:pass-word@127.0.0.1/db?{parameter}"
    line = cli.refusal(*command, env={"NOTIFYGATE_DATABASE_URL": url})
    assert "NOTIFYGATE_DATABASE_URL has an invalid parameter" in line
    assert "pass-word" not in line

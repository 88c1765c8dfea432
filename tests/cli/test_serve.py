"""`notifygate serve`: its work before it is replaced by gunicorn. tests/install/ has the installed one."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from notifygate.api.flask_database import open_flask_database
from notifygate.settings_reader import load_settings
from notifygate.storage.database import open_database
from notifygate.storage.readiness import SCHEMA_REVISION
from tests.cli.test_migrate import revisions
from tests.support.command_line import CommandLine
from tests.support.gateway_process import GatewayProcess
from tests.support.source import REPOSITORY


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """`notifygate` as a program of its own, with the coverage and the modules of this test run."""
    file = tmp_path / "notifygate"
    file.write_text(f"#!/bin/sh\nexport PYTHONPATH='{REPOSITORY}'\nexec '{sys.executable}' -m notifygate.cli \"$@\"\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def served(program: Path) -> Iterator[GatewayProcess]:
    """A gateway that `notifygate serve` starts, not started."""
    process = GatewayProcess(program=program)
    try:
        yield process
    finally:
        print(process.output)
        process.close()


def test_embedded_database_is_migrated_and_gunicorn_replaces_serve(served: GatewayProcess) -> None:
    """There is no process between gunicorn and its parent, so that signals reach gunicorn."""
    served.start()
    file = served.data_dir / "notifygate.db"
    assert revisions(f"sqlite:///{file}") == [SCHEMA_REVISION]
    assert served.data_dir.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600
    arguments = Path(f"/proc/{served.pid}/cmdline").read_bytes().decode().split("\0")
    assert arguments[1:3] == ["-m", "gunicorn"]
    assert os.getpgid(served.pid) == served.pid
    assert served.stop(signal.SIGTERM) == 0


def test_shared_database_has_to_be_migrated_by_its_operator(served: GatewayProcess, postgres_url: str) -> None:
    env = {"NOTIFYGATE_DATABASE_URL": postgres_url}
    cli = CommandLine(served.data_dir, env)
    assert "NOTIFYGATE_WORKERS" in cli.refusal("serve", env={"NOTIFYGATE_WORKERS": "none"})
    assert cli.refusal("serve") == (
        f"notifygate: The database is at migration none, this version needs {SCHEMA_REVISION}: run 'notifygate migrate'."
    )
    cli("migrate")
    served.start(env)


def test_relative_sqlite_file_is_the_same_for_workers_and_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({"data_dir": tmp_path, "database_url": "sqlite:///my.db"}, environ={})
    databases = (
        open_flask_database(Flask("notifygate", instance_path=str(tmp_path / "instance")), settings),
        open_database(settings),
    )
    assert [Path(str(database.engine.url.database)).resolve() for database in databases] == [tmp_path / "my.db"] * 2

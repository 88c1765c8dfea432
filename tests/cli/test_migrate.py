"""`notifygate migrate`: twice, and from several places at once; and the connections that commands leave behind."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from notifygate.storage.database import make_engine
from notifygate.storage.readiness import SCHEMA_REVISION
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.both_databases


@pytest.fixture
def empty(tmp_path: Path, empty_database_url: str) -> CommandLine:
    """The command line on an empty database of each kind."""
    return CommandLine(tmp_path / "var", {"NOTIFYGATE_DATABASE_URL": empty_database_url})


def revisions(database_url: str) -> list[str]:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM log_head")).scalar_one() == 1
        versions = list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    engine.dispose()
    return versions


def test_expansion_stops_where_the_previous_version_can_still_run(tmp_path: Path, postgres_url: str) -> None:
    run = CommandLine(tmp_path / "var", {"NOTIFYGATE_DATABASE_URL": postgres_url})
    assert run("migrate", "--expand") == "the database is at migration 0001, expanded for this version\n"
    assert run("log", "status").startswith("epoch "), "this version works on it"
    assert run("migrate") == f"the database is at migration {SCHEMA_REVISION}\n"
    assert run("migrate", "--expand") == f"the database is at migration {SCHEMA_REVISION}\n"


def test_sqlite_is_not_expanded(tmp_path: Path) -> None:
    refused = CommandLine(tmp_path / "var").run("migrate", "--expand")
    assert refused.returncode == 1
    assert "--expand is for PostgreSQL" in refused.stderr
    assert not (tmp_path / "var" / "notifygate.db").exists()


def test_of_two_migrations_at_once_one_is_applied(empty: CommandLine, empty_database_url: str) -> None:
    migrating = [empty.start("migrate") for _ in range(2)]
    results = [(process.communicate(timeout=60), process.returncode) for process in migrating]
    expected = f"the database is at migration {SCHEMA_REVISION}\n"
    assert results == [((expected, ""), 0)] * 2
    assert empty("migrate") == expected
    assert revisions(empty_database_url) == [SCHEMA_REVISION]


@pytest.mark.parametrize(
    "command", ["log status", "key list", "topic set deploys", "token revoke alice", "migrate"], ids=str
)
def test_command_closes_its_connections(empty: CommandLine, command: str) -> None:
    """Those that are left open are reported: by psycopg, and by SQLite's driver since Python 3.13."""
    empty("migrate")
    process = empty.start(*command.split(), env={"PYTHONWARNINGS": "always::ResourceWarning"})
    _, reported = process.communicate(timeout=60)
    assert (process.returncode, reported) == (0, "")


def test_data_folder_is_made_if_secrets_are_in_the_environment(tmp_path: Path) -> None:
    secrets = {f"NOTIFYGATE_{name}": "a secret of more than thirty-two bytes" for name in ("SECRET_KEY", "JWT_SECRETS")}
    folder = tmp_path / "not yet" / "var"
    CommandLine(folder, secrets)("migrate")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "notifygate.db").stat().st_mode & 0o777 == 0o600


def test_migrations_are_found_from_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "notifygate.cli", "migrate"]
    done = subprocess.run(
        command, cwd=tmp_path, env=CommandLine(tmp_path / "var").environment(), capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr

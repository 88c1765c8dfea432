"""Databases of version 0.1 are converted with their notifications, also when that is interrupted, and both versions can
use an expanded one (docs/operations.md, Upgrading)."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from signal import SIGKILL
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from notifygate.domain.times import now_ms
from notifygate.errors import ConfigurationError, UnavailableError
from notifygate.storage import migrate as migrating
from notifygate.storage.database import Database, make_engine
from notifygate.storage.migrate import migrate
from notifygate.storage.readiness import check_database
from notifygate.storage.stores.entries import read_range
from tests.support.builders import append, make_notification
from tests.support.gateway_process import REPOSITORY
from tests.support.version_0_1 import CONTENTS, INSERT, make_database, notification, read_documents, shown
from tests.support.waiting import eventually

pytestmark = pytest.mark.both_databases

MANY = 100_000

SOME = 5_000
"""Three batches."""
OLD_COLUMNS = {"title", "body", "priority", "sender", "icon", "action_url", "data"}


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """An empty database of each kind."""
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    """An empty PostgreSQL."""
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


def columns(engine: Engine) -> set[str]:
    return {column["name"] for column in inspect(engine).get_columns("notifications")}


def revision(engine: Engine) -> str:
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()


def assert_converted(engine: Engine, count: int) -> None:
    with engine.connect() as connection:
        documents = read_documents(connection)
        removed = connection.execute(text("SELECT seq FROM notifications WHERE removed_seq IS NOT NULL")).scalars()
        assert {seq for seq in removed if seq <= count} == set(range(7, count + 1, 1000))
    for seq in range(1, count + 1):
        assert json.loads(documents[seq] or "") == shown(notification(seq))


def test_hundred_thousand_notifications_are_converted(engine: Engine) -> None:
    make_database(engine, MANY)
    migrate(Database(engine))
    assert revision(engine) == "0002"
    assert columns(engine).isdisjoint(OLD_COLUMNS)
    assert_converted(engine, MANY)
    database = Database(engine)
    (entry,), _ = database.read(lambda connection: read_range(connection, 0, 1))
    assert entry.notification
    item = json.loads(entry.notification.json_for("all", None, None))
    assert item == {**shown(notification(1)), "audience": "all", "seen_at": None, "read_at": None}
    assert append(database, make_notification())[0].seq == MANY + 1


KILLED = """
import os, signal, sys
from notifygate.storage import migrate
from notifygate.storage.database import Database, make_engine

run, counted = migrate._run, 0

def run_and_die(database, work):
    def work_and_die(connection):
        global counted
        result = work(connection)
        counted += result  # steps of a revision that is applied already do nothing
        if counted == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return run(database, work_and_die)

migrate._run = run_and_die
migrate.migrate(Database(make_engine(sys.argv[1])))
"""
EXTENSIONS = 5
"""Steps before the first batch."""


@pytest.mark.parametrize("steps", [1, 5, 6, 8, 9, 12, 13])
def test_killed_migration_is_continued(engine: Engine, empty_database_url: str, steps: int) -> None:
    """Killed in the last of so many transactions, before it commits."""
    make_database(engine, SOME)
    killed = subprocess.run([sys.executable, "-c", KILLED, empty_database_url, str(steps)], cwd=REPOSITORY, timeout=60)
    assert killed.returncode == -SIGKILL
    if steps > EXTENSIONS + 1:
        with engine.connect() as connection:
            converted = [seq for seq, document in read_documents(connection).items() if document]
        assert len(converted) == min((steps - EXTENSIONS - 1) * 2000, SOME)
    migrate(Database(engine))
    assert revision(engine) == "0002"
    assert_converted(engine, SOME)


def test_database_that_is_not_expanded_is_refused(engine: Engine) -> None:
    make_database(engine, 1)
    with pytest.raises(
        ConfigurationError, match=r"at migration 0001, this version needs 0002: run 'notifygate migrate'"
    ):
        check_database(Database(engine), ["secret"])


def test_both_versions_can_use_an_expanded_database(postgres: Engine) -> None:
    make_database(postgres, 3)
    migrate(Database(postgres), expand_only=True)
    assert revision(postgres) == "0001", "version 0.1 starts with no other"
    database = Database(postgres)
    check_database(database, ["secret"])
    # Rows that version 0.1 writes have a document,
    with postgres.begin() as connection:
        connection.execute(INSERT, notification(4))
        connection.execute(text("UPDATE log_head SET head = 4"))
    assert_converted(postgres, 4)
    # and what this version writes has the columns of 0.1.
    content = {**CONTENTS[1], "priority": "high", "type": "a.type"}
    expires_at = now_ms() + 1000
    (published,) = append(database, make_notification(**content, expires_at=expires_at))
    with postgres.connect() as connection:
        row = connection.execute(text("SELECT * FROM notifications WHERE seq = 5")).one()._asdict()
    assert {name: row[name] for name in content} == content
    assert shown(row) == json.loads(published.document)
    migrate(database)
    assert columns(postgres).isdisjoint(OLD_COLUMNS)
    assert revision(postgres) == "0002"
    assert_converted(postgres, 4)
    left = "SELECT proname FROM pg_proc WHERE proname LIKE 'notifygate%' UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with postgres.connect() as connection:
        assert connection.execute(text(left)).all() == []


def test_open_sessions_of_version_0_1_keep_their_columns(postgres: Engine, postgres_url: str) -> None:
    make_database(postgres, 3)
    old = create_engine(postgres_url, connect_args={"application_name": "notifygate"})
    with old.connect(), pytest.raises(ConfigurationError, match=r"Sessions of version 0\.1 are open \(1\)"):
        migrate(Database(postgres))
    old.dispose()
    assert (revision(postgres), columns(postgres) & OLD_COLUMNS) == ("0001", OLD_COLUMNS)
    check_database(Database(postgres), ["secret"])
    eventually(lambda: not postgres_sessions(postgres), "the session ended")
    migrate(Database(postgres))
    assert_converted(postgres, 3)


def postgres_sessions(engine: Engine) -> int:
    with engine.connect() as connection:
        named = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'notifygate' AND datname = current_database()"
        return connection.execute(text(named)).scalar_one()


def test_locked_row_is_converted_when_it_is_free(postgres: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    make_database(postgres, SOME)
    holder = postgres.connect()
    run_at, steps, passes = migrating._run_at, list[Any](), list[float]()

    def lock_before_first_batch(database: Database, script: Any, step: Any) -> bool:
        steps.append(step)
        if len(steps) == EXTENSIONS + 2:  # the first was 0001; a row's lock stops steps that need the table
            holder.execute(text("SELECT 1 FROM notifications WHERE seq = 3 FOR UPDATE"))
        return run_at(database, script, step)

    def sleep(seconds: float) -> None:
        passes.append(seconds)
        holder.close()

    monkeypatch.setattr(migrating, "_run_at", lock_before_first_batch)
    monkeypatch.setattr(time, "sleep", sleep)
    migrate(Database(postgres))
    assert passes == [0.2], "it did not wait for the row's lock"
    assert_converted(postgres, SOME)


def test_table_that_stays_locked_is_reported_and_converted_later(
    postgres: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_database(postgres, 10)
    monkeypatch.setattr(migrating, "LOCK_ATTEMPTS", 2)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        """Between the attempts the table is free for the statements that queued behind them."""
        pauses.append(seconds)
        with postgres.begin() as connection:
            connection.execute(INSERT, notification(11))

    monkeypatch.setattr(time, "sleep", sleep)
    with postgres.connect() as reader:
        reader.execute(text("SELECT 1 FROM notifications"))
        with pytest.raises(
            UnavailableError, match=r"locked by other transactions in 2 attempts of 1 s.*pg_stat_activity"
        ):
            migrate(Database(postgres))
    assert len(pauses) == 1
    migrate(Database(postgres))
    assert_converted(postgres, 11)


def test_step_that_another_process_completed_is_skipped(engine: Engine, empty_database_url: str) -> None:
    """Two migrations at once: the slower one finds the revision applied between two of its steps."""
    make_database(engine, 10)
    other = Database(make_engine(empty_database_url))
    steps: list[Any] = []
    run_at = migrating._run_at

    def run_after_the_other(database: Database, script: Any, step: Any) -> bool:
        steps.append(step)
        if len(steps) == EXTENSIONS:
            migrate_alone(other)
        return run_at(database, script, step)

    def migrate_alone(database: Database) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrating, "_run_at", run_at)
            migrate(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrating, "_run_at", run_after_the_other)
        migrate(Database(engine))
    other.engine.dispose()
    assert revision(engine) == "0002"
    assert_converted(engine, 10)

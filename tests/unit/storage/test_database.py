"""Transactions: an exception rolls back, errors of the driver are wrapped in one class, no call blocks the hub."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import gevent
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError

from notifygate.errors import UnavailableError
from notifygate.storage import database as database_module
from notifygate.storage.database import Database, make_engine
from tests.support.waiting import PATIENCE_SECONDS, eventually

SQLITES_OWN_LOG_PAGES = 1000
"""The number of pages after which SQLite itself copies its log, by default."""

PAGE_BYTES = 4096


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    made = Database(make_engine(sqlite_url))
    made.write(lambda connection: connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY, data BLOB)")))
    yield made
    made.engine.dispose()


def numbers_in_the_file(database: Database) -> list[int]:
    """Return the numbers in the database's file itself, without the write-ahead log."""
    with closing(sqlite3.connect(f"file:{database.engine.url.database}?immutable=1", uri=True)) as connection:
        return [number for (number,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


def insert(connection: Connection, number: int, size: int = 0) -> None:
    connection.execute(text("INSERT INTO numbers VALUES (:n, zeroblob(:size))"), {"n": number, "size": size})


def numbers(database: Database) -> list[int]:
    return list(
        database.read(lambda connection: connection.execute(text("SELECT n FROM numbers ORDER BY n")).scalars())
    )


def test_an_error_rolls_back_is_raised_as_it_is_and_keeps_no_connection(database: Database) -> None:
    def work(connection: Connection) -> None:
        insert(connection, 1)
        raise LookupError("mine")

    for transact in (database.write, database.read, database.read_in_turn):
        for _ in range(5):  # more than there are connections and turns
            with pytest.raises(LookupError, match="mine"):
                transact(work)
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert numbers(database) == []
    assert database.write(lambda connection: "done") == "done"
    assert database.read_in_turn(lambda connection: connection.execute(text("SELECT 7")).scalar_one()) == 7


def test_commits_leave_the_checkpoint_to_its_job(database: Database) -> None:
    database.checkpoint()
    for number in range(200):  # 2,000 pages
        database.write(lambda connection, number=number: insert(connection, number, 10 * PAGE_BYTES))
    assert numbers_in_the_file(database) == []
    written = Path(f"{database.engine.url.database}-wal").stat().st_size
    assert written > 2 * SQLITES_OWN_LOG_PAGES * PAGE_BYTES
    database.checkpoint()
    assert numbers_in_the_file(database) == list(range(200)) == numbers(database)


def test_the_write_ahead_log_stays_bounded_without_the_job(database: Database) -> None:
    for number in range(100):
        database.write(lambda connection, number=number: insert(connection, number, 1_000_000))
    written = Path(f"{database.engine.url.database}-wal").stat().st_size
    assert written < 1.1 * database_module.SQLITE_LOG_PAGES * PAGE_BYTES


def test_a_broken_constraint_is_not_a_broken_database(database: Database) -> None:
    database.write(lambda connection: insert(connection, 1))
    with pytest.raises(IntegrityError):
        database.write(lambda connection: insert(connection, 1))


def test_a_driver_error_is_raised_as_unavailable_without_its_text(tmp_path: Path) -> None:
    away = Database(make_engine(f"sqlite:///{tmp_path / 'no such folder' / 'x.db'}"))
    with pytest.raises(UnavailableError) as failed:
        away.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
    assert "folder" not in str(failed.value)
    assert "SELECT" not in str(failed.value)


def test_connections_to_a_file_that_can_not_be_written_are_not_kept(database: Database, sqlite_url: str) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    read_only = Database(make_engine(f"sqlite:///file:{file}?mode=ro&uri=true"))
    assert numbers(read_only) == []
    assert read_only.engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    with pytest.raises(UnavailableError):
        read_only.write(lambda connection: insert(connection, 1))
    assert read_only.engine.pool.checkedin() == 0  # type: ignore[attr-defined]


def test_dropped_connections_are_closed_also_those_in_use_and_new_ones_are_kept(database: Database) -> None:
    """A connection in use may keep new ones from writing; without a pool, each transaction would open one."""
    opened: list[object] = []
    event.listen(database.engine, "connect", lambda connection, _: opened.append(connection))

    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only = 1")
        insert(connection, 1)

    database.engine.dispose()
    with database.engine.connect() as connection:
        before = connection.connection.dbapi_connection
        for _ in range(2):
            with pytest.raises(UnavailableError):
                database.write(fail)
    assert isinstance(before, sqlite3.Connection)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        before.execute("SELECT 1")
    opened.clear()
    for number in range(3):
        database.write(lambda connection, number=number: insert(connection, number))
    assert (numbers(database), len(opened)) == ([0, 1, 2], 1)


def test_files_of_a_database_are_private(database: Database, sqlite_url: str) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    assert [Path(file + suffix).stat().st_mode & 0o777 for suffix in ("", "-wal", "-shm")] == [0o600] * 3


def test_a_read_sees_one_snapshot_on_sqlite(database: Database) -> None:
    database.write(lambda connection: insert(connection, 1))
    counts: list[int] = []

    with database.engine.connect() as connection, connection.begin():
        for number in (2, 3):
            counts.append(connection.execute(text("SELECT count(*) FROM numbers")).scalar_one())
            database.write(lambda other, number=number: insert(other, number))
    assert counts == [1, 1]
    assert numbers(database) == [1, 2, 3]


def test_the_hub_runs_while_sqlite_works(database: Database) -> None:
    turns: list[float] = []

    def tick() -> None:
        while True:
            turns.append(time.monotonic())
            gevent.sleep(0.001)

    ticking = gevent.spawn(tick)
    slow = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 1500000) SELECT count(*) FROM t"
    began = time.monotonic()
    database.read(lambda connection: connection.execute(text(slow)).scalar_one())
    took = time.monotonic() - began
    ticking.kill()
    assert len(turns) > 5, f"only {len(turns)} turns in {took:.2f} s"


def test_the_hub_runs_while_sqlite_waits_for_another_writer(database: Database, sqlite_url: str) -> None:
    other = Database(make_engine(sqlite_url))
    writing = database.engine.execution_options(notifygate_write=True)
    with writing.connect() as connection, connection.begin():
        insert(connection, 1)
        waiting = gevent.spawn(other.write, lambda late: insert(late, 2))
        eventually(lambda: other.engine.pool.checkedout() == 1, "the second writer")  # type: ignore[attr-defined]
        gevent.idle()
        assert not waiting.ready()
        assert numbers(database) == [], "readers don't wait for writers"
    waiting.get(timeout=PATIENCE_SECONDS)
    assert numbers(database) == [1, 2]
    other.engine.dispose()


def test_a_wait_for_a_connection_is_bounded(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "POOL_WAIT_SECONDS", 0.05)
    small = Database(make_engine(sqlite_url, pool_size=1))
    with small.engine.connect(), pytest.raises(UnavailableError):
        small.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
    assert small.read(lambda connection: True)
    small.engine.dispose()


# --- In turn ------------------------------------------------------------------------------------


@contextmanager
def turn_taken(database: Database) -> Iterator[None]:
    """Keep the one read that may run at a time running: two of three connections are kept free."""
    reading, writing = os.pipe()
    taken = gevent.spawn(database.read_in_turn, lambda _: os.read(reading, 1))  # in a thread, which may wait
    eventually(lambda: database.engine.pool.checkedout() == 1, "a read")  # type: ignore[attr-defined]
    yield
    os.write(writing, b"x")
    taken.get(timeout=PATIENCE_SECONDS)
    os.close(reading)
    os.close(writing)


def test_reads_of_recipients_run_in_turn_and_leave_connections_to_the_log(database: Database) -> None:
    begun: list[int] = []
    with turn_taken(database):
        waiting = [gevent.spawn(database.read_in_turn, lambda _, n=n: begun.append(n)) for n in range(5)]
        assert numbers(database) == [], "other reads run"
        database.write(lambda connection: insert(connection, 1))
        assert begun == []
    gevent.joinall(waiting, timeout=PATIENCE_SECONDS, raise_error=True)
    assert begun == [0, 1, 2, 3, 4], "first come, first served"


def test_a_wait_for_a_turn_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "TURN_SECONDS", 0.01)
    with turn_taken(database), pytest.raises(UnavailableError):
        database.read_in_turn(lambda connection: None)
    assert database.read_in_turn(lambda connection: 7) == 7

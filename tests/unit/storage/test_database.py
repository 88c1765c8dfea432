"""Transactions: what is raised inside rolls back, what the driver raises leaves as one error, nothing blocks the
hub."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest
from sqlalchemy import Connection, text
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
    made.write(lambda connection: connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")))
    yield made
    made.engine.dispose()


def numbers_in_the_file(database: Database) -> list[int]:
    """Return what the database's file itself has, without the write-ahead log beside it."""
    with closing(sqlite3.connect(f"file:{database.engine.url.database}?immutable=1", uri=True)) as connection:
        return [number for (number,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


def insert(connection: Connection, number: int) -> None:
    connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})


def numbers(database: Database) -> list[int]:
    return list(
        database.read(lambda connection: connection.execute(text("SELECT n FROM numbers ORDER BY n")).scalars())
    )


def test_what_a_transaction_returns_is_returned(database: Database) -> None:
    assert database.read(lambda connection: connection.execute(text("SELECT 7")).scalar_one()) == 7
    assert database.write(lambda connection: "done") == "done"


def test_an_error_rolls_back_and_is_raised_as_it_is(database: Database) -> None:
    def work(connection: Connection) -> None:
        insert(connection, 1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        database.write(work)
    assert numbers(database) == []


def test_commits_leave_the_checkpoint_to_its_job(database: Database) -> None:
    database.checkpoint()
    many = 2 * SQLITES_OWN_LOG_PAGES
    for number in range(many):  # each changes a page at least
        database.write(lambda connection, number=number: insert(connection, number))
    assert numbers_in_the_file(database) == []
    database.checkpoint()
    assert numbers_in_the_file(database) == list(range(many)) == numbers(database)


def test_the_write_ahead_log_stays_bounded_without_the_job(database: Database) -> None:
    def fill(connection: Connection) -> None:
        connection.execute(text("INSERT INTO numbers VALUES (NULL)"))
        connection.execute(text("INSERT INTO large VALUES (zeroblob(1000000))"))

    database.write(lambda connection: connection.execute(text("CREATE TABLE large (data BLOB)")))
    for _ in range(100):
        database.write(fill)
    written = Path(f"{database.engine.url.database}-wal").stat().st_size
    assert written < 1.1 * database_module.SQLITE_LOG_PAGES * PAGE_BYTES


def test_a_broken_constraint_is_not_a_broken_database(database: Database) -> None:
    database.write(lambda connection: insert(connection, 1))
    with pytest.raises(IntegrityError):
        database.write(lambda connection: insert(connection, 1))


def test_a_driver_error_leaves_as_unavailable_without_its_text(tmp_path: Path) -> None:
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


def test_files_of_a_database_are_private(database: Database, sqlite_url: str) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    assert [Path(file + suffix).stat().st_mode & 0o777 for suffix in ("", "-wal", "-shm")] == [0o600] * 3


def test_a_read_sees_one_moment_on_sqlite(database: Database) -> None:
    database.write(lambda connection: insert(connection, 1))
    counts: list[int] = []

    def count(connection: Connection) -> int:
        return connection.execute(text("SELECT count(*) FROM numbers")).scalar_one()

    with database.engine.connect() as connection, connection.begin():
        counts.append(count(connection))
        database.write(lambda other: insert(other, 2))
        counts.append(count(connection))
    assert counts == [1, 1]
    assert numbers(database) == [1, 2]


def test_the_hub_runs_on_while_sqlite_works(database: Database) -> None:
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


def test_the_hub_runs_on_while_sqlite_waits_for_another_writer(database: Database, sqlite_url: str) -> None:
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


def test_connections_are_given_back_whatever_happens(database: Database) -> None:
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            database.read(lambda connection: 1 // 0)
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert numbers(database) == []


# --- In turn ------------------------------------------------------------------------------------


def test_what_recipients_read_is_read_in_turn_and_leaves_connections_to_the_log(database: Database) -> None:
    """Three connections, of which two are kept free."""
    begun: list[int] = []

    def read(number: int) -> None:
        database.read_in_turn(lambda connection: begun.append(number))

    turns = database._turns
    assert turns.counter == 1
    assert turns.acquire(blocking=False)  # somebody reads
    waiting = [gevent.spawn(read, number) for number in range(5)]
    gevent.sleep(0.05)
    assert begun == []
    assert numbers(database) == [], "others go on"
    database.write(lambda connection: insert(connection, 1))
    turns.release()
    gevent.joinall(waiting, timeout=PATIENCE_SECONDS, raise_error=True)
    assert begun == [0, 1, 2, 3, 4], "first come, first served"


def test_a_wait_for_a_turn_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "TURN_SECONDS", 0.01)
    assert database._turns.acquire(blocking=False)
    with pytest.raises(UnavailableError):
        database.read_in_turn(lambda connection: None)
    database._turns.release()
    database.read_in_turn(lambda connection: None)


def test_a_turn_ends_with_an_error_too(database: Database) -> None:
    def fail(_: Connection) -> None:
        raise LookupError("mine")

    for _ in range(3):
        with pytest.raises(LookupError):
            database.read_in_turn(fail)
    assert database._turns.counter == 1

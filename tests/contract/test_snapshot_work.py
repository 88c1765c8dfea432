"""The cost of a snapshot and of a backlog: it depends on what the recipient has, not on the length of the log.

A recipient with many audiences costs a few times a plain one, not once for each audience.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from notifygate.domain.cursor import MAX_SEQUENCE, CursorCodec
from notifygate.domain.principal import Recipient
from notifygate.inbox.page import read_page
from notifygate.inbox.view import View
from notifygate.inbox.view_reader import read_view
from notifygate.log.transaction import LogTransaction
from notifygate.storage.database import Database
from notifygate.storage.stores.contents import read_counts, read_newest
from notifygate.storage.stores.entries import read_entries_for
from notifygate.storage.stores.inboxes import ensure_inbox
from notifygate.storage.stores.pruning import read_dismissed
from notifygate.storage.tables import FOLLOWS
from tests.support.builders import append, make_notification, open_database
from tests.support.query_plans import plan_of

CODEC = CursorCodec(("a secret for cursors, of more than 32 bytes",))
FOREVER = 10**15
PLAIN = Recipient("plain", (), FOREVER)
WIDE = Recipient("wide", tuple(sorted(f"role {n}" for n in range(100))), FOREVER)
TOPICS = 200
MOST_TIMES = 5
"""A snapshot with 100 roles and 200 topics costs at most so many times as much as a plain one."""


READS: dict[str, Callable[[Connection, View], Any]] = {
    "counts": read_counts,
    "newest": lambda connection, view: read_newest(connection, view, 51),
    "backlog": lambda connection, view: read_entries_for(connection, view.audiences, 0, MAX_SEQUENCE, 51),
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A log in which few entries of many are for the two recipients, with up-to-date statistics."""
    opened = open_database(database_url)
    opened.write(_begin_inboxes)
    mine = (("user:plain", "user:wide"), ("all",), ("role:role 1", "role:role 2", "topic:t3"), ("topic:t4",))
    for n in range(20):
        append(opened, *(make_notification(*to, title=f"{n}") for to in mine))
        append(opened, *(make_notification(f"user:other {n} {other}") for other in range(200)))
    with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    yield opened
    opened.engine.dispose()


def _begin_inboxes(connection: Connection) -> None:
    transaction = LogTransaction(connection)
    for recipient in (PLAIN, WIDE):
        ensure_inbox(transaction.connection, recipient.id, transaction.head)
    follows = [{"recipient": WIDE.id, "topic": f"t{n}", "since_seq": 0} for n in range(TOPICS)]
    connection.execute(FOLLOWS.insert(), follows)


def view_of(connection: Connection, recipient: Recipient) -> View:
    view = read_view(connection, recipient, CODEC)
    assert view is not None
    return view


def read_snapshot(connection: Connection, recipient: Recipient) -> tuple[tuple[int, int, int], list[bytes]]:
    view = view_of(connection, recipient)
    return read_counts(connection, view), read_page(connection, view, 51)


@pytest.mark.both_databases
def test_a_snapshot_has_the_notifications_of_every_audience_once(database: Database) -> None:
    plain, wide = (database.read(lambda c, who=who: read_snapshot(c, who)) for who in (PLAIN, WIDE))
    assert (plain[0], len(plain[1])) == ((40, 40, 40), 40)
    assert (wide[0], len(wide[1])) == ((80, 80, 80), 51)


@pytest.mark.both_databases
def test_the_statements_are_the_same_for_every_number_of_audiences(database: Database) -> None:
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    def noted(recipient: Recipient) -> list[str]:
        statements.clear()
        view = database.read(lambda connection: view_of(connection, recipient))
        database.read(lambda connection: (read_counts(connection, view), read_newest(connection, view, 51)))
        return list(statements)

    event.listen(database.engine, "before_cursor_execute", note)
    assert noted(WIDE) == noted(PLAIN)


@pytest.mark.both_databases
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_statements_read_ranges_of_the_primary_key(
    database: Database, read: Callable[[Connection, View], object]
) -> None:
    """They don't scan the whole log, however few audiences the recipient has."""
    for recipient in (PLAIN, WIDE):
        view = database.read(lambda connection, who=recipient: view_of(connection, who))
        plan = plan_of(database, lambda connection, view=view: read(connection, view))
        assert "SCAN e" not in plan, plan
        assert "Seq Scan on log_entries" not in plan, plan
        assert "PRIMARY KEY (audience=?" in plan or "pk_log_entries" in plan, plan


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_prepared_statements_of_postgresql_read_no_more_of_the_log(
    database: Database, read: Callable[[Connection, View], object]
) -> None:
    """After five executions the server may plan a statement for values that it doesn't know."""

    def rows_read(connection: Connection) -> int:
        view = view_of(connection, WIDE)
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.prepare_threshold = 0
        read(connection, view)
        statistics = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'log_entries'"
        return connection.exec_driver_sql(statistics).scalar_one()

    rows = database.read(rows_read)
    assert rows < 1000, rows


@pytest.mark.both_databases
def test_retention_reads_only_the_inboxes_of_a_part_of_the_log(database: Database) -> None:
    plan = plan_of(database, lambda connection: read_dismissed(connection, 100, 110, FOREVER))
    assert "SCAN i" not in plan, plan
    assert "Seq Scan on inboxes" not in plan, plan


def steps(database: Database, work: Callable[[Connection], object]) -> int:
    """Return how many instructions SQLite's virtual machine runs for a function."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    def counted(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(step, 1)
        try:
            work(connection)
        finally:
            driver.set_progress_handler(None, 1)

    database.read(counted)
    return count


def test_the_newest_are_read_no_further_than_the_limit(database: Database) -> None:
    view = database.read(lambda connection: view_of(connection, WIDE))
    before = steps(database, lambda connection: read_newest(connection, view, 10))
    append(database, *(make_notification("all") for _ in range(1000)))
    after = steps(database, lambda connection: read_newest(connection, view, 10))
    assert after < before + 1000


def test_many_audiences_cost_a_few_times_as_much_as_few(database: Database) -> None:
    """The least processor time of several runs of each: other programs' load makes no run shorter."""

    def least_seconds(recipient: Recipient) -> float:
        seconds: list[float] = []
        with database.engine.connect() as connection:
            for _ in range(30):
                began = time.thread_time()
                read_snapshot(connection, recipient)
                seconds.append(time.thread_time() - began)
        return min(seconds)

    assert least_seconds(WIDE) < MOST_TIMES * least_seconds(PLAIN)

"""A promoted PostgreSQL is noticed by its timeline: nothing is appended to the old epoch, and one new epoch begins."""

from collections.abc import Iterator, Sequence

import gevent
import pytest
from sqlalchemy import Connection, text, update

from notifygate.errors import ConfigurationError, UnavailableError
from notifygate.log.follower import Follower
from notifygate.log.tail import Tail
from notifygate.log.transaction import LogTransaction, adopt_timeline
from notifygate.log.writer import LogWriter, run_transaction
from notifygate.storage.database import Database, StandbyError, make_engine
from notifygate.storage.migrate import migrate
from notifygate.storage.readiness import check_database
from notifygate.storage.stores.head import Head, read_head
from notifygate.storage.tables import HEAD
from notifygate.storage.timeline import TimelinePolicy
from tests.support.builders import append, make_notification, open_database
from tests.support.postgres_server import PostgresServer
from tests.support.waiting import PATIENCE_SECONDS, eventually

ANOTHER = "0000000A"
"""A timeline that no server of the tests is on."""


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """A database whose timeline is known."""
    made = open_database(postgres_url, pool_size=20)
    migrate(made)
    adopt_timeline(made)
    yield made
    made.engine.dispose()


def as_if_promoted(database: Database, timeline: str | None = ANOTHER) -> Head:
    """Store another timeline than the server's, as a promotion leaves it behind; return the head."""
    database.write(lambda connection: connection.execute(update(HEAD).values(timeline=timeline)))
    return head_of(database)


def head_of(database: Database) -> Head:
    return database.read(read_head)


def with_policy(database: Database, policy: TimelinePolicy) -> Database:
    return Database(database.engine, policy)


def follower_of(database: Database, tail: Tail, restarts: list[int]) -> Follower:
    follower = Follower(database, tail, capacity=10, check_interval_seconds=0.05)
    follower.on_restart.append(lambda: restarts.append(1))
    return follower


def test_first_timeline_is_stored_without_a_new_epoch(database: Database) -> None:
    before = as_if_promoted(database, None)
    append(database, make_notification())
    after = head_of(database)
    assert (after.epoch, after.seq) == (before.epoch, before.seq + 1)
    assert after.timeline == after.server_timeline
    assert after.timeline is not None
    assert len(after.timeline) == 8


def test_publication_on_a_new_timeline_begins_a_new_epoch_first(database: Database) -> None:
    append(database, make_notification())
    before = as_if_promoted(database)
    (published,) = append(database, make_notification())
    after = head_of(database)
    assert after.epoch != before.epoch
    assert after.timeline == after.server_timeline
    assert published.seq == after.seq == before.seq + 1


def test_no_single_statement_appends_to_the_old_epoch_on_a_new_timeline(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement itself requires the timeline: a promotion between a read and an append changes nothing."""
    before = as_if_promoted(database)
    seen: list[Head] = []

    def note(_: Database) -> None:
        seen.append(head_of(database))
        adopt_timeline(database)

    monkeypatch.setattr("notifygate.log.append.adopt_timeline", note)
    append(database, make_notification())
    assert seen == [before], "nothing was appended before the timeline was adopted"


def test_change_on_a_new_timeline_is_made_in_the_new_epoch(database: Database) -> None:
    before = as_if_promoted(database)
    (epoch,), committed, _ = run_transaction(database, [lambda transaction: transaction.epoch])
    assert epoch == committed == head_of(database).epoch != before.epoch


def test_read_of_the_head_begins_a_new_epoch_without_any_write(database: Database) -> None:
    tail, restarts = Tail(10), []
    follower = follower_of(database, tail, restarts)
    follower.start()
    try:
        before = as_if_promoted(database)
        eventually(lambda: bool(restarts), "the follower's restart")
        assert tail.epoch == head_of(database).epoch != before.epoch
    finally:
        follower.stop()


def test_many_writers_at_once_begin_exactly_one_new_epoch(
    database: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    begin_new_epoch = LogTransaction.begin_new_epoch

    def note_and_begin(self: LogTransaction, epoch: int) -> None:
        begun.append(epoch)
        begin_new_epoch(self, epoch)

    monkeypatch.setattr(LogTransaction, "begin_new_epoch", note_and_begin)
    # Without time-outs, which a busy machine might reach while they wait for the lock.
    holder, *others = [Database(make_engine(postgres_url, prepares=False)) for _ in range(4)]
    writers = [LogWriter(each, lambda announcement: None) for each in others]
    followers = [follower_of(each, Tail(10), []) for each in others]
    before = as_if_promoted(database)
    try:
        work = holder.write(lambda connection: start_while_locked(connection, database, writers, followers))
        gevent.joinall(work, timeout=PATIENCE_SECONDS, raise_error=True)
        assert begun == [head_of(database).epoch]
        assert head_of(database).epoch != before.epoch
        assert head_of(database).seq == before.seq + len(writers)
    finally:
        for part in (*writers, *followers):
            part.stop()
        for each in (holder, *others):
            each.engine.dispose()


def start_while_locked(
    connection: Connection, database: Database, writers: Sequence[LogWriter], followers: Sequence[Follower]
) -> list[gevent.Greenlet]:
    """Start writers and followers while a transaction that begins a new epoch is open; return when all wait for its lock.

    The writers publish. Returns the greenlets that publish and those that start the followers.
    """
    LogTransaction(connection)
    for writer in writers:
        writer.start()
    work = [gevent.spawn(writer.publish, make_notification()) for writer in writers]
    work += [gevent.spawn(follower.start) for follower in followers]
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    eventually(
        lambda: database.read(lambda other: other.execute(waiting).scalar_one()) == len(work), "all of them wait"
    )
    return work


def test_synchronous_standby_begins_no_new_epoch(database: Database) -> None:
    synchronous = with_policy(database, TimelinePolicy.RECORDED)
    before = as_if_promoted(synchronous)
    append(synchronous, make_notification())
    after = head_of(synchronous)
    assert after.epoch == before.epoch
    assert after.timeline == after.server_timeline


def test_ignored_timeline_is_neither_read_nor_stored(database: Database) -> None:
    as_if_promoted(database)
    before = head_of(with_policy(database, TimelinePolicy.IGNORED))
    assert (before.timeline, before.server_timeline) == (None, None)
    append(with_policy(database, TimelinePolicy.IGNORED), make_notification())
    adopt_timeline(with_policy(database, TimelinePolicy.IGNORED))
    after = head_of(database)
    assert (after.epoch, after.timeline) == (before.epoch, ANOTHER)


def test_provider_that_hides_the_timeline_is_refused_with_the_setting_to_change(
    database: Database, postgres_url: str
) -> None:
    name = database.engine.url.database

    def hide(connection: Connection) -> None:
        connection.execute(text("CREATE SCHEMA hiding"))
        connection.execute(
            text(
                "CREATE FUNCTION hiding.pg_current_wal_lsn() RETURNS pg_lsn LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'not supported' USING ERRCODE = '0A000'; END $$"
            )
        )
        connection.execute(text(f"ALTER DATABASE {name} SET search_path = hiding, public, pg_catalog"))

    database.write(hide)
    engine = make_engine(postgres_url)
    try:
        with pytest.raises(ConfigurationError, match="NOTIFYGATE_DATABASE_TIMELINE=false"):
            check_database(Database(engine), ["a secret"])
        without = Database(engine, TimelinePolicy.IGNORED)
        check_database(without, ["a secret"])
        append(without, make_notification())
        assert head_of(without).seq == 1
    finally:
        engine.dispose()


def test_standby_is_unavailable_and_its_connections_are_not_kept() -> None:
    """With several hosts in the URL, the next connections find the server that can be written."""
    primary = PostgresServer()
    standby = PostgresServer(primary=primary)
    try:
        primary.start()
        url = primary.create_database()
        writable = open_database(url)
        migrate(writable)
        append(writable, make_notification())
        writable.engine.dispose()
        standby.start()
        standby.await_copy()
        there = Database(make_engine(url.replace(f":{primary.port}/", f":{standby.port}/")))
        for failing, error in (
            (lambda: append(there, make_notification()), UnavailableError),
            (lambda: adopt_timeline(there), UnavailableError),
            (lambda: follower_of(there, Tail(10), []).start(), StandbyError),
        ):
            assert head_of(there).seq == 1
            assert there.engine.pool.checkedin() == 1  # type: ignore[attr-defined]
            with pytest.raises(error):
                failing()
            assert there.engine.pool.checkedin() == 0, "a connection was kept"  # type: ignore[attr-defined]
        there.engine.dispose()
    finally:
        standby.close()
        primary.close()

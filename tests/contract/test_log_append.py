"""The contract of appending to the log, on SQLite and on PostgreSQL: order, no gaps, no append fails its neighbours."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from notifygate.announcements.announcement import Announcement
from notifygate.domain.entry import Entry, EntryKind
from notifygate.errors import NotFoundError, UnavailableError
from notifygate.log import transaction as transaction_module
from notifygate.log import writer as writer_module
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database
from notifygate.storage.stores import entries as entries_module
from notifygate.storage.stores.append import ClaimTakenError, IdempotencyClaim
from notifygate.storage.stores.entries import read_range
from notifygate.storage.stores.head import Head, read_head
from notifygate.storage.tables import ENTRIES, INBOXES, RECORDS, STATES
from tests.support.builders import append, make_notification, one_batch, open_database
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.both_databases


class Log:
    """A database, its one writer, and the writer's announcements."""

    def __init__(self, url: str) -> None:
        self.database = open_database(url)
        self.announced: list[Announcement] = []
        self.writer = LogWriter(self.database, self.announced.append)

    @property
    def head(self) -> Head:
        return self.database.read(read_head)

    def entries(self) -> list[Entry]:
        entries, _ = self.database.read(lambda connection: read_range(connection, 0, 1 << 40))
        return entries

    def titles(self) -> list[str]:
        documents = [entry.notification.json_for("all", None, None) for entry in self.entries() if entry.notification]
        return [json.loads(text)["title"] for text in documents]

    def count(self, table: Any) -> int:
        return self.database.read(
            lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
        )

    def close(self) -> None:
        self.writer.stop()
        self.database.engine.dispose()


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    made = Log(database_url)
    yield made
    made.close()


def append_state(transaction: LogTransaction) -> int:
    """Append an entry as a recipient's state change would; return its sequence number."""
    return transaction.append(EntryKind.VIEW, ("user:alice",)).seq


def claim(name: str) -> IdempotencyClaim:
    return IdempotencyClaim("key", name, "a hash", "{}")


def test_numbers_have_no_gaps_however_many_append_at_once(log: Log) -> None:
    log.writer.start()
    notifications = [make_notification(title=str(n)) for n in range(60)]
    publishers = [gevent.spawn(log.writer.publish, notification) for notification in notifications]
    changes = [gevent.spawn(log.writer.transact, append_state) for _ in range(20)]
    gevent.joinall([*publishers, *changes], timeout=PATIENCE_SECONDS, raise_error=True)
    positions = [notification.seq for notification in notifications] + [change.value for change in changes]
    assert sorted(positions) == list(range(1, 81))
    assert [entry.seq for entry in log.entries()] == list(range(1, 81))
    assert log.head.seq == 80


def test_announcements_are_the_committed_entries_in_order(log: Log) -> None:
    log.writer.start()
    gevent.joinall([gevent.spawn(log.writer.publish, make_notification(title=str(n))) for n in range(30)])
    log.writer.transact(append_state)
    announced = [entry for announcement in log.announced for entry in announcement.entries or ()]
    assert [entry.seq for entry in announced] == list(range(1, 32))
    assert [(a.epoch, a.first, a.last) for a in log.announced] == [
        (log.head.epoch, a.entries[0].seq, a.entries[-1].seq) for a in log.announced if a.entries
    ]
    for ours, stored in zip(announced, log.entries(), strict=True):
        assert (ours.seq, ours.kind, ours.audiences) == (stored.seq, stored.kind, stored.audiences)
        assert (ours.notification and ours.notification.id) == (stored.notification and stored.notification.id)


@pytest.mark.parametrize(
    ("most", "announced"), [(512, [(1, 20)]), (8, [(1, 8), (9, 16), (17, 20)])], ids=["whole", "bounded"]
)
def test_queued_publications_are_committed_together_up_to_a_bound(
    log: Log, monkeypatch: pytest.MonkeyPatch, most: int, announced: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(writer_module, "MAX_BATCH", most)
    with one_batch(log.writer) as submit:
        for n in range(20):
            submit(log.writer.publish, make_notification(title=str(n)))
    assert [(a.first, a.last) for a in log.announced] == announced
    assert log.titles() == [str(n) for n in range(20)]


def test_publications_to_many_audiences_are_committed_in_parts(log: Log) -> None:
    """512 with 1,000 audiences took 6 to 9 s on PostgreSQL, longer than other workers wait for the lock."""
    to = [f"user:{n}" for n in range(1000)]
    with one_batch(log.writer) as submit:
        for _ in range(12):
            submit(log.writer.publish, make_notification(*to))
    assert [(a.first, a.last) for a in log.announced] == [(1, 5), (6, 10), (11, 12)]


def test_changes_with_many_entries_are_committed_in_parts(log: Log) -> None:
    """60 recipients who each marked 500 notifications took one transaction of 12 s on PostgreSQL."""

    def append_many(transaction: LogTransaction) -> int:
        return [append_state(transaction) for _ in range(500)][-1]

    with one_batch(log.writer) as submit:
        greenlets = [submit(log.writer.transact, append_many) for _ in range(24)]
    assert [greenlet.value for greenlet in greenlets] == list(range(500, 12_500, 500))
    assert [(a.first, a.last) for a in log.announced] == [(1, 5000), (5001, 10_000), (10_001, 12_000)]


def test_changes_that_share_no_commit_with_a_failed_one_have_their_results(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction_module, "ROWS_PER_COMMIT", 2)
    write, writes = log.database.write, list[bool]()

    def write_once(work: Any) -> Any:
        writes.append(True)
        if len(writes) > 1:
            raise UnavailableError("the answer to the commit was lost")
        return write(work)

    monkeypatch.setattr(log.database, "write", write_once)
    with one_batch(log.writer) as submit:
        greenlets = [submit(log.writer.transact, append_state) for _ in range(4)]
    assert [greenlet.value for greenlet in greenlets] == [1, 2, None, None]
    assert all(isinstance(greenlet.exception, UnavailableError) for greenlet in greenlets[2:])
    assert [entry.seq for entry in log.entries()] == [1, 2]
    assert log.writer.is_failing


def test_a_change_that_raises_leaves_no_gap_and_no_row(log: Log) -> None:
    log.writer.start()

    def write_and_raise(transaction: LogTransaction) -> None:
        append_state(transaction)
        transaction.connection.execute(insert(STATES).values(recipient="alice", seq=1))
        raise NotFoundError("no")

    log.writer.publish(make_notification())
    with pytest.raises(NotFoundError, match="no"):
        log.writer.transact(write_and_raise)
    assert log.writer.transact(append_state) == 2
    assert log.head.seq == 2
    assert log.count(STATES) == 0


@pytest.mark.parametrize("most_rows", [5000, 1], ids=["whole", "bounded"])
def test_a_change_that_raises_never_fails_its_neighbours(
    log: Log, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    monkeypatch.setattr(transaction_module, "ROWS_PER_COMMIT", most_rows)
    runs: list[str] = []

    def named(name: str) -> Any:
        def change(transaction: LogTransaction) -> str:
            runs.append(name)
            append_state(transaction)
            if name == "bad":
                raise NotFoundError("no")
            return name

        return change

    with one_batch(log.writer) as submit:
        greenlets = [submit(log.writer.transact, named(name)) for name in ("first", "bad", "last")]
    assert [greenlet.value for greenlet in greenlets] == ["first", None, "last"]
    assert isinstance(greenlets[1].exception, NotFoundError)
    assert [entry.seq for entry in log.entries()] == [1, 2]
    assert log.head.seq == 2
    assert runs.count("bad") == 2, "it ran with its neighbours and once on its own"


def test_a_claim_that_is_taken_never_fails_its_neighbours(log: Log) -> None:
    log.writer.start()
    log.writer.publish(make_notification(title="the first claim"), claim("taken"))
    log.writer.stop()
    with one_batch(log.writer) as submit:
        submit(log.writer.publish, make_notification(title="before"))
        refused = submit(log.writer.publish, make_notification(title="refused"), claim("taken"))
        submit(log.writer.publish, make_notification(title="after"), claim("free"))
    assert isinstance(refused.exception, ClaimTakenError)
    assert log.titles() == ["the first claim", "before", "after"]
    assert [entry.seq for entry in log.entries()] == [1, 2, 3]
    assert log.count(RECORDS) == 2


def test_of_two_equal_claims_in_one_batch_exactly_one_is_published(log: Log) -> None:
    with one_batch(log.writer) as submit:
        greenlets = [submit(log.writer.publish, make_notification(title="once"), claim("same")) for _ in range(3)]
        submit(log.writer.publish, make_notification(title="neighbour"))
    failed = [greenlet for greenlet in greenlets if greenlet.exception]
    assert len(failed) == 2
    assert sorted(log.titles()) == ["neighbour", "once"]
    assert log.head.seq == 2


def test_a_publication_that_the_database_refuses_never_fails_its_neighbours(log: Log) -> None:
    twin = make_notification(title="twin")
    with one_batch(log.writer) as submit:
        submit(log.writer.publish, make_notification(title="before"))
        submit(log.writer.publish, twin)
        refused = submit(log.writer.publish, make_notification(title="refused", id=twin.id))
        submit(log.writer.publish, make_notification(title="after"))
    assert isinstance(refused.exception, IntegrityError)
    assert log.titles() == ["before", "twin", "after"]


def test_a_refused_append_begins_no_inbox_and_announces_nothing(log: Log) -> None:
    log.writer.start()
    twin = make_notification()
    log.writer.publish(twin)
    with pytest.raises(IntegrityError):
        log.writer.publish(make_notification("user:carol", id=twin.id), claim("lost"))
    assert (log.count(INBOXES), log.count(RECORDS), log.count(ENTRIES)) == (0, 0, 1)


def test_an_append_with_an_unknown_outcome_is_not_repeated(log: Log) -> None:
    """After a lost connection the commit may have taken place: repeating it could publish twice."""
    attempts: list[int] = []

    class LosingDatabase(Database):
        def _run(self, *arguments: Any) -> Any:
            attempts.append(1)
            super()._run(*arguments)
            raise UnavailableError("the answer to the commit was lost")

    writer = LogWriter(LosingDatabase(log.database.engine), log.announced.append)
    with one_batch(writer) as submit:
        greenlets = [submit(writer.publish, make_notification(title=str(n))) for n in range(3)]
    writer.stop()
    assert all(isinstance(greenlet.exception, UnavailableError) for greenlet in greenlets)
    assert len(attempts) == 1
    assert log.titles() == ["0", "1", "2"]


def test_a_publication_past_the_longest_queue_is_refused_and_not_kept(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING", 2)
    with one_batch(log.writer) as submit:
        submit(log.writer.publish, make_notification(title="kept"))
        submit(log.writer.publish, make_notification(title="kept too"))
        refused = submit(log.writer.publish, make_notification(title="refused"))
    assert isinstance(refused.exception, UnavailableError)
    assert log.titles() == ["kept", "kept too"]


def test_a_published_notification_is_read_back_whole(log: Log) -> None:
    written = make_notification(
        "user:älïce 🦉", "all", type="deploy.finished", title="Größe ≥ 1\u2028'\"\\%(x)s :y ?", body="line\nline\ttab {}",
        priority="critical", sender="", icon="https://example.org/i.png", action_url="/a?b=c",
        data='{"a":[1,null,"\\u0000"]}', expires_at=4_102_444_800_000,
    )  # fmt: skip
    append(log.database, written)
    read = log.entries()[0].notification
    assert read is not None
    for field in ("seq", "id", "type", "to", "document"):
        assert getattr(read, field) == getattr(written, field), field


def test_a_commit_is_on_the_disk_before_it_is_answered(log: Log) -> None:
    """The settings that ensure it, and the entries that another connection reads; no test cuts the power."""
    if log.database.is_sqlite:
        wanted = {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2}
    else:
        wanted = {"SHOW synchronous_commit": "on"}

    def ask(connection: Connection) -> dict[str, Any]:
        return {question: connection.execute(text(question)).scalar_one() for question in wanted}

    assert log.database.read(ask) == wanted
    assert log.database.write(ask) == wanted
    log.writer.start()
    for seq in (1, 2, 3):
        log.writer.publish(make_notification())
        assert [entry.seq for entry in log.entries()][-1:] == [seq]


def test_an_inbox_begins_right_before_the_first_notification_to_its_recipient(log: Log) -> None:
    append(
        log.database,
        make_notification("all"),
        make_notification("all", "user:alice"),
        make_notification("user:alice", "user:bob"),
        make_notification("role:carol", "topic:user"),
    )
    append(log.database, make_notification("user:alice"), make_notification("user:dave"))
    rows = log.database.read(lambda connection: connection.execute(select(INBOXES)).all())
    assert {row.recipient: row.started_seq for row in rows} == {"alice": 1, "bob": 2, "dave": 5}


def test_an_open_transaction_holds_the_log_until_it_commits(log: Log, database_url: str) -> None:
    """The rule that every cursor needs: no append gets a number before the one with the smaller number commits."""
    append(log.database, make_notification(title="first"))
    other = open_database(database_url)
    late = make_notification(title="late")
    writing = log.database.engine.execution_options(notifygate_write=True)
    with writing.connect() as connection, connection.begin():
        transaction = LogTransaction(connection)
        waiting = gevent.spawn(append, other, late)
        eventually(lambda: other.engine.pool.checkedout() == 1, "the second append's connection")  # type: ignore[attr-defined]
        if not log.database.is_sqlite:  # SQLite's wait can't be seen from outside
            eventually(lambda: is_any_session_waiting_for_a_lock(log.database), "the second append's wait for the lock")
        assert append_state(transaction) == 2
        transaction.flush()
        assert not waiting.ready()
        assert other.read(read_head).seq == 1
        assert len(other.read(lambda c: read_range(c, 0, 100))[0]) == 1
    waiting.join(PATIENCE_SECONDS)
    assert late.seq == 3
    assert [entry.seq for entry in log.entries()] == [1, 2, 3]
    other.engine.dispose()


def is_any_session_waiting_for_a_lock(database: Database) -> bool:
    statement = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(database.read(lambda connection: connection.execute(statement).scalar_one()))


def test_a_transaction_that_rolls_back_gives_its_numbers_to_the_next(log: Log, database_url: str) -> None:
    other = open_database(database_url)
    late = make_notification(title="late")
    writing = log.database.engine.execution_options(notifygate_write=True)
    with writing.connect() as connection:
        begun = connection.begin()
        transaction = LogTransaction(connection)
        append_state(transaction)
        transaction.flush()
        waiting = gevent.spawn(append, other, late)
        gevent.idle()
        begun.rollback()
    waiting.join(PATIENCE_SECONDS)
    assert late.seq == 1
    assert log.titles() == ["late"]
    other.engine.dispose()


def test_a_new_epoch_is_part_of_the_next_announcement(log: Log) -> None:
    log.writer.start()
    log.writer.publish(make_notification())
    fresh = (log.head.epoch + 1) % (1 << 20)
    log.writer.transact(lambda transaction: transaction.begin_new_epoch(fresh))
    log.writer.publish(make_notification())
    assert log.head.epoch == fresh
    assert log.announced[-1].epoch == fresh
    assert log.announced[0].epoch != fresh
    assert [entry.seq for entry in log.entries()] == [1, 2], "numbers go on: only cursors are invalid"


def test_the_floor_only_rises(log: Log) -> None:
    log.writer.start()
    for _ in range(3):
        log.writer.publish(make_notification())
    log.writer.transact(lambda transaction: transaction.prune_up_to(2))
    log.writer.transact(lambda transaction: transaction.prune_up_to(1))
    assert log.head.floor == 2


def test_a_change_that_appends_nothing_is_not_announced(log: Log) -> None:
    log.writer.start()
    assert log.writer.transact(lambda transaction: transaction.head) == 0
    assert log.announced == []
    assert log.head.seq == 0


def test_a_thousand_audiences_are_one_entry(log: Log) -> None:
    to = [f"user:{secrets.token_hex(4)}" for _ in range(1000)]
    append(log.database, make_notification(*to))
    (entry,) = log.entries()
    assert entry.audiences == tuple(to)
    assert (log.count(ENTRIES), log.count(INBOXES), log.head.seq) == (1000, 1000, 1)


def test_the_document_of_an_entry_with_many_audiences_is_read_once(log: Log) -> None:
    """Joined to each audience, the documents of 60 entries with 1,000 audiences took 3 s and 1.3 GiB on PostgreSQL."""
    append(log.database, make_notification(*(f"user:{n}" for n in range(1000)), body="x" * 1000))
    read: list[str] = []
    execute = Connection.execute

    def execute_and_note(self: Connection, *arguments: Any) -> Any:
        frozen = execute(self, *arguments).freeze()
        read.extend(row.document for row in frozen() if hasattr(row, "document"))
        return frozen()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "execute", execute_and_note)
        (entry,), _ = log.database.read(lambda connection: read_range(connection, 0, 1))
    assert entry.notification is not None
    assert [document.encode() for document in read] == [entry.notification.document]


@pytest.mark.parametrize("most_rows", [1, 4, 6])
def test_entries_read_in_ranges_of_few_rows_are_whole(
    log: Log, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    log.writer.start()
    audiences = [tuple(f"topic:{n}" for n in range(count)) for count in (3, 1, 10, 2, 1)]
    for to in audiences:
        log.writer.transact(lambda transaction, to=to: transaction.append(EntryKind.VIEW, to).seq)
    monkeypatch.setattr(entries_module, "ROWS_PER_RANGE", most_rows)
    read: list[Entry] = []
    reads = end = 0
    while end < log.head.seq:
        some, end = log.database.read(lambda connection: read_range(connection, end, log.head.seq))  # noqa: B023
        assert sum(len(entry.audiences) for entry in some[:-1]) < most_rows
        read += some
        reads += 1
    assert [(entry.seq, set(entry.audiences)) for entry in read] == list(enumerate(map(set, audiences), 1))
    assert reads == {1: 5, 4: 3, 6: 2}[most_rows]


def test_a_failed_announcement_fails_no_commit(log: Log) -> None:
    def fail(_: Announcement) -> None:
        raise TypeError

    announced: list[Announcement] = []
    writer = LogWriter(log.database, fail, announced.append)
    writer.start()
    try:
        writer.publish(make_notification(title="published"))
        assert writer.transact(lambda transaction: transaction.append(EntryKind.VIEW, ("all",)).seq) == 2
    finally:
        writer.stop()
    assert log.titles() == ["published"]
    assert [announcement.last for announcement in announced] == [1, 2], "other listeners are called"


def test_a_batch_whose_announcement_can_not_be_made_is_committed_once(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise TypeError

    monkeypatch.setattr(writer_module, "announce", fail)
    with one_batch(log.writer) as submit:
        calls = [submit(log.writer.publish, make_notification(title=title)) for title in ("first", "second")]
        calls += [submit(log.writer.transact, append_state) for _ in range(2)]
    assert [call.successful() for call in calls] == [True] * 4
    assert log.titles() == ["first", "second"]
    assert log.head.seq == 4

"""Changes between two reads of one poll, or while it waits for the database, are neither lost nor returned wrongly."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
import pytest
from sqlalchemy import Connection, delete, event, update

from notifygate.inbox import backlog
from notifygate.inbox.views import Views
from notifygate.log.transaction import other_epoch
from notifygate.storage.database import Database, StandbyError
from notifygate.storage.stores.head import Head, read_head
from notifygate.storage.tables import ENTRIES, HEAD, INBOXES, NOTIFICATIONS
from tests.support.in_process import InProcessGateway, RecipientActor
from tests.support.metric_values import metric
from tests.support.waiting import eventually

pytestmark = pytest.mark.both_databases

MakeApp = Callable[..., InProcessGateway]


def walk(recipient: RecipientActor, cursor: str, **query: Any) -> list[dict[str, Any]]:
    """Poll from a cursor to the end and return every page."""
    pages = [recipient.inbox(cursor, **query)]
    while pages[-1]["has_more"] or pages[-1]["notifications"] or pages[-1]["removed"]:
        pages.append(recipient.inbox(pages[-1]["cursor"], **query))
    return pages


class Behind:
    """A gateway whose recipient alice has an old cursor: everything published since is no longer in memory."""

    def __init__(self, make_app: MakeApp, count: int, **settings: Any) -> None:
        self.gateway = make_app(tail_entries=10, **settings)
        self.publisher, self.alice = self.gateway.publisher(), self.gateway.recipient("alice")
        self.cursor = self.alice.inbox()["cursor"]
        self.wanted = [f"number {n}" for n in range(count)]
        for title in self.wanted:
            self.publisher.publish("user:alice", title)
        self.alice.inbox()

    def publish_and_poll(self) -> None:
        """Publish, and advance the recipient's view to the head of the log, as a poll of another device does."""
        self.publisher.publish("user:alice", "in between")
        self.alice.inbox()


def titles(pages: list[dict[str, Any]]) -> list[str]:
    return [item["title"] for page in pages for item in page["notifications"]]


def meanwhile(monkeypatch: pytest.MonkeyPatch, database: Database, when: Callable[[], bool], act: Callable[[], Any]):
    """Run `act` once, right after a read of the database, as another greenlet would.

    Only after a read of this test's own greenlet: the follower and the jobs read, too.
    """
    read, mine = Database.read, gevent.getcurrent()
    done: list[bool] = []

    def read_and_act(self: Database, work: Callable[..., Any]) -> Any:
        result = read(self, work)
        if self is database and gevent.getcurrent() is mine and not done and when():
            done.append(True)
            act()
        return result

    monkeypatch.setattr(Database, "read", read_and_act)
    return done


def backlog_reads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that grows with each read of a backlog from the database, right before it."""
    reads: list[bool] = []
    read_entries_for = backlog.read_entries_for

    def note_and_read(*arguments: Any) -> Any:
        reads.append(True)
        return read_entries_for(*arguments)

    monkeypatch.setattr(backlog, "read_entries_for", note_and_read)
    return reads


def test_a_publication_while_a_poll_reads_is_not_skipped(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll with an old cursor reads the database; meanwhile another device of the same recipient polls."""
    behind = Behind(make_app, 20)
    reads = backlog_reads(monkeypatch)
    database = behind.gateway.services.database
    done = meanwhile(monkeypatch, database, lambda: bool(reads), behind.publish_and_poll)
    pages = walk(behind.alice, behind.cursor)
    assert done, "the poll was answered from memory, so this proves nothing"
    assert titles(pages) == [*behind.wanted, "in between"]
    assert pages[-1]["unread"] == len(behind.wanted) + 1


def test_a_publication_while_a_poll_reads_a_removed_state_is_not_skipped(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last state of a removed notification is read; meanwhile another device of the recipient polls."""
    behind = Behind(make_app, 0)
    gateway, publisher, alice = behind.gateway, behind.publisher, behind.alice
    removed = publisher.publish("user:alice", "taken back")
    cursor = alice.inbox()["cursor"]
    publisher.delete(f"/v1/notifications/{removed}")
    gateway.services.views.clear()  # so that the view is read after the removal, whose last state was not read yet
    alice.inbox()
    done = meanwhile(monkeypatch, gateway.services.database, lambda: True, behind.publish_and_poll)
    pages = walk(alice, cursor)
    assert done, "nothing was read, so this proves nothing"
    assert titles(pages) == ["in between"]
    assert pages[0]["removed"] == [removed]


def test_final_states_that_the_tail_drops_while_a_poll_reads_others_are_counted(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two removals one has its state in memory; while that of the other is read, memory drops it."""
    gateway = make_app()
    services, publisher, alice = gateway.services, gateway.publisher(), gateway.recipient("alice")
    first, second = publisher.publish("user:alice", "first"), publisher.publish("user:alice", "second")
    cursor = alice.change_state("read", ids=[second]) and alice.inbox()["cursor"]
    publisher.delete(f"/v1/notifications/{first}")
    services.views.clear()  # so that the view is read after the first removal
    held = gevent.spawn(alice.poll, alice.inbox()["cursor"], wait=50)
    eventually(lambda: gateway.hold_count == 1)
    publisher.delete(f"/v1/notifications/{second}")  # its state is read for the hold
    assert held.get(timeout=30).json["removed"] == [second]

    def drop_states() -> None:
        monkeypatch.setattr("notifygate.log.tail.MAX_LAST_STATES", 0)
        services.tail.evict_states_for(1)

    done = meanwhile(monkeypatch, services.database, lambda: True, drop_states)
    pages = walk(alice, cursor, limit=1)
    assert done, "nothing was read, so this proves nothing"
    assert [(page["removed"], page["unread"]) for page in pages] == [([first], 0), ([second], 0), ([], 0)]


def test_counts_of_a_page_are_those_of_its_cursor_although_the_view_advances(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = Behind(make_app, 20)
    done = meanwhile(monkeypatch, behind.gateway.services.database, lambda: True, behind.publish_and_poll)
    pages = walk(behind.alice, behind.cursor, limit=3)
    assert done
    assert [page["unread"] for page in pages[:8]] == [3, 6, 9, 12, 15, 18, 21, 21]


def test_a_backlog_has_the_pages_of_memory(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another node has none of the changes in memory, and reads them in parts."""
    one, other = make_app(), make_app(tail_entries=10)
    publisher, alice = one.publisher(), one.recipient("alice", "ops")
    old = [publisher.publish(["user:alice", "all"], f"old {n}") for n in range(3)]
    cursor = alice.inbox()["cursor"]
    new = [publisher.publish(to, "new") for to in ("user:alice", "role:ops", "all", "role:admin", "all", "user:alice")]
    alice.change_state("read", ids=[old[0], new[1]])
    alice.change_state("dismiss", ids=[old[1], new[2]])
    for removed in (old[0], old[1], old[2], new[0], new[2]):
        publisher.delete(f"/v1/notifications/{removed}")
    alice.change_state("seen", ids=[new[4]])
    alice.change_state("unread", ids=[new[1]])
    for _ in range(12):
        publisher.publish("user:bob")
    other.services.follower.catch_up()
    there = other.recipient("alice", "ops")
    for limit in (1, 2, 3, 50):
        wanted = walk(alice, cursor, limit=limit)
        for part in (1, 2, 3, 500):
            monkeypatch.setattr(backlog, "ENTRIES_PER_READ", part)
            other.services.views.clear()  # with the counts at the ends of pages
            misses = metric("tail_misses_total")
            pages = walk(there, cursor, limit=limit)
            assert metric("tail_misses_total") > misses, "otherwise this proves nothing"
            for page in [*pages, *wanted]:
                page.pop("poll", None)  # random after a start
            assert pages == wanted, (limit, part)


def test_of_a_backlog_only_the_documents_of_the_page_are_read(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are read in parts: all at once, a client that was away long stops all others of the worker.

    For the first page all are read, for the counts, and for the next ones those of the page.
    """
    monkeypatch.setattr(backlog, "ENTRIES_PER_READ", 5)
    behind = Behind(make_app, 22)
    parts: list[int] = []
    documents: list[int] = []
    read_entries_for, read_present_at = backlog.read_entries_for, backlog.read_present_at

    def read_part(*arguments: Any) -> Any:
        entries = read_entries_for(*arguments)
        assert not any(entry.notification.document for entry in entries if entry.notification)
        parts.append(len(entries))
        return entries

    def read_documents(*arguments: Any) -> Any:
        notifications = list(read_present_at(*arguments))
        documents.append(len(notifications))
        return notifications

    monkeypatch.setattr(backlog, "read_entries_for", read_part)
    monkeypatch.setattr(backlog, "read_present_at", read_documents)
    pages = walk(behind.alice, behind.cursor, limit=3)
    assert titles(pages) == behind.wanted
    assert (parts[:5], documents[:1]) == ([5, 5, 5, 5, 2], [3])
    assert (parts[5:7], documents[1:3]) == ([4, 4], [3, 3])


def test_a_notification_that_retention_deletes_while_a_backlog_is_read_is_removed(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One from before the floor was changed after it, and is dismissed and deleted in the middle."""
    behind = Behind(make_app, 1)
    alice, services = behind.alice, behind.gateway.services
    first = alice.inbox()
    old, cursor = first["notifications"][0]["id"], first["cursor"]
    floor = services.tail.end
    alice.change_state("read", ids=[old])
    for _ in range(12):
        behind.publisher.publish("user:alice", "new")
    services.database.write(lambda c: c.execute(update(ENTRIES).where(ENTRIES.c.seq <= floor).values(created_at=0)))
    services.retention.prune()

    def dismiss_and_prune() -> None:
        alice.change_state("dismiss", up_to=cursor)
        assert services.retention.prune().notifications == 1

    reads = backlog_reads(monkeypatch)
    done = meanwhile(monkeypatch, services.database, lambda: bool(reads), dismiss_and_prune)
    page = alice.inbox(cursor)
    assert done, "the poll was answered from memory, so this proves nothing"
    assert (page["removed"], titles([page])) == ([old], ["new"] * 12)
    assert alice.inbox(page["cursor"])["reset"] is True


def test_notification_dismissed_on_another_device_is_removed_in_a_backlog(make_app: MakeApp) -> None:
    behind = Behind(make_app, 12)
    alice = behind.alice
    first, *_, last = [item["id"] for item in walk(alice, behind.cursor)[0]["notifications"]]
    alice.change_state("dismiss", ids=[first])
    alice.change_state("read", ids=[last])
    for _ in range(12):
        behind.publisher.publish("user:bob")
    page = alice.inbox(behind.cursor)
    assert page["removed"] == [first]
    assert titles([page]) == behind.wanted[1:]
    assert [item["read_at"] is not None for item in page["notifications"]] == [False] * 10 + [True]
    assert (page["unread"], page["unseen"]) == (10, 10)


def test_a_change_of_the_view_in_a_backlog_gives_a_reset(make_app: MakeApp) -> None:
    behind = Behind(make_app, 12)
    behind.alice.change_state("read", up_to=behind.alice.inbox()["cursor"])
    for _ in range(12):
        behind.publisher.publish("user:alice", "later")
    page = behind.alice.inbox(behind.cursor)
    assert page["reset"] is True


def test_truncated_changes_give_a_reset(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a very old cursor there are more rows than one poll reads, but fewer entries: each has three audiences."""
    monkeypatch.setattr(backlog, "MAX_CHANGES", 9)
    gateway = make_app(tail_entries=10)
    publisher, alice = gateway.publisher(), gateway.recipient("alice", "admin")
    cursor = alice.inbox()["cursor"]
    wanted = [f"number {n}" for n in range(8)]
    for title in wanted:
        publisher.publish(["user:alice", "role:admin", "all"], title)
    for _ in range(12):
        publisher.publish("user:bob")
    page = alice.inbox(cursor)
    assert page["reset"] or titles([page]) == wanted


def test_more_changes_than_a_poll_may_read_give_a_reset(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MAX_CHANGES", 5)
    behind = Behind(make_app, 30)
    page = behind.alice.inbox(behind.cursor)
    assert page["reset"] is True
    assert titles([page]) == behind.wanted[::-1]


def test_changes_that_exceed_the_maximum_between_two_pages_give_a_reset(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MAX_CHANGES", 20)
    behind = Behind(make_app, 20)
    cursors: list[str] = [behind.cursor]
    for more in (0, 3, 1):  # after each page of three, three more may lie behind it
        for _ in range(more):
            behind.publisher.publish("user:alice", "more")
        page = behind.alice.inbox(cursors[-1], limit=3)
        assert page["reset"] is False
        cursors.append(page["cursor"])
    for _ in range(6):
        behind.publisher.publish("user:alice", "more")
    assert behind.alice.inbox(cursors[-1], limit=3)["reset"] is True


def test_a_view_that_is_read_from_the_database_ahead_of_the_tail_counts_nothing_twice(make_app: MakeApp) -> None:
    """Another node wrote; this one reads a view from the database before its tail has the entries."""
    one, other = make_app(head_check_interval=60.0), make_app(head_check_interval=60.0)
    publisher, alice = one.publisher(), one.recipient("alice")
    cursor = alice.inbox()["cursor"]
    ids = [publisher.publish("user:alice", f"number {n}") for n in range(3)]
    alice.change_state("read", ids=[ids[0]])
    there = other.recipient("alice")
    assert there.inbox()["unread"] == 2
    pages = walk(there, cursor)
    assert pages[-1]["unread"] == 2
    assert titles(pages) == ["number 0", "number 1", "number 2"]


def test_counts_survive_retention_of_entries_that_the_view_has_not_counted(make_app: MakeApp) -> None:
    """A recipient comes back after so long that the states of notifications removed meanwhile were pruned."""
    gateway = make_app()
    publisher, alice = gateway.publisher(), gateway.recipient("alice")
    alice.inbox()
    publisher.publish("user:alice", "unread")
    removed = publisher.publish("user:alice", "read and taken back")
    cursor = alice.change_state("read", ids=[removed]) and alice.inbox()["cursor"]
    publisher.delete(f"/v1/notifications/{removed}")
    services = gateway.services
    services.database.write(lambda connection: connection.execute(update(ENTRIES).values(created_at=0)))
    assert services.retention.prune().notifications == 1
    changes = alice.inbox(cursor)
    assert (changes["unread"], changes["unseen"]) == (1, 1)
    assert alice.get("/v1/inbox/unread").json == {"unread": 1, "unseen": 1}


def fail_over(database: Database, up_to: int) -> None:
    """Lose all commits after a position and begin a new epoch, without the gateway's knowledge."""

    def work(connection: Connection) -> None:
        connection.execute(delete(ENTRIES).where(ENTRIES.c.seq > up_to))
        connection.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.seq > up_to))
        epoch = other_epoch(read_head(connection).epoch)
        connection.execute(update(HEAD).values(head=up_to, epoch=epoch))

    database.write(work)


def test_a_cursor_of_lost_commits_gets_a_reset_on_a_worker_that_has_not_noticed_the_loss(make_app: MakeApp) -> None:
    """The worker is behind the cursor, reads the head for it, and finds a new epoch whose head is beyond the cursor."""
    one, other = make_app(), make_app(head_check_interval=60.0)
    publisher, alice = one.publisher(), one.recipient("alice")
    there = other.recipient("alice")
    for n in range(5):
        publisher.publish("user:alice", f"kept {n}")
    kept = one.services.tail.end
    there.inbox()
    for n in range(3):
        publisher.publish("user:alice", f"lost {n}")
    cursor = alice.inbox()["cursor"]
    fail_over(one.services.database, kept)
    for n in range(5):
        publisher.publish("user:alice", f"new {n}")
    page = there.inbox(cursor)
    assert page["reset"] is True
    assert titles([page]) == [f"new {n}" for n in (4, 3, 2, 1, 0)] + [f"kept {n}" for n in (4, 3, 2, 1, 0)]


def test_a_cursor_of_a_new_epoch_continues_on_a_worker_that_has_not_noticed_the_epoch(make_app: MakeApp) -> None:
    one, other = make_app(), make_app(head_check_interval=60.0)
    publisher, alice = one.publisher(), one.recipient("alice")
    there = other.recipient("alice")
    publisher.publish("user:alice", "kept")
    there.inbox()
    fail_over(one.services.database, one.services.tail.end)
    publisher.publish("user:alice", "new")
    one.services.follower.catch_up()
    cursor = alice.inbox()["cursor"]
    publisher.publish("user:alice", "newer")
    page = there.inbox(cursor)
    assert page["reset"] is False
    assert titles([page]) == ["newer"]


def test_an_old_cursor_read_from_the_database_in_a_new_epoch_gets_a_reset(make_app: MakeApp) -> None:
    one, other = make_app(), make_app(head_check_interval=60.0, tail_entries=10)
    publisher, alice = one.publisher(), one.recipient("alice")
    cursor = alice.inbox()["cursor"]
    for n in range(20):
        publisher.publish("user:alice", f"kept {n}")
    there = other.recipient("alice")
    other.services.follower.check_soon()
    there.inbox()
    fail_over(one.services.database, one.services.tail.end - 1)
    publisher.publish("user:alice", "new")
    page = there.inbox(cursor)
    assert page["reset"] is True
    assert titles([page])[:2] == ["new", "kept 18"]


def test_a_new_epoch_while_a_poll_reads_gives_a_reset(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no entries after the cursor, neither before the change nor after it; its ETag must not match either."""
    gateway = make_app(head_check_interval=60.0, tail_entries=10)
    publisher, alice = gateway.publisher(), gateway.recipient("alice")
    first = alice.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]  # type: ignore[index]
    for _ in range(20):
        publisher.publish("user:bob")
    gateway.restart()  # so that memory has no entries of alice's audiences
    alice = gateway.recipient("alice")
    alice.inbox()
    services = gateway.services

    def change_epoch() -> None:
        fail_over(services.database, services.tail.end)
        services.follower.check_soon()
        services.follower.ensure_fed()

    done = meanwhile(monkeypatch, services.database, lambda: True, change_epoch)
    answer = alice.poll(cursor, etag=etag)
    assert done, "the poll was answered from memory, so this proves nothing"
    assert answer.status_code == 200
    assert answer.json["reset"] is True  # type: ignore[index]


def test_a_poll_of_a_database_that_lacks_a_change_of_the_view_is_503(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections lead to a standby that lacks the last commits: the view can't be read as memory knows it."""
    gateway = make_app()
    services, alice = gateway.services, gateway.recipient("alice")
    cursor = alice.inbox()["cursor"]
    assert alice.put("/v1/inbox/topics/deploys").status_code == 200

    def refuse(connection: Connection) -> Any:
        raise StandbyError("The database server is a standby.")

    monkeypatch.setattr("notifygate.log.follower.read_head_of_primary", refuse)
    end = services.tail.end
    services.database.write(lambda c: c.execute(delete(ENTRIES).where(ENTRIES.c.seq >= end)))
    services.database.write(lambda c: c.execute(update(HEAD).values(head=end - 1)))
    polling = gevent.spawn(alice.poll, cursor)
    assert polling.get(timeout=30).status_code == 503


def test_a_view_from_a_database_that_is_behind_is_503(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head is that of the primary, and the view that of a copy, which lacks the last commits."""
    gateway = make_app()
    alice = gateway.recipient("alice")
    alice.inbox()
    assert alice.put("/v1/inbox/topics/deploys").status_code == 200

    def read_old_head(connection: Connection) -> Head:
        head = read_head(connection)
        return replace(head, seq=head.seq - 1)

    monkeypatch.setattr("notifygate.inbox.views.read_head", read_old_head)
    polling = gevent.spawn(alice.poll)
    assert polling.get(timeout=30).status_code == 503
    monkeypatch.undo()
    assert alice.poll().status_code == 200


def test_an_inbox_that_is_lost_right_after_its_beginning_is_503(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that committed the first request was replaced by one that lost it."""
    gateway = make_app()
    begin = Views.begin

    def begin_and_lose(self: Views, recipient: str) -> None:
        begin(self, recipient)
        gateway.services.database.write(lambda connection: connection.execute(delete(INBOXES)))

    monkeypatch.setattr(Views, "begin", begin_and_lose)
    alice = gateway.recipient("alice")
    assert alice.poll().status_code == 503
    monkeypatch.undo()
    assert alice.poll().status_code == 200


def test_a_publication_while_a_snapshot_waits_for_the_database_is_counted(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts in memory are then those of an earlier position than the page's."""
    gateway = make_app()
    publisher, alice = gateway.publisher(), gateway.recipient("alice")
    alice.inbox()
    publisher.publish("user:alice", "before")
    alice.inbox()
    read_in_turn = Database.read_in_turn
    done: list[str] = []

    def publish_and_read(self: Database, work: Callable[..., Any]) -> Any:
        if not done:
            done.append(publisher.publish("user:alice", "in between"))
        return read_in_turn(self, work)

    monkeypatch.setattr(Database, "read_in_turn", publish_and_read)
    page = alice.inbox()
    assert done, "the poll was answered from memory, so this proves nothing"
    assert (len(page["notifications"]), page["unread"], page["unseen"]) == (2, 2, 2)
    assert alice.poll(page["cursor"]).json["notifications"] == []


def test_only_the_first_page_of_an_inbox_counts_it(make_app: MakeApp) -> None:
    """Counting takes time that grows with the inbox. The next snapshots have the counts of memory, history needs none."""
    gateway = make_app()
    publisher, alice = gateway.publisher(), gateway.recipient("alice")
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(gateway.services.database.engine, "before_cursor_execute", note)
    first = alice.inbox()
    last = publisher.publish("user:alice", "one more")
    assert any("COUNT(" in statement for statement in statements)
    statements.clear()
    page = alice.inbox()
    history = alice.get(f"/v1/inbox/history?before={last}").json
    assert (first["unread"], page["unread"], history["notifications"]) == (0, 1, [])
    assert statements
    assert not any("COUNT(" in statement for statement in statements)

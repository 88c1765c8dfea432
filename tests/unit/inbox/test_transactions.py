"""The number of transactions of a poll. A larger number here means a slower hot path."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from notifygate.errors import UnavailableError
from notifygate.publishing import removal as removal_module
from notifygate.storage.database import Database
from tests.support.in_process import InProcessGateway
from tests.support.manual_clock import ManualClock
from tests.support.metric_values import metric
from tests.support.waiting import PATIENCE_SECONDS, eventually

HOLDS = 50

Held = list["gevent.Greenlet[..., TestResponse]"]


class Quiet:
    """A gateway that never uses the database by itself and has a short tail, and its clients."""

    def __init__(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock()
        settings = {"head_check_interval": 3600.0, "tail_entries": 2 * HOLDS}
        self.gateway = InProcessGateway(database_url, is_migrated=True, clock=self.clock, **settings)
        self.gateway.stop_jobs()
        self.publisher = self.gateway.publisher()
        self.publisher.publish("user:nobody")  # so that its key is in memory
        self.alice = self.gateway.recipient("alice", "admin")
        self.alice.inbox()
        self._counts = {"read": 0, "write": 0, "autocommit": 0}
        for name in self._counts:
            self._count(monkeypatch, name)

    def _count(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        original = getattr(Database, name)

        def counted(database: Database, work: Callable[..., Any]) -> Any:
            self._counts[name] += 1
            return original(database, work)

        monkeypatch.setattr(Database, name, counted)

    def cost(self, act: Callable[[], Any]) -> tuple[int, int]:
        """Return the number of reads and writes of a function."""
        self._counts = dict.fromkeys(self._counts, 0)
        act()
        return self._counts["read"], self._counts["write"] + self._counts["autocommit"]

    def take_holds(self, count: int) -> Held:
        """Hold a request for each of many recipients."""
        recipients = [self.gateway.recipient(f"recipient {n}", "admin") for n in range(count)]
        holds = [gevent.spawn(recipient.poll, recipient.inbox()["cursor"], wait=50) for recipient in recipients]
        eventually(lambda: self.gateway.hold_count == count, "all holds")
        gevent.idle()  # each has checked the log again and is parked
        return holds


@pytest.fixture
def quiet(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Quiet]:
    made = Quiet(database_url, monkeypatch)
    yield made
    made.gateway.stop()


def body_of(hold: "gevent.Greenlet[..., TestResponse]") -> Any:
    return hold.get(timeout=PATIENCE_SECONDS).json


def test_a_poll_without_changes_uses_no_transaction(quiet: Quiet) -> None:
    first = quiet.alice.poll()
    cursor, etag = (first.json or {})["cursor"], first.headers["ETag"]
    for query in ({"cursor": cursor}, {"cursor": cursor, "etag": etag}, {"etag": etag}):
        assert quiet.cost(lambda query=query: quiet.alice.poll(**query)) == (0, 0)
    assert quiet.cost(lambda: quiet.alice.get("/v1/inbox/unread")) == (0, 0)
    assert quiet.alice.poll(cursor, etag=etag).status_code == 304, "otherwise this proves little"
    # The tail remembers the position of the last entry of each audience, long after it evicted the entries.
    for _ in range(4 * HOLDS):
        quiet.publisher.publish("user:nobody")
    assert quiet.cost(lambda: quiet.alice.poll(cursor)) == (0, 0)


def test_a_publication_and_its_poll(quiet: Quiet) -> None:
    cursor = quiet.alice.inbox()["cursor"]
    assert quiet.cost(lambda: quiet.publisher.publish(["user:alice", "all"])) == (0, 1)
    assert quiet.cost(lambda: quiet.alice.inbox(cursor)) == (0, 0)
    (item,) = quiet.alice.inbox(cursor)["notifications"]
    assert quiet.cost(quiet.alice.inbox) == (1, 0)
    assert quiet.cost(lambda: quiet.alice.change_state("read", ids=[item["id"]])) == (0, 1)
    assert quiet.cost(quiet.gateway.recipient("bob").inbox) == (3, 1), "this begins an inbox"


def test_holds_use_no_connection_and_no_transaction(quiet: Quiet) -> None:
    cursor = quiet.alice.inbox()["cursor"]

    def enter() -> None:
        gevent.spawn(quiet.alice.inbox, cursor, wait=50)
        eventually(lambda: quiet.gateway.hold_count == 1, "the hold")

    assert quiet.cost(enter) == (0, 0)
    assert quiet.gateway.services.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("audience", "woken"), [("all", range(HOLDS)), ("role:admin", range(HOLDS)), ("user:recipient 7", [7])]
)
def test_a_notification_to_holds(quiet: Quiet, audience: str, woken: Any) -> None:
    holds = quiet.take_holds(HOLDS)

    def publish_and_collect() -> None:
        notification_id = quiet.publisher.publish(audience)
        assert {body_of(holds[n])["notifications"][0]["id"] for n in woken} == {notification_id}

    assert quiet.cost(publish_and_collect) == (0, 1)
    assert quiet.gateway.hold_count == HOLDS - len(woken)


def test_a_retraction_of_a_broadcast_needs_no_more_transactions_with_many_holds(quiet: Quiet) -> None:
    """The states of all held recipients are read together, before a hold is woken."""
    for count in (1, HOLDS):
        recipients = [quiet.gateway.recipient(f"recipient {n}", "admin") for n in range(count)]
        for recipient in recipients:
            recipient.inbox()
        notification_id = quiet.publisher.publish("all")
        for recipient in recipients[::2]:
            recipient.change_state("read", ids=[notification_id])
        holds = quiet.take_holds(count)

        def retract_and_collect(notification_id: str = notification_id, holds: Held = holds) -> None:
            assert quiet.publisher.delete(f"/v1/notifications/{notification_id}").status_code == 204
            assert all(
                (body := body_of(hold))["removed"] == [notification_id] and body["unread"] == 0 for hold in holds
            )

        assert quiet.cost(retract_and_collect) == (1, 1)


def test_final_states_that_memory_could_not_keep_are_left_to_the_polls(
    quiet: Quiet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are read, nothing is published or followed. Then each poll reads its own, of all removals at once."""
    for n in range(4):
        quiet.gateway.recipient(f"recipient {n}", "admin").inbox()
    published = [quiet.publisher.publish("all", ttl=20) for _ in range(3)]
    holds = quiet.take_holds(4)
    monkeypatch.setattr("notifygate.inbox.removal_states.MAX_LAST_STATES", 20)
    quiet.clock.advance(20)

    def expire_and_collect() -> None:
        assert quiet.gateway.services.removal.expire_due() == 3
        bodies = [body_of(hold) for hold in holds]
        assert [(body["removed"], body["unread"]) for body in bodies] == [(published, 0)] * len(holds)

    assert quiet.cost(expire_and_collect) == (2 + len(holds), 1)


def test_a_poll_across_many_removals_takes_no_more_statements_than_across_one(quiet: Quiet) -> None:
    statements: list[str] = []
    event.listen(
        quiet.gateway.services.database.engine, "before_cursor_execute", lambda *details: statements.append(details[2])
    )
    counts: list[int] = []
    for count in (1, 40):
        published = [quiet.publisher.publish("user:alice") for _ in range(count)]
        cursor = quiet.alice.inbox()["cursor"]
        for notification_id in published:
            assert quiet.publisher.delete(f"/v1/notifications/{notification_id}").status_code == 204
        statements.clear()
        assert quiet.alice.inbox(cursor)["removed"] == published
        counts.append(len(statements))
    assert counts[0] == counts[1] > 0


def test_a_batch_of_expirations_is_one_transaction(quiet: Quiet) -> None:
    for _ in range(20):
        quiet.publisher.publish("user:nobody", ttl=60)
    removal = quiet.gateway.services.removal
    assert quiet.cost(removal.expire_due) == (1, 0)
    quiet.clock.advance(60)
    assert quiet.cost(removal.expire_due) == (2, 1), "a read, the change, and a read without a result"
    assert quiet.cost(removal.expire_due) == (1, 0)


@pytest.mark.both_databases
def test_expirations_with_many_audiences_take_several_transactions(quiet: Quiet) -> None:
    """200 with 1,000 audiences in one transaction took more than 12 s on PostgreSQL: it failed, again and again."""
    for n in range(30):
        quiet.publisher.publish([f"user:{n} {m}" for m in range(1000)], ttl=60)
    quiet.clock.advance(60)
    assert quiet.cost(quiet.gateway.services.removal.expire_due) == (7, 6)


@pytest.mark.both_databases
def test_expirations_are_counted_although_a_later_transaction_fails(
    quiet: Quiet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal_module, "EXPIRED_PER_TRANSACTION", 2)
    for _ in range(4):
        quiet.publisher.publish("user:nobody", ttl=60)
    quiet.clock.advance(60)
    write, writes = Database.write, list[bool]()

    def write_once(database: Database, work: Callable[..., Any]) -> Any:
        writes.append(True)
        if len(writes) > 1:
            raise UnavailableError("no")
        return write(database, work)

    monkeypatch.setattr(Database, "write", write_once)
    before = metric("expired_total")
    with pytest.raises(UnavailableError):
        quiet.gateway.services.removal.expire_due()
    assert metric("expired_total") == before + 2

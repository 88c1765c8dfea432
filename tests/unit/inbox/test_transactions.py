"""How often a poll may go to the database. A number here that grows is a hot path that got slower."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from notifygate.storage.database import Database
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.waiting import PATIENCE_SECONDS, eventually

HOLDS = 50


class Transactions:
    """Counts what goes to the database while it is asked to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.writes = 0
        self._count(monkeypatch, "read", "reads")
        self._count(monkeypatch, "write", "writes")
        self._count(monkeypatch, "autocommit", "writes")

    def _count(self, monkeypatch: pytest.MonkeyPatch, name: str, counter: str) -> None:
        original = getattr(Database, name)

        def counted(database: Database, work: Callable[..., Any]) -> Any:
            setattr(self, counter, getattr(self, counter) + 1)
            return original(database, work)

        monkeypatch.setattr(Database, name, counted)

    def of(self, act: Callable[[], Any]) -> tuple[int, int]:
        """Return how many reads and writes it takes."""
        before = self.reads, self.writes
        act()
        return self.reads - before[0], self.writes - before[1]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def quiet(sqlite_url: str, clock: ManualClock) -> Iterator[InProcessGateway]:
    """A gateway in which nothing goes to the database by itself."""
    gateway = InProcessGateway(sqlite_url, clock=clock, head_check_interval=3600.0)
    gateway.stop_jobs()
    yield gateway
    gateway.stop()


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> Transactions:
    return Transactions(monkeypatch)


@pytest.fixture
def publisher(quiet: InProcessGateway) -> PublisherActor:
    made = quiet.publisher()
    made.publish("user:nobody")  # its key is known from here on
    return made


class Hold:
    """A long poll that is held."""

    def __init__(self, recipient: RecipientActor) -> None:
        cursor = recipient.inbox()["cursor"]
        self.greenlet = gevent.spawn(recipient.inbox, cursor, wait=50)

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = self.greenlet.get(timeout=PATIENCE_SECONDS)
        return found


def take_holds(gateway: InProcessGateway, count: int, *roles: str) -> list[Hold]:
    """Hold a request for each of many recipients."""
    holds = [Hold(gateway.recipient(f"recipient {n}", *roles)) for n in range(count)]
    eventually(lambda: gateway.hold_count == count, "all holds")
    gevent.idle()  # each has looked at the log once more and waits now
    return holds


def test_a_poll_with_nothing_new(quiet: InProcessGateway, transactions: Transactions) -> None:
    alice = quiet.recipient("alice", "admin")
    first = alice.poll()
    cursor, etag = (first.json or {})["cursor"], first.headers["ETag"]
    assert transactions.of(lambda: alice.poll(cursor)) == (0, 0)
    assert transactions.of(lambda: alice.poll(cursor, etag=etag)) == (0, 0)
    assert transactions.of(lambda: alice.poll(etag=etag)) == (0, 0)
    assert transactions.of(lambda: alice.get("/v1/inbox/unread")) == (0, 0)
    assert alice.poll(cursor, etag=etag).status_code == 304, "else this says little"


def test_a_poll_with_nothing_new_long_after_the_log_has_moved_on(sqlite_url: str, transactions: Transactions) -> None:
    """The tail remembers where the last entry of each audience was, long after it has let the entries go."""
    gateway = InProcessGateway(sqlite_url, head_check_interval=3600.0, tail_entries=10)
    gateway.stop_jobs()
    alice, publisher = gateway.recipient("alice"), gateway.publisher()
    cursor = alice.inbox()["cursor"]
    for _ in range(40):
        publisher.publish("user:nobody")
    assert transactions.of(lambda: alice.poll(cursor)) == (0, 0)
    gateway.stop()


def test_a_poll_that_brings_something_new(
    quiet: InProcessGateway, publisher: PublisherActor, transactions: Transactions
) -> None:
    alice = quiet.recipient("alice")
    cursor = alice.inbox()["cursor"]
    publisher.publish(["user:alice", "all"])
    assert transactions.of(lambda: alice.inbox(cursor)) == (0, 0)
    assert len(alice.inbox(cursor)["notifications"]) == 1, "else this says little"


def test_a_snapshot(quiet: InProcessGateway, transactions: Transactions) -> None:
    alice = quiet.recipient("alice")
    assert transactions.of(alice.inbox) == (3, 1), "its inbox begins by this"
    assert transactions.of(alice.inbox) == (1, 0)


def test_publishing(publisher: PublisherActor, transactions: Transactions) -> None:
    assert transactions.of(lambda: publisher.publish(["all", "user:alice"])) == (0, 1)


def test_a_change_of_state(quiet: InProcessGateway, publisher: PublisherActor, transactions: Transactions) -> None:
    alice = quiet.recipient("alice")
    alice.inbox()
    ids = [publisher.publish("user:alice") for _ in range(5)]
    assert transactions.of(lambda: alice.change_state("read", ids=ids)) == (0, 1)


def test_entering_a_hold(quiet: InProcessGateway, transactions: Transactions) -> None:
    alice = quiet.recipient("alice")
    cursor = alice.inbox()["cursor"]

    def enter() -> None:
        gevent.spawn(alice.inbox, cursor, wait=50)
        eventually(lambda: quiet.hold_count == 1, "the hold")

    assert transactions.of(enter) == (0, 0)


def test_a_hold_owns_no_connection(quiet: InProcessGateway) -> None:
    take_holds(quiet, 5)
    assert quiet.services.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("audience", ["all", "role:admin"])
def test_a_broadcast_to_many_holds(
    quiet: InProcessGateway, publisher: PublisherActor, transactions: Transactions, audience: str
) -> None:
    holds = take_holds(quiet, HOLDS, "admin")

    def publish_and_collect() -> None:
        found = publisher.publish(audience)
        assert {hold.answer()["notifications"][0]["id"] for hold in holds} == {found}

    assert transactions.of(publish_and_collect) == (0, 1)


def test_a_notification_to_one_of_many_holds(
    quiet: InProcessGateway, publisher: PublisherActor, transactions: Transactions
) -> None:
    holds = take_holds(quiet, HOLDS)

    def publish_and_collect() -> None:
        publisher.publish("user:recipient 7")
        assert len(holds[7].answer()["notifications"]) == 1

    assert transactions.of(publish_and_collect) == (0, 1)
    assert quiet.hold_count == HOLDS - 1


def test_a_retraction_of_a_broadcast_costs_no_more_with_many_holds(
    quiet: InProcessGateway, publisher: PublisherActor, transactions: Transactions
) -> None:
    """Who waits is looked up in one go, before anyone is woken."""
    costs: list[tuple[int, int]] = []
    for count in (1, HOLDS):
        for n in range(count):
            quiet.recipient(f"recipient {n}").inbox()
        found = publisher.publish("all")
        for n in range(0, count, 2):
            quiet.recipient(f"recipient {n}").change_state("read", ids=[found])
        holds = take_holds(quiet, count)

        def retract_and_collect(found: str = found, holds: list[Hold] = holds) -> None:
            assert publisher.delete(f"/v1/notifications/{found}").status_code == 204
            answers = [hold.answer() for hold in holds]
            assert all(answer["removed"] == [found] for answer in answers)
            assert {answer["unread"] for answer in answers} == {0}

        costs.append(transactions.of(retract_and_collect))
    assert costs == [(1, 1), (1, 1)]


def test_a_batch_of_expirations_is_one_transaction(
    quiet: InProcessGateway, publisher: PublisherActor, transactions: Transactions, clock: ManualClock
) -> None:
    for _ in range(20):
        publisher.publish("user:nobody", ttl=60)
    removal = quiet.services.removal
    assert transactions.of(removal.expire_due) == (1, 0)
    clock.advance(60)
    assert transactions.of(removal.expire_due) == (2, 1), "a look, the change, and a look that finds nothing"
    assert transactions.of(removal.expire_due) == (1, 0)

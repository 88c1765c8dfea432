"""How often a poll may go to the database. A number here that grows is a hot path that got slower."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from werkzeug.test import TestResponse

from notifygate.storage.database import Database
from tests.support.in_process import InProcessGateway
from tests.support.manual_clock import ManualClock
from tests.support.waiting import PATIENCE_SECONDS, eventually

HOLDS = 50

Held = list["gevent.Greenlet[..., TestResponse]"]


class Quiet:
    """A gateway in which nothing goes to the database by itself and which remembers few entries, and its callers."""

    def __init__(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock()
        settings = {"head_check_interval": 3600.0, "tail_entries": 2 * HOLDS}
        self.gateway = InProcessGateway(database_url, is_migrated=True, clock=self.clock, **settings)
        self.gateway.stop_jobs()
        self.publisher = self.gateway.publisher()
        self.publisher.publish("user:nobody")  # its key is known from here on
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
        """Return how many reads and writes something takes."""
        self._counts = dict.fromkeys(self._counts, 0)
        act()
        return self._counts["read"], self._counts["write"] + self._counts["autocommit"]

    def take_holds(self, count: int) -> Held:
        """Hold a request for each of many recipients."""
        recipients = [self.gateway.recipient(f"recipient {n}", "admin") for n in range(count)]
        holds = [gevent.spawn(recipient.poll, recipient.inbox()["cursor"], wait=50) for recipient in recipients]
        eventually(lambda: self.gateway.hold_count == count, "all holds")
        gevent.idle()  # each has looked at the log once more and waits now
        return holds


@pytest.fixture
def quiet(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Quiet]:
    made = Quiet(database_url, monkeypatch)
    yield made
    made.gateway.stop()


def body_of(hold: "gevent.Greenlet[..., TestResponse]") -> Any:
    return hold.get(timeout=PATIENCE_SECONDS).json


def test_a_poll_with_nothing_new(quiet: Quiet) -> None:
    first = quiet.alice.poll()
    cursor, etag = (first.json or {})["cursor"], first.headers["ETag"]
    for query in ({"cursor": cursor}, {"cursor": cursor, "etag": etag}, {"etag": etag}):
        assert quiet.cost(lambda query=query: quiet.alice.poll(**query)) == (0, 0)
    assert quiet.cost(lambda: quiet.alice.get("/v1/inbox/unread")) == (0, 0)
    assert quiet.alice.poll(cursor, etag=etag).status_code == 304, "else this says little"
    # The tail remembers where the last entry of each audience was, long after it has let the entries go.
    for _ in range(4 * HOLDS):
        quiet.publisher.publish("user:nobody")
    assert quiet.cost(lambda: quiet.alice.poll(cursor)) == (0, 0)


def test_what_brings_something_new(quiet: Quiet) -> None:
    cursor = quiet.alice.inbox()["cursor"]
    assert quiet.cost(lambda: quiet.publisher.publish(["user:alice", "all"])) == (0, 1)
    assert quiet.cost(lambda: quiet.alice.inbox(cursor)) == (0, 0)
    (found,) = quiet.alice.inbox(cursor)["notifications"]
    assert quiet.cost(quiet.alice.inbox) == (1, 0)
    assert quiet.cost(lambda: quiet.alice.change_state("read", ids=[found["id"]])) == (0, 1)
    assert quiet.cost(quiet.gateway.recipient("bob").inbox) == (3, 1), "an inbox begins by this"


def test_holds_own_no_connection_and_cost_nothing(quiet: Quiet) -> None:
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
        found = quiet.publisher.publish(audience)
        assert {body_of(holds[n])["notifications"][0]["id"] for n in woken} == {found}

    assert quiet.cost(publish_and_collect) == (0, 1)
    assert quiet.gateway.hold_count == HOLDS - len(woken)


def test_a_retraction_of_a_broadcast_costs_no_more_with_many_holds(quiet: Quiet) -> None:
    """Who waits is looked up in one go, before anyone is woken."""
    for count in (1, HOLDS):
        recipients = [quiet.gateway.recipient(f"recipient {n}", "admin") for n in range(count)]
        for recipient in recipients:
            recipient.inbox()
        found = quiet.publisher.publish("all")
        for recipient in recipients[::2]:
            recipient.change_state("read", ids=[found])
        holds = quiet.take_holds(count)

        def retract_and_collect(found: str = found, holds: Held = holds) -> None:
            assert quiet.publisher.delete(f"/v1/notifications/{found}").status_code == 204
            assert all((body := body_of(hold))["removed"] == [found] and body["unread"] == 0 for hold in holds)

        assert quiet.cost(retract_and_collect) == (1, 1)


def test_a_batch_of_expirations_is_one_transaction(quiet: Quiet) -> None:
    for _ in range(20):
        quiet.publisher.publish("user:nobody", ttl=60)
    removal = quiet.gateway.services.removal
    assert quiet.cost(removal.expire_due) == (1, 0)
    quiet.clock.advance(60)
    assert quiet.cost(removal.expire_due) == (2, 1), "a look, the change, and a look that finds nothing"
    assert quiet.cost(removal.expire_due) == (1, 0)

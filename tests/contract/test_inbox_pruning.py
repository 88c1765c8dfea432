"""Retention: unpolled inboxes are pruned with their last notification, and pruning changes no count."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from sqlalchemy import select, update

from notifygate.errors import UnavailableError
from notifygate.publishing import retention
from notifygate.publishing.retention import Pruned, Retention
from notifygate.storage.stores import pruning
from notifygate.storage.stores.pruning import read_unpolled_bound
from notifygate.storage.tables import ENTRIES, INBOXES, STATES
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.metric_values import metric
from tests.support.query_plans import plan_of

pytestmark = pytest.mark.both_databases


def inboxes(app: InProcessGateway) -> dict[str, bool]:
    """Return the recipients that have an inbox, and whether each was polled."""
    rows = app.services.database.read(lambda connection: connection.execute(select(INBOXES)).all())
    return {row.recipient: row.is_polled for row in rows}


def retract(publisher: PublisherActor, ids: Iterable[str]) -> None:
    for notification_id in ids:
        assert publisher.delete(f"/v1/notifications/{notification_id}").status_code == 204


def prune(app: InProcessGateway) -> Pruned:
    """Prune as if the retention of every entry were over."""
    app.services.database.write(lambda connection: connection.execute(update(ENTRIES).values(created_at=0)))
    return app.services.retention.prune()


def test_an_unpolled_inbox_is_pruned_with_its_last_notification(
    app: InProcessGateway, publisher: PublisherActor
) -> None:
    first, second = publisher.publish("user:alice"), publisher.publish(["user:alice", "user:bob"])
    assert inboxes(app) == {"alice": False, "bob": False}
    retract(publisher, [first])
    assert prune(app).inboxes == 0
    retract(publisher, [second])
    assert app.services.retention.prune().inboxes == 0, "its removal is in the log"
    before = metric("pruned_total", kind="inbox")
    assert prune(app).inboxes == 2
    assert metric("pruned_total", kind="inbox") == before + 2
    assert inboxes(app) == {}


def test_pruned_rows_are_counted_although_a_later_transaction_fails(
    app: InProcessGateway, publisher: PublisherActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    prune(app)  # the entry about the publisher's key
    retract(publisher, [publisher.publish("user:alice")])

    def fail(*_: Any) -> int:
        raise UnavailableError("no")

    monkeypatch.setattr(pruning, "delete_notifications", fail)
    before = metric("pruned_total", kind="entry")
    with pytest.raises(UnavailableError):
        prune(app)
    assert metric("pruned_total", kind="entry") == before + 1


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda alice: alice.get("/v1/inbox"), id="inbox"),
        pytest.param(lambda alice: alice.get("/v1/inbox/unread"), id="counts"),
        pytest.param(lambda alice: alice.get("/v1/inbox/history"), id="history"),
        pytest.param(lambda alice: alice.post("/v1/inbox/state", json={"op": "seen", "ids": ["x"]}), id="state"),
        pytest.param(lambda alice: alice.put("/v1/inbox/topics/x"), id="topic"),
        pytest.param(lambda alice: alice.put("/v1/inbox/preferences", json={"types": {}}), id="preferences"),
    ],
)
def test_a_request_of_the_recipient_keeps_the_inbox_from_being_pruned(
    app: InProcessGateway, publisher: PublisherActor, ask: Callable[[RecipientActor], Any]
) -> None:
    notification_id = publisher.publish("user:alice")
    assert ask(app.recipient("alice")).status_code == 200
    assert inboxes(app) == {"alice": True}
    retract(publisher, [notification_id])
    assert prune(app).inboxes == 0
    assert inboxes(app) == {"alice": True}


def test_the_first_request_returns_earlier_notifications(app: InProcessGateway, publisher: PublisherActor) -> None:
    publisher.publish("all")
    ids = [publisher.publish("user:alice"), publisher.publish("all")]
    assert [item["id"] for item in app.recipient("alice").inbox()["notifications"]] == ids[::-1]


def test_a_pruned_inbox_begins_again(app: InProcessGateway, publisher: PublisherActor) -> None:
    retract(publisher, [publisher.publish("user:alice")])
    publisher.publish("all")
    assert prune(app).inboxes == 1
    notification_id = publisher.publish("user:alice")
    assert [item["id"] for item in app.recipient("alice").inbox()["notifications"]] == [notification_id]


@pytest.mark.parametrize("by", ["publication", "request"])
def test_a_change_after_the_search_keeps_the_inbox(
    app: InProcessGateway, publisher: PublisherActor, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    retract(publisher, [publisher.publish("user:alice")])
    delete, candidates = Retention._delete_inboxes, list[str]()

    def delete_late(self: Retention, recipients: Sequence[str]) -> int:
        candidates.extend(recipients)
        if by == "publication":
            publisher.publish("user:alice")
        else:
            app.recipient("alice").inbox()
        return delete(self, recipients)

    monkeypatch.setattr(Retention, "_delete_inboxes", delete_late)
    assert prune(app).inboxes == 0
    assert candidates == ["alice"]
    assert inboxes(app) == {"alice": by == "request"}


def test_many_unpolled_inboxes_are_searched_in_parts(
    app: InProcessGateway, publisher: PublisherActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "INBOXES_PER_READ", 7)
    monkeypatch.setattr(retention, "ROWS_PER_TRANSACTION", 3)
    kept = publisher.publish([f"user:kept {n}" for n in range(20)])
    gone = publisher.publish([f"user:gone {n}" for n in range(20)] + [f"user:zone {n}" for n in range(5)])
    retract(publisher, [gone])
    assert prune(app).inboxes == 25
    assert inboxes(app) == {f"kept {n}": False for n in range(20)}
    retract(publisher, [kept])


def test_the_search_for_unpolled_inboxes_reads_their_index(app: InProcessGateway) -> None:
    database = app.services.database
    # The table is too small for an index to pay off.
    before = "" if database.is_sqlite else "SET LOCAL enable_seqscan = off"
    plan = plan_of(database, lambda connection: read_unpolled_bound(connection, "a", 10), before=before)
    assert "ix_inboxes_unpolled" in plan


def test_a_dismissed_notification_that_was_retracted_lately_keeps_its_state(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    """A view that has yet to follow the retraction reads the state: without it, the notification counts as unread."""
    notification_id = publisher.publish("user:alice")
    alice.change_state("dismiss", ids=[notification_id])
    cursor = alice.inbox()["cursor"]
    app.services.database.write(lambda connection: connection.execute(update(ENTRIES).values(created_at=0)))
    app.services.database.write(lambda connection: connection.execute(update(STATES).values(dismissed_at=1)))
    retract(publisher, [notification_id])
    app.services.retention.prune()
    page = alice.inbox(cursor)
    assert (page["unread"], page["unseen"]) == (0, 0)
    assert alice.get("/v1/inbox/unread").json == {"unread": 0, "unseen": 0}


def test_each_run_searches_the_next_part_of_the_log_for_dismissed_notifications(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its end it begins again, although the floor rises by one position from run to run."""
    monkeypatch.setattr(retention, "POSITIONS_PER_READ", 2)

    def run() -> int:
        publisher.publish("all")
        app.services.database.write(lambda connection: connection.execute(update(ENTRIES).values(created_at=0)))
        return app.services.retention.prune(3).notifications

    ids = [publisher.publish("user:alice") for _ in range(9)]
    assert [run() for _ in range(20)] == [0] * 20, "the end is reached"
    alice.change_state("dismiss", ids=ids)
    app.services.database.write(lambda connection: connection.execute(update(STATES).values(dismissed_at=1)))
    removed = [run() for _ in range(40)]
    assert max(removed) <= 3
    assert sum(removed) == 9

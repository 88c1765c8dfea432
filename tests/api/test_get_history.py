"""GET /v1/inbox/history: the notifications before a given one."""

import pytest

from tests.api.helpers import expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids

PATH = "/v1/inbox/history"


def history(recipient: RecipientActor, before: str | None = None, limit: int | None = None) -> tuple[list[str], bool]:
    query = {name: value for name, value in (("before", before), ("limit", limit)) if value is not None}
    answer = recipient.get(PATH, query_string=query)
    assert answer.status_code == 200, answer.text
    assert set(answer.json or {}) == {"notifications", "has_more"}
    return ids(answer.json or {}), (answer.json or {})["has_more"]


@pytest.mark.both_databases
def test_history_goes_back_page_by_page_newest_first(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(7)]
    newest = alice.inbox(limit=2)
    assert (ids(newest), newest["has_more"]) == (published[:4:-1], True)
    for before, limit in ((5, 2), (3, 2), (3, 3), (1, 2), (0, 2)):
        expected = published[max(before - limit, 0) : before][::-1]
        assert history(alice, published[before], limit) == (expected, before > limit)


def test_history_has_the_items_of_the_inbox_in_their_present_state(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    read, dismissed, last = (publisher.publish("user:alice", name) for name in "abc")
    alice.change_state("read", ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    answer = alice.get(PATH)
    items = answer.json["notifications"]  # type: ignore[index]
    assert items == alice.inbox()["notifications"]
    assert [item["id"] for item in items] == [last, read]
    assert items[1]["read_at"]
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.both_databases
def test_only_notifications_of_this_inbox_are_returned(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    app.admin().put("/v1/types/secret", json={"roles": ["admin"]})
    bob.put("/v1/inbox/preferences", json={"types": {"like": {"muted": True}}})
    mine = publisher.publish("user:bob")
    publisher.publish("user:alice")
    publisher.publish("role:admin")
    publisher.publish("all", type="secret")
    publisher.publish("all", type="like")
    publisher.publish("topic:board")
    last = publisher.publish("all")
    assert history(bob, last) == ([mine], False)


@pytest.mark.parametrize("gone", ["dismissed", "retracted"])
def test_a_removed_notification_still_marks_its_place(
    publisher: PublisherActor, alice: RecipientActor, gone: str
) -> None:
    older, place, _ = (publisher.publish("user:alice", name) for name in "abc")
    if gone == "dismissed":
        alice.change_state("dismiss", ids=[place])
    else:
        publisher.delete(f"/v1/notifications/{place}")
    assert history(alice, place) == ([older], False)


def test_unknown_ids_and_those_of_others_are_not_found(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    foreign = publisher.publish("user:bob")
    for before in (foreign, "unknown", "0", "01a1fc6b-48e7-7598-bb3a-3f710a34e7ba", "ü", "'; --", "x" * 64):
        expect_problem(alice.get(PATH, query_string={"before": before}), 404, "not-found")
    for impossible in ("%00", "a%00b", "%FF", "%ED%A0%80", "x" * 1000, ""):
        answer = alice.get(f"{PATH}?before={impossible}")
        assert (answer.status_code in (400, 404), answer.mimetype) == (True, "application/problem+json"), impossible

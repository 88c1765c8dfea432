"""GET /v1/inbox/history: what lies before a notification."""

import pytest

from tests.api.helpers import expect_problem, ids
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

pytestmark = pytest.mark.both_databases

PATH = "/v1/inbox/history"


def history(recipient: RecipientActor, before: str | None = None, limit: int | None = None) -> tuple[list[str], bool]:
    query = {name: value for name, value in (("before", before), ("limit", limit)) if value is not None}
    answer = recipient.get(PATH, query_string=query)
    assert answer.status_code == 200, answer.text
    assert set(answer.json or {}) == {"notifications", "has_more"}
    return ids(answer.json or {}), (answer.json or {})["has_more"]


def test_it_goes_back_page_by_page_newest_first(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(7)]
    newest = alice.inbox(limit=2)
    assert (ids(newest), newest["has_more"]) == (published[:4:-1], True)
    assert history(alice, published[5], 2) == ([published[4], published[3]], True)
    assert history(alice, published[3], 2) == ([published[2], published[1]], True)
    assert history(alice, published[1], 2) == ([published[0]], False)
    assert history(alice, published[0], 2) == ([], False)


def test_has_more_is_exact_at_the_last_page(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(4)]
    assert history(alice, published[3], 3) == (published[2::-1], False)
    assert history(alice, published[3], 2) == (published[2:0:-1], True)


def test_without_before_it_begins_with_the_newest(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(3)]
    assert history(alice) == (published[::-1], False)


def test_it_holds_fifty_when_no_limit_is_given(publisher: PublisherActor, alice: RecipientActor) -> None:
    published = [publisher.publish("user:alice", f"number {n}") for n in range(51)]
    assert history(alice) == (published[:0:-1], True)
    assert history(alice, limit=200) == (published[::-1], False)


def test_the_items_are_those_of_the_inbox_in_their_present_state(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    read, dismissed, last = (publisher.publish("user:alice", name) for name in "abc")
    alice.change_state("read", ids=[read])
    alice.change_state("dismiss", ids=[dismissed])
    items = alice.get(PATH).json["notifications"]  # type: ignore[index]
    assert items == alice.inbox()["notifications"]
    assert [item["id"] for item in items] == [last, read]
    assert items[1]["read_at"]


def test_only_what_is_in_this_inbox_is_returned(
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
def test_what_has_left_the_inbox_still_marks_its_place(
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


def test_what_can_be_no_id_is_a_problem_and_not_a_defect(alice: RecipientActor) -> None:
    for before in ("%00", "a%00b", "%FF", "%ED%A0%80", "x" * 1000, ""):
        answer = alice.get(f"{PATH}?before={before}")
        assert answer.status_code in (400, 404), (before, answer.text)
        assert answer.mimetype == "application/problem+json"


def test_bad_parameters_are_refused_by_name(alice: RecipientActor) -> None:
    for query, name in (("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")):
        expect_problem(alice.get(f"{PATH}?{query}"), 400, "invalid-request", name)
    expect_problem(alice.get(f"{PATH}?before=a&before=b"), 400, "invalid-request", "before")


def test_an_answer_is_private(alice: RecipientActor) -> None:
    assert alice.get(PATH).headers["Cache-Control"] == "private, no-cache"

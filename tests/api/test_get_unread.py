"""GET /v1/inbox/unread: the counts alone. How it is held is in test_holding.py."""

import pytest

from tests.api.helpers import expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

PATH = "/v1/inbox/unread"


@pytest.mark.both_databases
def test_the_counts_are_those_of_the_inbox(publisher: PublisherActor, alice: RecipientActor) -> None:
    assert alice.get(PATH).json == {"unread": 0, "unseen": 0}
    first, second, _ = (publisher.publish("user:alice", name) for name in "abc")
    assert alice.get(PATH).json == {"unread": 3, "unseen": 3}
    alice.change_state("seen", ids=[first])
    assert alice.get(PATH).json == {"unread": 3, "unseen": 2}
    alice.change_state("read", ids=[second])
    assert alice.get(PATH).json == {"unread": 2, "unseen": 1}
    publisher.delete(f"/v1/notifications/{first}")
    assert alice.get(PATH).json == {"unread": 1, "unseen": 1}


def test_an_answer_has_the_headers_of_the_inbox(alice: RecipientActor) -> None:
    answer = alice.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == alice.poll().headers["ETag"]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
    assert int(answer.headers["Poll-Interval"]) >= 1


def test_it_is_a_304_until_something_visible_changes(publisher: PublisherActor, alice: RecipientActor) -> None:
    etag = alice.get(PATH).headers["ETag"]
    publisher.publish("user:bob")
    unchanged = alice.get(PATH, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.get_data(), unchanged.headers["ETag"]) == (304, b"", etag)
    publisher.publish("user:alice")
    changed = alice.get(PATH, headers={"If-None-Match": etag})
    assert changed.json == {"unread": 1, "unseen": 1}
    assert changed.headers["ETag"] != etag


@pytest.mark.both_databases
def test_muted_types_do_not_count(app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor) -> None:
    alice.put("/v1/inbox/preferences", json={"types": {"like": {"muted": True}}})
    publisher.publish("all", type="like")
    publisher.publish("all")
    assert alice.get(PATH).json == {"unread": 1, "unseen": 1}


def test_other_parameters_than_wait_are_refused(alice: RecipientActor) -> None:
    expect_problem(alice.get(f"{PATH}?cursor=x&limit=5"), 400, "invalid-request", "cursor", "limit")
    expect_problem(alice.get(f"{PATH}?wait=-1"), 400, "invalid-request", "wait")

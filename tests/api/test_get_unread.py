"""GET /v1/inbox/unread: the counts alone. Its holds are in test_holding.py."""

from tests.support.in_process import PublisherActor, RecipientActor

PATH = "/v1/inbox/unread"


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


def test_the_counts_are_a_304_until_a_visible_change(publisher: PublisherActor, alice: RecipientActor) -> None:
    first = alice.get(PATH)
    etag = first.headers["ETag"]
    assert etag == alice.poll().headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Vary"] == "Authorization, Accept-Encoding"
    assert int(first.headers["Poll-Interval"]) >= 1
    publisher.publish("user:bob")
    unchanged = alice.get(PATH, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.get_data(), unchanged.headers["ETag"]) == (304, b"", etag)
    publisher.publish("user:alice")
    changed = alice.get(PATH, headers={"If-None-Match": etag})
    assert changed.json == {"unread": 1, "unseen": 1}
    assert changed.headers["ETag"] != etag

"""GET /v1/inbox without holding: snapshot, changes, counts, cursor."""

from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor


def test_a_notification_is_told_once_and_in_order(publisher: PublisherActor, alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    ids = [publisher.publish("user:alice", f"number {n}") for n in range(3)]
    changes = alice.inbox(cursor)
    assert [item["id"] for item in changes["notifications"]] == ids
    assert (changes["unread"], changes["unseen"], changes["has_more"], changes["reset"]) == (3, 3, False, False)
    assert alice.inbox(changes["cursor"])["notifications"] == []


def test_a_cursor_of_another_recipient_gives_a_reset(alice: RecipientActor, bob: RecipientActor) -> None:
    assert bob.inbox(alice.inbox()["cursor"])["reset"] is True


def test_the_inbox_survives_a_restart(app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor) -> None:
    cursor = alice.inbox()["cursor"]
    found = publisher.publish("all")
    app.restart()
    changes = app.recipient("alice", "admin").inbox(cursor)
    assert [item["id"] for item in changes["notifications"]] == [found]
    assert changes["reset"] is False

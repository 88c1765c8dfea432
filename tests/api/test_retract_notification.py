"""DELETE /v1/notifications/<id>: retracting a notification."""

import pytest

from tests.api.helpers import counts, expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids


@pytest.mark.both_databases
def test_a_retracted_notification_leaves_every_inbox_and_polls_return_its_removal(
    publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    gone, stays = publisher.publish("all", "gone"), publisher.publish("all", "stays")
    alice.change_state("read", ids=[gone])
    cursors = {recipient: recipient.inbox()["cursor"] for recipient in (alice, bob)}
    answer = publisher.delete(f"/v1/notifications/{gone}")
    assert (answer.status_code, answer.get_data()) == (204, b"")
    for recipient, cursor in cursors.items():
        changes = recipient.inbox(cursor)
        assert (changes["removed"], ids(changes), counts(changes)) == ([gone], [], (1, 1))
        assert ids(recipient.inbox()) == [stays]
    etag = alice.poll().headers["ETag"]
    assert publisher.delete(f"/v1/notifications/{gone}").status_code == 204, "a retraction may be repeated"
    assert alice.poll(etag=etag).status_code == 304


def test_a_notification_of_another_key_is_not_found(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    notification_id = publisher.publish("user:alice")
    other = app.publisher("publisher")  # the same name, another key
    unknown = other.delete("/v1/notifications/01a1fc6b-48e7-7598-bb3a-3f710a34e7ba")
    foreign = other.delete(f"/v1/notifications/{notification_id}")
    expect_problem(unknown, 404, "not-found")
    expect_problem(foreign, 404, "not-found")
    assert foreign.json["detail"] == unknown.json["detail"]  # type: ignore[index]
    assert ids(alice.inbox()) == [notification_id]


def test_an_admin_key_may_retract_any_notification_and_a_rotated_key_its_earlier_ones(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    for make in (app.admin, lambda: app.rotate(publisher, 0)):
        notification_id = publisher.publish("user:alice")
        assert make().delete(f"/v1/notifications/{notification_id}").status_code == 204
        assert ids(alice.inbox()) == []


def test_unknown_ids_are_not_found_and_invalid_ids_cause_no_defect(publisher: PublisherActor) -> None:
    for path in ("unknown", "0", "-", "'; --", "%C3%BC", "x" * 64):
        expect_problem(publisher.delete(f"/v1/notifications/{path}"), 404, "not-found")
    for path in ("%00", "a%00b", "%FF", "%ED%A0%80", "x" * 2000, "%20"):
        answer = publisher.delete(f"/v1/notifications/{path}")
        assert answer.status_code in (400, 404), path
        assert answer.mimetype == "application/problem+json"

"""/v1/inbox/topics: the topics that a recipient follows."""

import pytest

from notifygate.publishing.registry import put_topic
from notifygate.storage.tables import FOLLOWS
from tests.api.helpers import catch_up, counts, expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import ids

PATH = "/v1/inbox/topics"


def test_following_a_topic_adds_its_later_notifications(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    phone = app.recipient("alice", "admin")
    for _ in range(2):
        publisher.publish("topic:deploys", "before")
        cursor = phone.inbox()["cursor"]
        assert alice.put(f"{PATH}/deploys").json == {"topic": "deploys", "following": True}
        after = publisher.publish("topic:deploys", "after")
        assert ids(phone.inbox(cursor)) == [after]
        assert (ids(alice.inbox()), counts(alice.inbox())) == ([after], (1, 1))
        alice.delete(f"{PATH}/deploys")


@pytest.mark.both_databases
def test_unfollowing_removes_the_notifications_of_the_topic(publisher: PublisherActor, alice: RecipientActor) -> None:
    alice.put(f"{PATH}/deploys")
    publisher.publish("topic:deploys")
    both = publisher.publish(["topic:deploys", "user:alice"])
    cursor = alice.inbox()["cursor"]
    assert alice.delete(f"{PATH}/deploys").json == {"topic": "deploys", "following": False}
    publisher.publish("topic:deploys")
    body = alice.inbox(cursor)
    assert ids(alice.inbox()) == [both]
    assert counts(body) == (1, 1)


def test_repeated_follows_and_unfollows_change_nothing(publisher: PublisherActor, alice: RecipientActor) -> None:
    for following, act in ((True, alice.put), (False, alice.delete)):
        act(f"{PATH}/deploys")
        notification_id = publisher.publish("topic:deploys")
        etag = alice.poll().headers["ETag"]
        again = act(f"{PATH}/deploys")
        assert (again.status_code, again.json) == (200, {"topic": "deploys", "following": following})
        assert alice.poll(etag=etag).status_code == 304
        assert ids(alice.inbox()) == ([notification_id] if following else [])


@pytest.mark.both_databases
def test_the_list_has_the_followed_topics_and_those_that_may_be_followed(
    app: InProcessGateway, alice: RecipientActor, bob: RecipientActor
) -> None:
    assert bob.get(PATH).json == {"topics": []}
    app.services.writer.transact(put_topic("open", ()))
    app.services.writer.transact(put_topic("board", ("admin", "auditor")))
    bob.put(f"{PATH}/unregistered")
    assert bob.get(PATH).json == {
        "topics": [{"topic": "open", "following": False}, {"topic": "unregistered", "following": True}]
    }
    alice.put(f"{PATH}/board")
    assert alice.get(PATH).json == {
        "topics": [{"topic": "board", "following": True}, {"topic": "open", "following": False}]
    }


def test_a_topic_limited_to_roles_is_forbidden_to_others(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    app.services.writer.transact(put_topic("board", ("admin",)))
    expect_problem(bob.put(f"{PATH}/board"), 403, "forbidden")
    assert alice.put(f"{PATH}/board").status_code == 200
    notification_id = publisher.publish("topic:board")
    assert (ids(alice.inbox()), ids(bob.inbox())) == ([notification_id], [])
    assert bob.delete(f"{PATH}/board").status_code == 200


def test_notifications_of_a_topic_leave_the_inbox_when_the_role_is_lost(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor
) -> None:
    app.services.writer.transact(put_topic("board", ("admin",)))
    alice.put(f"{PATH}/board")
    notification_id = publisher.publish("topic:board")
    cursor = alice.inbox()["cursor"]
    demoted = app.recipient("alice")
    body = demoted.inbox(cursor)
    assert (body["reset"], ids(body), counts(body)) == (True, [], (0, 0))
    assert demoted.get(PATH).json == {"topics": []}
    assert ids(alice.inbox()) == [notification_id]  # and are there for a token with the role


@pytest.mark.both_databases
def test_a_topic_is_limited_to_roles_and_opened_again(
    app: InProcessGateway, publisher: PublisherActor, bob: RecipientActor
) -> None:
    bob.put(f"{PATH}/board")
    notification_id = publisher.publish("topic:board")
    for roles, shown in ((("admin",), []), ((), [notification_id])):
        cursor = bob.inbox()["cursor"]
        app.services.writer.transact(put_topic("board", roles))
        catch_up(app)
        changes = bob.inbox(cursor)
        assert (changes["reset"], ids(changes), counts(changes)) == (True, shown, (len(shown), len(shown)))


def test_a_topic_has_a_name_that_is_valid_in_urls(alice: RecipientActor) -> None:
    for name in ("a", "A.b_c-9", "x" * 64):
        assert alice.put(f"{PATH}/{name}").json == {"topic": name, "following": True}
    for name in ("x" * 65, "a b", "a:b", "ü", "a%00", "%FF", "a%0A", "a,b", "*"):
        for answer in (alice.put(f"{PATH}/{name}"), alice.delete(f"{PATH}/{name}")):
            expect_problem(answer, 400, "invalid-request", "topic")
    assert len(alice.get(PATH).json["topics"]) == 3  # type: ignore[index]


def test_a_recipient_can_follow_two_hundred_topics_and_no_more(app: InProcessGateway, alice: RecipientActor) -> None:
    rows = [{"recipient": "alice", "topic": f"topic{n}", "since_seq": 0} for n in range(199)]
    app.services.database.write(lambda connection: connection.execute(FOLLOWS.insert(), rows))
    assert alice.put(f"{PATH}/topic199").status_code == 200
    expect_problem(alice.put(f"{PATH}/one-too-many"), 400, "invalid-request", "topic")
    assert alice.put(f"{PATH}/topic7").status_code == 200
    alice.delete(f"{PATH}/topic8")
    assert alice.put(f"{PATH}/one-too-many").status_code == 200

"""Several nodes on one database: a change on one node is known on the other, with Redis at once, without it soon."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from notifygate.errors import ConfigurationError
from notifygate.log.lost_announcements import GRACE_SECONDS
from notifygate.publishing.registry import put_topic
from tests.support.in_process import SECRET_KEY, InProcessGateway
from tests.support.manual_clock import ManualClock
from tests.support.metric_values import metric
from tests.support.polling import answer_of, await_redis, hold, ids
from tests.support.redis_server import RedisServer
from tests.support.waiting import all_done, eventually

pytestmark = pytest.mark.both_databases

MakeApp = Callable[..., InProcessGateway]

NEVER_SECONDS = 1e9
"""An interval between reads of the head that no test reaches: entries arrive through Redis. It is longer, too, than the
uptime of any machine, which the clock counts."""

NEW_KEY = "another secret for cursors, of more than 32 bytes"


MakeNodes = Callable[..., tuple[InProcessGateway, InProcessGateway]]


@pytest.fixture
def make_nodes(shared_redis: RedisServer, make_app: MakeApp) -> MakeNodes:
    """Return a function that makes two nodes that are subscribed in Redis and have read the head since."""

    def make(**settings: Any) -> tuple[InProcessGateway, InProcessGateway]:
        one, other = (make_app(redis_url=shared_redis.url, **settings) for _ in range(2))
        await_redis(one, other)
        return one, other

    return make


def rescues() -> float:
    return metric("lost_wake_rescues_total")


def test_every_kind_of_change_wakes_a_hold_in_another_node_through_redis(make_nodes: MakeNodes) -> None:
    one, other = make_nodes(head_check_interval=NEVER_SECONDS)
    publisher, here, there = one.publisher(), one.recipient("alice"), other.recipient("alice")
    here.inbox()
    before = metric("wake_seconds_sum")

    def woken_by(change: Callable[[], Any]) -> dict[str, Any]:
        held = hold(other, there, there.inbox()["cursor"])
        change()
        answer = answer_of(held).json
        assert answer
        return answer

    (notification_id,) = ids(woken_by(lambda: publisher.publish("user:alice")))
    assert metric("wake_seconds_sum") - before < 5, "the delay is counted from the commit on the other node"
    (item,) = woken_by(lambda: here.change_state("read", ids=[notification_id]))["notifications"]
    assert (item["id"], item["read_at"] is None) == (notification_id, False)
    assert woken_by(lambda: publisher.delete(f"/v1/notifications/{notification_id}"))["removed"] == [notification_id]
    for change in (
        lambda: here.put("/v1/inbox/topics/deploys"),
        lambda: one.services.writer.transact(put_topic("deploys", ("admin",))),
        lambda: one.admin().put("/v1/types/general", json={"roles": ["nobody"]}),
    ):
        assert woken_by(change)["reset"] is True


def test_a_cursor_of_any_node_is_valid_on_any_other(make_app: MakeApp) -> None:
    """Cursors and ETags of one node are valid on the other, even before the other has the new entries."""
    nodes = [make_app(head_check_interval=NEVER_SECONDS) for _ in range(2)]
    publishers = [node.publisher() for node in nodes]
    devices = [node.recipient("alice") for node in nodes]
    cursor = devices[0].inbox()["cursor"]
    wanted: list[str] = []
    returned: list[str] = []
    for n in range(12):
        wanted.append(publishers[n % 2].publish("user:alice"))
        # The node that wrote has the entry; the next poll goes to the other, with a cursor ahead of its tail.
        for device in (devices[n % 2], devices[(n + 1) % 2]):
            body = device.inbox(cursor)
            assert body["reset"] is False
            returned += [item["id"] for item in body["notifications"]]
            assert body["unread"] == n + 1
            cursor = body["cursor"]
    assert returned == wanted


def test_a_healthy_redis_leaves_no_entry_to_the_read_of_the_head(make_nodes: MakeNodes, clock: ManualClock) -> None:
    """Although the nodes read the head so often that they are sometimes faster than Redis."""
    one, other = make_nodes(head_check_interval=0.05, clock=clock)
    before = rescues()
    publishers = [one.publisher(), other.publisher()]
    alice = other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    for n in range(60):
        publishers[n % 2].publish("user:alice")
        clock.advance(GRACE_SECONDS / 100)  # not so far that announcements on their way count as lost
        if n % 10 == 0:
            alice.change_state("seen", up_to=cursor)
            one.services.removal.expire_due()
    for publisher in publishers:  # while the clock stands, the head is not read: entries arrive through Redis
        publisher.publish("user:alice")
        eventually(lambda: one.services.tail.end == other.services.tail.end, "the last one's arrival")
    clock.advance(GRACE_SECONDS + 1)
    for node in (one, other):
        eventually(lambda node=node: node.services.tail.checked_at == clock.monotonic(), "a read after it")  # type: ignore[misc]
    assert rescues() == before


def test_an_announcement_that_redis_lost_is_found_by_a_read_of_the_head_and_counted(
    make_nodes: MakeNodes, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_nodes(head_check_interval=1.0, clock=clock)
    monkeypatch.setattr(one.services.announcer.connection, "publish", lambda message: True)  # type: ignore[union-attr]
    before = rescues()
    alice = other.recipient("alice")
    held = hold(other, alice, alice.inbox()["cursor"])
    notification_id = one.publisher().publish("user:alice")
    clock.advance(1)
    assert ids(answer_of(held).json) == [notification_id]
    clock.advance(GRACE_SECONDS + 1)
    eventually(lambda: rescues() > before, "the count")


def test_entries_announced_while_the_subscription_was_cut_are_read_after_it(
    make_nodes: MakeNodes, shared_redis: RedisServer
) -> None:
    one, other = make_nodes(head_check_interval=NEVER_SECONDS)
    alice, publisher = other.recipient("alice"), one.publisher()
    held = hold(other, alice, alice.inbox()["cursor"])
    with shared_redis.connect() as client:
        client.client_kill_filter(_type="pubsub")
    notification_id = publisher.publish("user:alice")
    assert ids(answer_of(held).json) == [notification_id]


def test_a_type_changed_on_one_node_applies_on_the_other(make_nodes: MakeNodes) -> None:
    one, other = make_nodes(head_check_interval=NEVER_SECONDS)
    one.admin().put("/v1/types/alert", json={"priority": "critical"})
    eventually(lambda: other.services.catalog.current.rule("alert").priority == "critical", "the change")
    answer = other.publisher().post("/v1/notifications", json={"to": "all", "title": "x", "type": "alert"})
    assert (answer.json or {})["priority"] == "critical"


def test_an_idempotency_key_is_known_on_every_node(make_app: MakeApp) -> None:
    one, other = make_app(), make_app()
    publisher, there = one.publisher(), other.publisher()
    there.credential = publisher.credential
    body, headers = {"to": "user:alice", "title": "once"}, {"Idempotency-Key": "k"}
    calls = [
        gevent.spawn(node.post, "/v1/notifications", json=body, headers=headers) for node in (publisher, there) * 5
    ]
    answers = all_done(calls)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count(None) == 1
    assert one.recipient("alice").inbox()["unread"] == 1


# --- the secret key -------------------------------------------------------------------------------------------------


def test_a_refused_start_leaves_cursors_valid(make_app: MakeApp) -> None:
    first = make_app()
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_SECRET_KEY"):
        make_app(secret_key=(NEW_KEY,))
    cursor = first.recipient("alice").inbox()["cursor"]
    assert make_app().recipient("alice").inbox(cursor)["reset"] is False


def test_during_a_rotation_cursors_of_the_old_key_stay_valid(make_app: MakeApp) -> None:
    old = make_app()
    first = old.recipient("alice").poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]  # type: ignore[index]
    old.stop()
    rotated = make_app(secret_key=(NEW_KEY, SECRET_KEY))
    alice = rotated.recipient("alice")
    assert alice.poll(etag=etag).status_code == 304
    notification_id = rotated.publisher().publish("user:alice")
    body = alice.inbox(cursor)
    assert (body["reset"], ids(body)) == (False, [notification_id])
    assert alice.change_state("read", up_to=cursor)["changed"] == 0, "up_to accepts it too"
    assert alice.poll(etag=etag).status_code == 200
    assert alice.inbox(body["cursor"])["reset"] is False
    for stranger in (rotated.recipient("bob"), rotated.recipient("alice", "admin")):
        assert stranger.inbox(cursor)["reset"] is True, "the old key protects its cursors"


def test_after_a_rotation_the_new_key_alone_is_sufficient(make_app: MakeApp) -> None:
    old = make_app()
    old_cursor = old.recipient("alice").inbox()["cursor"]
    old.stop()
    rotated = make_app(secret_key=(NEW_KEY, SECRET_KEY))
    cursor = rotated.recipient("alice").inbox()["cursor"]
    rotated.stop()
    alice = make_app(secret_key=(NEW_KEY,)).recipient("alice")
    assert (alice.inbox(cursor)["reset"], alice.inbox(old_cursor)["reset"]) == (False, True)
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_SECRET_KEY"):
        make_app(secret_key=(SECRET_KEY,))


def test_counts_do_not_go_back_on_a_node_that_is_behind(make_app: MakeApp) -> None:
    one, other = make_app(), make_app(head_check_interval=NEVER_SECONDS)
    here, there = one.recipient("alice"), other.recipient("alice")
    here.inbox()
    there.inbox()
    one.publisher().publish("user:alice")
    counts = here.get("/v1/inbox/unread")
    assert counts.json == {"unread": 1, "unseen": 1}
    answer = there.get("/v1/inbox/unread", headers={"If-None-Match": counts.headers["ETag"]})
    assert (answer.status_code, answer.headers["ETag"]) == (304, counts.headers["ETag"])
    one.publisher().publish("user:alice")
    inbox = here.poll()
    answer = there.poll(etag=inbox.headers["ETag"])
    assert (answer.status_code, answer.headers["ETag"]) == (304, inbox.headers["ETag"])

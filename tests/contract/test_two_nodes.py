"""Several nodes on one database: what is done on one is known on the other, with Redis at once, without it soon."""

import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from notifygate.announcements.redis_announcer import RedisAnnouncer
from notifygate.errors import ConfigurationError
from notifygate.publishing.registry import put_topic
from tests.support.in_process import SECRET_KEY, InProcessGateway, RecipientActor
from tests.support.metric_values import metric
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.both_databases

MakeApp = Callable[..., InProcessGateway]

NEVER_SECONDS = 1e9
"""An interval of looks at the head that no test lives to see: what arrives came through Redis. It is longer, too, than any
machine has been up, which is what the clock counts."""

NEW_KEY = "another secret for cursors, of more than 32 bytes"


class Held:
    """A long poll on a node, from the present end of the inbox, registered and waiting."""

    def __init__(self, gateway: InProcessGateway, recipient: RecipientActor) -> None:
        cursor = recipient.inbox()["cursor"]
        held = gateway.hold_count
        self._greenlet = gevent.spawn(recipient.inbox, cursor, wait=50)
        eventually(lambda: gateway.hold_count == held + 1, "the hold")
        gevent.idle()

    @property
    def is_over(self) -> bool:
        return self._greenlet.ready()

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = self._greenlet.get(timeout=PATIENCE_SECONDS)
        return found


def connected(*gateways: InProcessGateway) -> None:
    """Wait until all nodes hear each other through Redis, and have looked at the log since."""
    for gateway in gateways:
        announcer = gateway.services.announcer
        assert announcer is not None
        eventually(lambda announcer=announcer: announcer.is_connected, "the connection")  # type: ignore[misc]
        eventually(lambda gateway=gateway: gateway.services.tail.checked_at > 0, "the look")  # type: ignore[misc]


def rescues() -> float:
    return metric("lost_wake_rescues_total")


def test_a_commit_wakes_a_hold_in_another_node_through_redis(make_app: MakeApp, redis_url: str) -> None:
    one = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    other = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    connected(one, other)
    held = Held(other, other.recipient("alice"))
    before = metric("wake_seconds_sum")
    found = one.publisher().publish("user:alice")
    assert [item["id"] for item in held.answer()["notifications"]] == [found]
    assert metric("wake_seconds_sum") - before < 5, "the delay is counted from the commit on the other node"


def test_every_kind_of_change_wakes_a_hold_in_another_node_through_redis(make_app: MakeApp, redis_url: str) -> None:
    one = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    other = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    connected(one, other)
    publisher, here, there = one.publisher(), one.recipient("alice"), other.recipient("alice")
    here.inbox()
    found = publisher.publish("user:alice")

    held = Held(other, there)
    here.change_state("read", ids=[found])
    assert [(item["id"], item["read_at"] is None) for item in held.answer()["notifications"]] == [(found, False)]

    held = Held(other, there)
    publisher.delete(f"/v1/notifications/{found}")
    assert held.answer()["removed"] == [found]

    held = Held(other, there)
    here.put("/v1/inbox/topics/deploys")
    assert held.answer()["reset"] is True

    held = Held(other, there)
    one.services.writer.transact(put_topic("deploys", ("admin",)))
    assert held.answer()["reset"] is True

    held = Held(other, there)
    one.admin().put("/v1/types/general", json={"roles": ["nobody"]})
    assert held.answer()["reset"] is True


def test_a_commit_wakes_a_hold_in_another_node_without_redis(make_app: MakeApp) -> None:
    one, other = make_app(head_check_interval=0.2), make_app(head_check_interval=0.2)
    held = Held(other, other.recipient("alice"))
    found = one.publisher().publish("user:alice")
    assert [item["id"] for item in held.answer()["notifications"]] == [found]


def test_a_commit_for_others_wakes_no_hold_in_another_node(make_app: MakeApp, redis_url: str) -> None:
    one = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    other = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    connected(one, other)
    alice, bob = Held(other, other.recipient("alice")), Held(other, other.recipient("bob"))
    publisher = one.publisher()
    publisher.publish("user:bob")
    bob.answer()
    assert not alice.is_over
    publisher.publish("user:alice")
    alice.answer()


def test_any_poll_may_go_to_any_node(make_app: MakeApp) -> None:
    """Cursors and ETags of one are good in the other, even where the other has not heard of the news yet."""
    nodes = [make_app(head_check_interval=NEVER_SECONDS) for _ in range(2)]
    publishers = [node.publisher() for node in nodes]
    devices = [node.recipient("alice") for node in nodes]
    cursor = devices[0].inbox()["cursor"]
    wanted: list[str] = []
    got: list[str] = []
    for n in range(12):
        wanted.append(publishers[n % 2].publish("user:alice"))
        # The node that has written knows; the other is asked next, with a cursor that is ahead of what it knows.
        for device in (devices[n % 2], devices[(n + 1) % 2]):
            body = device.inbox(cursor)
            assert body["reset"] is False
            got += [item["id"] for item in body["notifications"]]
            assert body["unread"] == n + 1
            cursor = body["cursor"]
    assert got == wanted


def test_a_tag_of_a_node_that_is_ahead_is_not_believed_blindly(make_app: MakeApp) -> None:
    one, other = make_app(head_check_interval=NEVER_SECONDS), make_app(head_check_interval=NEVER_SECONDS)
    here, there = one.recipient("alice"), other.recipient("alice")
    there.inbox()
    one.publisher().publish("user:alice")
    tag = here.poll().headers["ETag"]
    answer = there.poll(etag=tag)
    assert answer.status_code == 304 or len((answer.json or {})["notifications"]) == 1
    counts = there.get("/v1/inbox/unread", headers={"If-None-Match": tag})
    assert counts.status_code == 304 or counts.json == {"unread": 1, "unseen": 1}


def test_in_health_nothing_is_found_by_the_look_alone(make_app: MakeApp, redis_url: str) -> None:
    """Although the nodes look so often that they are sometimes quicker than Redis."""
    one = make_app(head_check_interval=0.05, redis_url=redis_url)
    other = make_app(head_check_interval=0.05, redis_url=redis_url)
    connected(one, other)
    before = rescues()
    publishers = [one.publisher(), other.publisher()]
    alice = other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    for n in range(60):
        publishers[n % 2].publish("user:alice")
        if n % 10 == 0:
            alice.change_state("seen", up_to=cursor)
            one.services.removal.expire_due()
    ends = time.monotonic() + 1.3  # longer than the grace after which something counts as lost

    def is_patience_over() -> bool:
        return time.monotonic() > ends and not other.services.follower._unannounced

    eventually(is_patience_over, "the end of the grace")
    assert rescues() == before


def test_what_redis_has_lost_is_found_by_the_look_and_counted(
    make_app: MakeApp, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_app(head_check_interval=0.1, redis_url=redis_url)
    other = make_app(head_check_interval=0.1, redis_url=redis_url)
    connected(one, other)
    assert isinstance(one.services.announcer, RedisAnnouncer)
    monkeypatch.setattr(one.services.announcer.connection, "publish", lambda message: True)
    before = rescues()
    held = Held(other, other.recipient("alice"))
    found = one.publisher().publish("user:alice")
    assert [item["id"] for item in held.answer()["notifications"]] == [found]
    eventually(lambda: rescues() > before, "the count")


def test_a_batch_that_is_too_large_for_redis_arrives_all_the_same(make_app: MakeApp, redis_url: str) -> None:
    one = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    other = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    connected(one, other)
    publisher, alice = one.publisher(), other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    gevent.joinall([gevent.spawn(publisher.publish, "user:alice", str(n), body="x" * 4000) for n in range(60)])
    head = one.services.tail.end
    eventually(lambda: other.services.tail.end == head, "the whole batch")
    body = alice.inbox(cursor, limit=200)
    assert sorted(int(item["title"]) for item in body["notifications"]) == list(range(60))


def test_a_type_that_is_changed_on_one_node_counts_on_the_other(make_app: MakeApp, redis_url: str) -> None:
    one = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    other = make_app(head_check_interval=NEVER_SECONDS, redis_url=redis_url)
    connected(one, other)
    one.admin().put("/v1/types/alert", json={"priority": "critical"})
    eventually(lambda: other.services.catalog.current.rule("alert").priority == "critical", "the change")
    answer = other.publisher().post("/v1/notifications", json={"to": "all", "title": "x", "type": "alert"})
    assert (answer.json or {})["priority"] == "critical"


def test_an_idempotency_key_counts_on_every_node(make_app: MakeApp) -> None:
    one, other = make_app(), make_app()
    publisher = one.publisher()
    there = other.publisher()
    there.credential = publisher.credential
    body, headers = {"to": "user:alice", "title": "once"}, {"Idempotency-Key": "k"}
    calls = [
        gevent.spawn(node.post, "/v1/notifications", json=body, headers=headers) for node in (publisher, there) * 5
    ]
    gevent.joinall(calls, timeout=PATIENCE_SECONDS, raise_error=True)
    assert {call.value.status_code for call in calls} == {201}
    assert len({call.value.json["id"] for call in calls}) == 1
    assert [call.value.headers.get("Idempotency-Replayed") for call in calls].count(None) == 1
    assert one.recipient("alice").inbox()["unread"] == 1


# --- the secret key -------------------------------------------------------------------------------------------------


def test_a_refused_start_changes_nothing(make_app: MakeApp) -> None:
    first = make_app()
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_SECRET_KEY"):
        make_app(secret_key=(NEW_KEY,))
    cursor = first.recipient("alice").inbox()["cursor"]
    assert make_app().recipient("alice").inbox(cursor)["reset"] is False


def test_during_a_rotation_cursors_of_the_old_key_count_on(make_app: MakeApp) -> None:
    old = make_app()
    cursor = old.recipient("alice").inbox()["cursor"]
    found = old.publisher().publish("user:alice")
    old.stop()
    rotated = make_app(secret_key=(NEW_KEY, SECRET_KEY))
    alice = rotated.recipient("alice")
    body = alice.inbox(cursor)
    assert (body["reset"], [item["id"] for item in body["notifications"]]) == (False, [found])
    assert alice.change_state("read", up_to=cursor)["changed"] == 0, "up_to takes it too"
    assert alice.poll(cursor=None, etag=f'W/"{cursor}"').status_code == 200
    assert alice.inbox(body["cursor"])["reset"] is False


def test_a_tag_of_the_old_key_still_matches(make_app: MakeApp) -> None:
    old = make_app()
    tag = old.recipient("alice").poll().headers["ETag"]
    old.stop()
    assert make_app(secret_key=(NEW_KEY, SECRET_KEY)).recipient("alice").poll(etag=tag).status_code == 304


def test_the_old_key_protects_its_cursors_from_other_recipients(make_app: MakeApp) -> None:
    old = make_app()
    cursor = old.recipient("alice").inbox()["cursor"]
    old.stop()
    rotated = make_app(secret_key=(NEW_KEY, SECRET_KEY))
    assert rotated.recipient("bob").inbox(cursor)["reset"] is True
    assert rotated.recipient("alice", "admin").inbox(cursor)["reset"] is True


def test_after_a_rotation_the_new_key_alone_is_enough(make_app: MakeApp) -> None:
    make_app().stop()
    rotated = make_app(secret_key=(NEW_KEY, SECRET_KEY))
    cursor = rotated.recipient("alice").inbox()["cursor"]
    rotated.stop()
    done = make_app(secret_key=(NEW_KEY,))
    assert done.recipient("alice").inbox(cursor)["reset"] is False
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_SECRET_KEY"):
        make_app(secret_key=(SECRET_KEY,))


def test_a_cursor_of_a_key_that_is_gone_gives_a_reset(make_app: MakeApp) -> None:
    old = make_app()
    cursor = old.recipient("alice").inbox()["cursor"]
    old.stop()
    make_app(secret_key=(NEW_KEY, SECRET_KEY)).stop()
    assert make_app(secret_key=(NEW_KEY,)).recipient("alice").inbox(cursor)["reset"] is True

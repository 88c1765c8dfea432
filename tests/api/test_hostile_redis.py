"""Content from Redis is not trusted: attacks of another client of the same Redis, each against a real gateway.

The attacker may run every command and knows the format, but not the gateway's secret. An insider has the
secret, too, as a gateway with a defect would: its announcements have to be valid in form to be used.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import gevent
import orjson
import pytest

from notifygate import metrics
from notifygate.announcements import seal as seal_module
from notifygate.announcements.announcement import Announcement, announce
from notifygate.announcements.redis_announcer import channel_of
from notifygate.announcements.seal import AnnouncementSeal
from notifygate.domain.entry import Entry, EntryKind
from notifygate.log import follower as follower_module
from notifygate.storage.readiness import namespace_of
from notifygate.storage.stores.head import read_head_of_primary
from tests.support.builders import make_notification
from tests.support.in_process import SECRET_KEY, InProcessGateway, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.metric_values import metric
from tests.support.not_redis import NotRedis
from tests.support.polling import await_redis, ids
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_SECONDS, eventually

MakeApp = Callable[..., InProcessGateway]

RARE_HEAD_READS = 60.0
"""Seconds between two reads of the head: so long that entries that arrive sooner came through Redis."""


class Site:
    """Two gateways on one database and one Redis, and an attacker's actions there."""

    def __init__(self, redis: RedisServer, make_app: MakeApp, **settings: Any) -> None:
        options = {"head_check_interval": RARE_HEAD_READS, **settings, "redis_url": redis.url}
        self.one, self.other = make_app(**options), make_app(**options)
        self.channel = channel_of(namespace_of(self.one.services.database))
        self.client = redis.connect()
        self.subscription = self.client.pubsub()
        self.subscription.subscribe(self.channel)
        await_redis(self.one, self.other)
        self.publisher = self.one.publisher()
        eventually(self.is_in_step)
        (announced_key,) = self.eavesdrop()
        self.key_id = announced_key[9:17]
        """The id of the key of the seal, which every message shows."""

    def close(self) -> None:
        self.subscription.close()
        self.client.close()

    def is_in_step(self) -> bool:
        """Return whether both gateways' tails end at the same position."""
        return self.one.services.tail.end == self.other.services.tail.end

    @property
    def head(self) -> tuple[int, int]:
        tail = self.one.services.tail
        return tail.epoch, tail.end

    def eavesdrop(self, count: int = 1) -> list[bytes]:
        """Return so many messages that were published on the channel since the last call."""
        messages: list[bytes] = []
        while len(messages) < count:
            message = self.subscription.get_message(timeout=PATIENCE_SECONDS)
            assert message, "nothing is published"
            if message["type"] == "message":
                messages.append(message["data"])
        return messages

    def publish_in_redis(self, message: bytes) -> None:
        """Send a message to the gateways' channel and wait until both of them have read it."""
        self.client.publish(self.channel, message)
        await_redis(self.one, self.other)

    def forge(self) -> bytes:
        """Seal a notification to alice behind the head, without the secret, under the key id of genuine messages."""
        epoch, end = self.head
        made = make_notification(
            "user:alice", title="forged", seq=end + 1, sender="IT", action_url="https://evil.test/"
        )
        moved = announce(epoch, [Entry(made.seq, EntryKind.PUBLISHED, made.to, made)])
        forged = AnnouncementSeal(["a guess of more than thirty-two bytes"], self.channel).seal(moved)
        return forged[:9] + self.key_id + forged[17:]

    def seal_as_insider(self, monkeypatch: pytest.MonkeyPatch, document: Any, *texts: bytes) -> bytes:
        """Seal any content as the entries behind the head, with the gateway's own secret."""
        epoch, end = self.head
        body = b"\n".join([orjson.dumps(document), *texts])
        with monkeypatch.context() as patch:
            patch.setattr(seal_module, "to_bytes", lambda _: body)
            position = Announcement(epoch, end + 1, end + 1, 0.0, None)
            return AnnouncementSeal([SECRET_KEY], self.channel).seal(position)


@pytest.fixture
def site(shared_redis: RedisServer, make_app: MakeApp) -> Iterator[Site]:
    site = Site(shared_redis, make_app)
    yield site
    site.close()


def refusals() -> float:
    metrics.flush()
    return metric("announcements_refused_total")


def hold(recipient: RecipientActor, wait: int = 30) -> "gevent.Greenlet[..., Any]":
    """Hold a poll from the present cursor on."""
    cursor = recipient.inbox()["cursor"]
    return gevent.spawn(recipient.poll, cursor, wait=wait)


def test_eavesdropping_shows_no_text_and_no_name(site: Site) -> None:
    site.publisher.publish("user:alice", "a secret title", body="a secret body")
    (message,) = site.eavesdrop()
    for text in (b"secret", b"alice", b"general", b"published", b"publisher"):
        assert text not in message


def test_injected_notification_is_refused(site: Site) -> None:
    alice = site.other.recipient("alice")
    held = hold(alice)
    eventually(lambda: site.other.hold_count == 1)
    before = refusals()
    site.publish_in_redis(site.forge())
    eventually(lambda: refusals() == before + 2)
    assert not held.ready()
    genuine = site.publisher.publish("user:alice", "genuine")
    assert ids(held.get(timeout=20).json) == [genuine]


def test_forged_entry_does_not_replace_a_genuine_one(site: Site) -> None:
    alice = site.other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    site.publish_in_redis(site.forge())
    genuine = site.publisher.publish("user:alice", "genuine")
    eventually(site.is_in_step)
    body = alice.inbox(cursor)
    assert [item["title"] for item in body["notifications"]] == ["genuine"]
    assert (ids(body), body["reset"]) == ([genuine], False)


def test_forged_entries_cause_no_reset(shared_redis: RedisServer, make_app: MakeApp) -> None:
    site = Site(shared_redis, make_app, head_check_interval=0.05)
    bob = site.other.recipient("bob")
    cursor = bob.inbox()["cursor"]
    loads = metric("view_loads_total")
    for _ in range(3):
        site.publish_in_redis(site.forge())
        checked_at = site.other.services.tail.checked_at
        eventually(lambda checked_at=checked_at: site.other.services.tail.checked_at > checked_at)
        assert bob.inbox(cursor)["reset"] is False
    assert metric("view_loads_total") == loads
    site.close()


def test_flood_of_refused_messages_reads_no_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = site.forge()
    reads: list[float] = []
    monkeypatch.setattr(follower_module, "read_head_of_primary", lambda c: reads.append(1) or read_head_of_primary(c))
    before = refusals()
    for _ in range(1000):
        site.client.publish(site.channel, forged)
    eventually(lambda: refusals() == before + 2000)
    assert reads == []


def test_invalid_announcement_of_an_insider_fails_no_poll_and_no_publication(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All kinds of them are in tests/unit/announcements/test_announcement.py."""
    alice, bob = site.other.recipient("alice"), site.other.recipient("bob")
    cursors = [one.inbox()["cursor"] for one in (alice, bob)]
    document = [1, [["state", ["user:alice"], [1, "n", "t", ["all"]], None, None, "x", "y"]]]
    before = refusals()
    site.publish_in_redis(site.seal_as_insider(monkeypatch, document, b'{"id":"n"}'))
    eventually(lambda: refusals() == before + 2)
    genuine = site.publisher.publish("all")
    eventually(site.is_in_step)
    for one, cursor in zip((alice, bob), cursors, strict=True):
        assert ids(one.inbox(cursor)) == [genuine]
        assert one.inbox()["unread"] == 1


DEFECTS = {
    "a delta that is no number": ("unread_delta", "x"),
    "a time that is no number": ("seen_at", "x"),
    "a notification that is none": ("notification", "x"),
}


@pytest.mark.parametrize("case", DEFECTS)
def test_invalid_entry_in_memory_is_read_from_the_database(site: Site, case: str) -> None:
    alice, bob = site.other.recipient("alice"), site.other.recipient("bob")
    for one in (alice, bob):
        one.inbox()
    shown = site.publisher.publish("all")
    eventually(site.is_in_step)
    cursor, of_bob = alice.inbox()["cursor"], bob.inbox()["cursor"]
    field, value = DEFECTS[case]
    site.one.recipient("alice").change_state("seen", ids=[shown])
    eventually(site.is_in_step)
    entry = site.other.services.tail.newest
    assert entry
    assert entry.kind is EntryKind.STATE
    setattr(entry, field, value)
    for _ in range(2):
        body = alice.inbox(cursor)
        assert [item["id"] for item in body["notifications"] if item["seen_at"]] == [shown]
        assert (body["unread"], body["unseen"], body["reset"]) == (1, 0, False)
    assert bob.inbox(of_bob)["reset"] is False
    more = site.publisher.publish("all")
    eventually(site.is_in_step)
    assert ids(alice.inbox(body["cursor"])) == ids(bob.inbox(of_bob)) == [more]


def test_replayed_announcements_change_nothing(site: Site) -> None:
    alice = site.other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    published = [site.publisher.publish("user:alice", str(n)) for n in range(3)]
    eventually(site.is_in_step)
    messages = site.eavesdrop(3)
    before = refusals()
    for message in (*messages, *reversed(messages)) * 3:
        site.publish_in_redis(message)
    body = alice.inbox(cursor)
    assert (ids(body), body["unread"], body["reset"]) == (published, 3, False)
    assert site.is_in_step()
    assert refusals() == before
    more = site.publisher.publish("user:alice")
    eventually(site.is_in_step)
    assert ids(alice.inbox(body["cursor"])) == [more]


def test_counters_set_in_redis_refuse_no_request(
    shared_redis: RedisServer, make_app: MakeApp, clock: ManualClock
) -> None:
    """In no window, whatever the attacker writes: a number, a hash of numbers, the record of another principal."""
    app = make_app(redis_url=shared_redis.url, limit_poll="5/second", clock=clock)
    alice, bob = app.recipient("alice"), app.recipient("bob")
    with shared_redis.connect() as client:

        def attack(turn: int) -> None:
            for name in client.keys("notifygate:*:fixed-window:*:user:alice:*"):
                of_bob = client.hvals(name.replace(b"alice", b"bob"))
                client.delete(name)
                if turn % 3 == 0:
                    client.set(name, 10**6)
                elif turn % 3 == 1:
                    client.hset(name, mapping={b"w" * 8: (10**6).to_bytes(8, "big") + bytes(16), b"short": 10**6})
                else:  # a genuine count, but of another principal
                    client.hset(name, mapping={b"%08d" % n: value for n, value in enumerate(of_bob)} or {b"v" * 8: 1})

        def exchanges() -> int:
            return sum(entry["calls"] for name, entry in client.info("commandstats").items() if "evalsha" in name)

        windows = app.services.limits.windows("poll")
        assert windows
        refused, errors = metric("shared_counts_refused_total"), metric("redis_errors_total")
        seen: set[float] = set()
        turn = 0
        while len(seen) < 5:
            answer = alice.poll()
            assert answer.status_code == 200 or windows.own("user:alice") > 5
            bob.poll()
            attack(turn := turn + 1)
            seen.add(windows.ends_at)
            before = exchanges()
            clock.advance(0.3)  # at most four polls a window
            eventually(lambda before=before: exchanges() > before, "the exchange with Redis")
        assert metric("shared_counts_refused_total") > refused
        assert metric("redis_errors_total") == errors, "the counts of others are still shared"


def test_failed_authentications_set_in_redis_refuse_no_request(shared_redis: RedisServer, make_app: MakeApp) -> None:
    app = make_app(redis_url=shared_redis.url, limit_failed_auth="5/day")
    anonymous = app.anonymous()
    with shared_redis.connect() as client:
        for _ in range(5):
            assert anonymous.get("/v1/inbox").status_code == 401
            for name in client.keys("*:failed_auth:*"):
                client.delete(name)
                client.set(name, 10**6)
        assert anonymous.get("/v1/inbox").status_code == 429


def test_huge_message_delays_no_wake_up_and_is_dropped(site: Site) -> None:
    """Of 24 MiB: a longer one makes Redis itself end the subscription (client-output-buffer-limit pubsub, 32 MB)."""
    alice = site.other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    before = refusals()
    site.client.publish(site.channel, bytes(24 * 1024 * 1024))
    genuine = site.publisher.publish("user:alice")
    eventually(lambda: refusals() == before + 2)
    eventually(site.is_in_step)
    assert ids(alice.inbox(cursor)) == [genuine]


def test_server_that_greets_with_nonsense_is_tried_again(
    own_redis_server: RedisServer, make_app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis may have its address later, for example behind a balancer, while connections to the other server stay."""
    monkeypatch.setattr("notifygate.limits.rate_limits.REDIS_PAUSE_SECONDS", 0.1)
    own_redis_server.stop()
    with closing(NotRedis(urlsplit(own_redis_server.url).port or 0)) as server:
        app = make_app(redis_url=own_redis_server.url, limit_failed_auth="1000000/minute")

        def fail() -> bool:
            return app.anonymous().get("/v1/inbox", headers={"Authorization": "Bearer nonsense"}).status_code == 401

        eventually(lambda: server.accepted > 2, "another try")
        assert not app.services.announcer.is_connected
        assert fail()
        assert "rate limits are counted per worker" in caplog.text
        eventually(lambda: not server.connected, "the end of each connection to it")
    own_redis_server.start()
    eventually(lambda: app.services.announcer.is_connected, "wake-ups through Redis")
    with own_redis_server.connect() as client:
        eventually(lambda: fail() and client.keys("notifygate:*:failed_auth:*"), "counts in Redis")

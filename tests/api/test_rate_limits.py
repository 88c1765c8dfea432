"""Rate limits: what is counted for whom, the headers, and 429 (PROTOCOL section 6)."""

import re
import time
from typing import Any

import gevent
import pytest

from tests.api.helpers import answer_of, counts, expect_count_in_redis, expect_problem, hold, ids
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

# A Redis is always asked for before the gateways: so they are stopped before it goes, and no connection attempt is cut
# off in the middle, which would leave an open socket behind.
DEFAULTS = {
    "limit_publish": "1200/minute",
    "limit_audiences": "60000/minute",
    "limit_poll": "300/minute",
    "limit_state": "300/minute",
    "limit_failed_auth": "30/minute",
    "limit_guard": "6000/minute",
}
BODY = {"to": "all", "title": "T"}


def publish(publisher: PublisherActor) -> Any:
    return publisher.post("/v1/notifications", json=BODY)


def expect_limited(answer: Any, name: str) -> None:
    expect_problem(answer, 429, "rate-limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert f'"{name}"' in answer.headers["RateLimit"]
    assert re.search(rf'"{name}";r=0;t=\d+', answer.headers["RateLimit"])


def remaining(answer: Any, name: str) -> int:
    """Return what is left of a limit according to an answer."""
    found = re.search(rf'"{name}";r=(\d+);t=\d+', answer.headers["RateLimit"])
    assert found, answer.headers["RateLimit"]
    return int(found.group(1))


def fail(app: InProcessGateway, address: str = "192.0.2.1", credential: str = "Bearer x") -> Any:
    """Poll with a credential that doesn't count, or with none."""
    headers = {"Authorization": credential} if credential else {}
    return app.anonymous().get("/v1/inbox", headers=headers, environ_base={"REMOTE_ADDR": address})


# --- Headers ------------------------------------------------------------------------------------


def test_every_answer_under_v1_but_a_304_says_how_the_limits_stand(make_app: Any) -> None:
    app = make_app(**DEFAULTS)
    alice, publisher, admin = app.recipient("alice"), app.publisher(), app.admin()
    first = alice.poll()
    answers = [
        first,
        alice.poll(first.json["cursor"]),
        alice.get("/v1/inbox/unread"),
        alice.get("/v1/inbox/history"),
        alice.get("/v1/inbox/history?before=unknown"),
        alice.post("/v1/inbox/state", json={"op": "read", "ids": ["x"]}),
        alice.post("/v1/inbox/state", json={}),
        alice.get("/v1/inbox/topics"),
        alice.put("/v1/inbox/topics/x"),
        alice.delete("/v1/inbox/topics/x"),
        alice.get("/v1/inbox/preferences"),
        alice.put("/v1/inbox/preferences", json={"types": {}}),
        alice.poll("garbage"),
        alice.poll(limit=0),
        publish(publisher),
        publisher.post("/v1/notify/all", data="x"),
        publisher.post("/v1/notify/all", data=b"\xff"),
        publisher.post("/v1/notifications", data="{", content_type="application/json"),
        publisher.post("/v1/notifications", data="{", content_type="text/plain"),
        publisher.delete("/v1/notifications/unknown"),
        admin.get("/v1/types"),
        admin.put("/v1/types/x", json={}),
        admin.delete("/v1/types/x"),
        publisher.get("/v1/types"),  # 403
        publisher.get("/v1/inbox"),  # 403
        alice.get("/v1/types"),  # 403
        alice.get("/v1/unknown"),  # 404
        alice.get("/v1/inbox/"),  # 404
        alice.post("/v1/inbox"),  # 405
        alice.open("OPTIONS", "/v1/inbox"),
        app.anonymous().get("/v1/inbox"),  # 401
        app.anonymous().get("/v1/unknown"),
    ]
    for answer in answers:
        where = f"{answer.request.method} {answer.request.path} {answer.status_code}"
        assert re.fullmatch(r'"\w+";q=\d+;w=60(, "\w+";q=\d+;w=60)*', answer.headers["RateLimit-Policy"]), where
        assert re.fullmatch(r'"\w+";r=\d+;t=\d+(, "\w+";r=\d+;t=\d+)*', answer.headers["RateLimit"]), where
    unchanged = alice.poll(etag=alice.poll().headers["ETag"])
    assert unchanged.status_code == 304
    assert "RateLimit" not in unchanged.headers
    assert "RateLimit-Policy" not in unchanged.headers


def test_the_defaults_are_those_of_the_protocol(make_app: Any) -> None:
    app = make_app(**DEFAULTS)
    alice = app.recipient("alice")
    policies = ", ".join(
        answer.headers["RateLimit-Policy"]
        for answer in (
            publish(app.publisher()),
            alice.poll(),
            alice.put("/v1/inbox/topics/x"),
            app.anonymous().get("/v1/inbox"),
        )
    )
    for name, quota in (
        ("publish", 1200), ("audiences", 60_000), ("poll", 300), ("state", 300), ("failed_auth", 30), ("guard", 6000),
    ):  # fmt: skip
        assert f'"{name}";q={quota};w=60' in policies


def test_what_remains_counts_down(make_app: Any) -> None:
    app = make_app(**DEFAULTS)
    publisher = app.publisher()
    assert [remaining(publish(publisher), "publish") for _ in range(3)] == [1199, 1198, 1197]
    assert remaining(publish(publisher), "guard") == 5996


def test_without_limits_there_are_no_headers_and_no_429(app: InProcessGateway, alice: RecipientActor) -> None:
    for _ in range(40):
        answer = alice.poll()
        assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    assert [app.anonymous().get("/v1/inbox").status_code for _ in range(40)] == [401] * 40


def test_answers_outside_v1_say_nothing_of_limits(make_app: Any) -> None:
    app = make_app(**DEFAULTS)
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/not-found", "/unknown"):
        assert "RateLimit" not in app.anonymous().get(path).headers


# --- What is counted ----------------------------------------------------------------------------


def test_publishing_is_counted_per_key(make_app: Any) -> None:
    app = make_app(limit_publish="3/minute")
    alice = app.recipient("alice")
    alice.inbox()
    one, other = app.publisher("cron"), app.publisher("cron")
    assert publish(one).status_code == 201
    assert one.post("/v1/notify/all", data="x").status_code == 201
    many = one.post("/v1/notifications", json={"to": [f"user:u{n}" for n in range(1000)], "title": "T"})
    assert (many.status_code, remaining(many, "publish")) == (201, 0)  # a thousand audiences are one request
    expect_limited(publish(one), "publish")
    expect_limited(one.post("/v1/notify/all", data="x"), "publish")
    assert publish(other).status_code == 201
    assert len(ids(alice.inbox())) == 3  # nothing was published by what was refused


def test_audiences_are_counted_per_key_and_request_as_a_whole(make_app: Any) -> None:
    app = make_app(limit_audiences="10/minute", limit_publish="100/minute")
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    one, other = app.publisher("cron"), app.publisher("cron")

    def publish_to(publisher: PublisherActor, count: int) -> Any:
        to = ["user:alice", *(f"user:u{n}" for n in range(1, count)), "user:alice"]
        return publisher.post("/v1/notifications", json={"to": to, "title": "T"})

    first = publish_to(one, 7)
    assert (first.status_code, remaining(first, "audiences"), remaining(first, "publish")) == (201, 3, 99)
    assert '"publish";q=100;w=60, "audiences";q=10;w=60' in first.headers["RateLimit-Policy"]
    refused = publish_to(one, 4)
    expect_problem(refused, 429, "rate-limited")
    assert (remaining(refused, "audiences"), remaining(refused, "publish")) == (3, 98)
    # What was refused has taken nothing of what is left, and other requests fit into it.
    assert remaining(one.post("/v1/notify/user:alice", data="x"), "audiences") == 2
    assert remaining(publish_to(one, 2), "audiences") == 0
    expect_limited(one.post("/v1/notify/user:alice", data="x"), "audiences")
    assert publish_to(other, 10).status_code == 201
    # Retracting addresses nobody.
    assert one.delete(f"/v1/notifications/{first.json['id']}").status_code == 204
    assert len(alice.inbox(cursor)["notifications"]) == 3


def test_a_rotated_key_has_the_quota_of_its_key(make_app: Any) -> None:
    app = make_app(limit_publish="2/minute")
    publisher = app.publisher()
    assert publish(publisher).status_code == 201
    rotated = app.rotate(publisher, 3600)
    assert publish(rotated).status_code == 201
    expect_limited(publish(rotated), "publish")
    expect_limited(publish(publisher), "publish")


def test_polls_that_brought_something_are_counted_per_recipient(make_app: Any) -> None:
    app = make_app(limit_poll="3/minute")
    alice, bob, publisher = app.recipient("alice"), app.recipient("bob"), app.publisher()
    cursor = alice.inbox()["cursor"]
    for left in (1, 0):
        publisher.publish("user:alice")
        answer = alice.poll(cursor)
        assert remaining(answer, "poll") == left
        cursor = answer.json["cursor"]
    lost = publisher.publish("user:alice")
    expect_limited(alice.poll(cursor), "poll")
    expect_limited(alice.get("/v1/inbox/history"), "poll")
    assert bob.poll().status_code == 200
    # Nothing is dropped: the same cursor brings it as soon as there is quota again.
    app.services.limits.windows("poll").ends_at = 0.0  # the window is over
    assert ids(alice.inbox(cursor)) == [lost]


def test_the_quota_of_a_recipient_is_that_of_all_their_devices(make_app: Any) -> None:
    app = make_app(limit_poll="2/minute")
    assert app.recipient("alice").poll().status_code == 200
    assert app.recipient("alice", "admin").poll().status_code == 200
    expect_limited(app.recipient("alice", expires_seconds=60).poll(), "poll")


def test_a_304_and_a_poll_that_brought_nothing_cost_no_quota(make_app: Any) -> None:
    app = make_app(limit_poll="1/minute")
    alice = app.recipient("alice")
    first = alice.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]
    for _ in range(5):
        assert alice.poll(etag=etag).status_code == 304
        assert alice.poll(cursor, etag=etag).status_code == 304
        assert alice.poll(cursor).status_code == 200
        assert alice.get("/v1/inbox/unread", headers={"If-None-Match": etag}).status_code == 304
    expect_limited(alice.poll(), "poll")


def test_an_empty_end_of_a_hold_costs_no_quota(make_app: Any, clock: ManualClock) -> None:
    app = make_app(limit_poll="1/minute", clock=clock)
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    held = [hold(app, alice, cursor, wait=20) for _ in range(4)]
    clock.advance(20)
    assert [answer_of(one).status_code for one in held] == [200] * 4
    expect_limited(alice.poll(), "poll")


def test_state_topics_and_preferences_are_counted_together_and_not_with_polls(make_app: Any) -> None:
    app = make_app(limit_state="3/minute", limit_poll="100/minute")
    alice, bob = app.recipient("alice"), app.recipient("bob")
    found = app.publisher().publish("user:alice")
    assert alice.put("/v1/inbox/topics/x").status_code == 200
    assert alice.put("/v1/inbox/preferences", json={"types": {}}).status_code == 200
    assert alice.delete("/v1/inbox/topics/x").status_code == 200
    expect_limited(alice.post("/v1/inbox/state", json={"op": "read", "ids": [found]}), "state")
    expect_limited(alice.put("/v1/inbox/topics/x"), "state")
    expect_limited(alice.put("/v1/inbox/preferences", json={"types": {}}), "state")
    assert counts(alice.inbox()) == (1, 1)  # nothing was changed by what was refused
    assert bob.put("/v1/inbox/topics/x").status_code == 200


def test_failed_authentications_are_counted_per_address(make_app: Any) -> None:
    app = make_app(limit_failed_auth="3/minute")
    alice, publisher = app.recipient("alice"), app.publisher()

    for credential in ("Bearer x", "Bearer ng_a_b", ""):
        assert fail(app, credential=credential).status_code == 401
    expect_limited(fail(app), "failed_auth")
    assert fail(app, "192.0.2.2").status_code == 401
    # A valid credential is never counted against its address, not even against one that guesses.
    for _ in range(5):
        assert alice.get("/v1/inbox", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
        given = publisher.post("/v1/notifications", json=BODY, environ_base={"REMOTE_ADDR": "192.0.2.1"})
        assert given.status_code == 201
    expect_limited(fail(app), "failed_auth")


def test_a_header_does_not_change_the_address_unless_a_proxy_is_trusted(make_app: Any) -> None:
    app = make_app(limit_failed_auth="1/minute")
    statuses = [
        app.anonymous().get("/v1/inbox", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(3)
    ]
    assert statuses == [401, 429, 429]
    behind = make_app(limit_failed_auth="1/minute", trusted_proxies=1)

    def fail(forwarded: str) -> int:
        return behind.anonymous().get("/v1/inbox", headers={"X-Forwarded-For": forwarded}).status_code

    assert [fail("192.0.2.1"), fail("192.0.2.2"), fail("192.0.2.1")] == [401, 401, 429]
    # Only what the trusted proxy itself has written counts, not what the client sent it.
    assert [fail("198.51.100.7, 192.0.2.9"), fail("198.51.100.8, 192.0.2.9")] == [401, 429]


def test_addresses_of_one_ipv6_network_are_counted_together(make_app: Any) -> None:
    app = make_app(limit_failed_auth="2/minute")
    addresses = [f"2001:db8:0:1::{n}" for n in range(3)]
    assert [fail(app, address).status_code for address in addresses] == [401, 401, 429]
    assert fail(app, "2001:db8:0:2::1").status_code == 401
    mapped = ["::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7"]
    assert [fail(app, address).status_code for address in mapped] == [401, 401, 429]


def count_reads(app: InProcessGateway, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows by one with each read of the database by the verifier of keys."""
    reads: list[None] = []
    original = app.services.keys._read

    def read(key_id: str) -> Any:
        reads.append(None)
        return original(key_id)

    monkeypatch.setattr(app.services.keys, "_read", read)
    return reads


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "with Redis"])
def test_past_the_limit_an_unknown_key_costs_no_database_read(
    make_app: Any, redis_url: str, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(limit_failed_auth="3/minute", redis_url=redis_url if shared else "")
    publisher = app.publisher()
    wrong_secret = f"Bearer ng_{publisher.key_id}_wrong"
    reads = count_reads(app, monkeypatch)
    assert [fail(app, credential=f"Bearer ng_{n}_x").status_code for n in range(3)] == [401] * 3
    assert len(reads) == 3
    for credential in ("Bearer ng_0123456789ab_x", wrong_secret):
        for _ in range(5):
            expect_limited(fail(app, credential=credential), "failed_auth")
    assert len(reads) == 3


def test_good_clients_behind_an_address_past_its_limit_are_served(make_app: Any) -> None:
    """Also with a token that was never seen before, and with a key that was made after the limit was reached."""
    app, elsewhere = make_app(limit_failed_auth="1/minute"), make_app()
    seen = app.publisher()
    expect_limited([fail(app, "127.0.0.1") for _ in range(2)][-1], "failed_auth")
    assert app.recipient("alice").poll().status_code == 200
    assert publish(seen).status_code == 201
    made_later = PublisherActor(app.app.test_client(), elsewhere.publisher().credential)
    eventually(lambda: publish(made_later).status_code == 201)
    rotated = PublisherActor(app.app.test_client(), elsewhere.rotate(made_later, 0).credential)
    eventually(lambda: publish(rotated).status_code == 201)


def test_valid_credentials_are_never_counted_per_address(make_app: Any) -> None:
    app = make_app(limit_poll="2/minute", limit_publish="2/minute")
    for n in range(10):  # an office behind one address
        assert app.recipient(f"r{n}").poll().status_code == 200
        assert publish(app.publisher(f"p{n}")).status_code == 201


def test_the_guard_counts_every_request_of_a_principal(make_app: Any) -> None:
    app = make_app(limit_guard="5/minute")
    alice, bob = app.recipient("alice"), app.recipient("bob")
    first = alice.poll()
    etag = first.headers["ETag"]
    assert alice.poll(etag=etag).status_code == 304
    assert alice.get("/v1/types").status_code == 403
    assert alice.poll("garbage").status_code == 400
    assert alice.get("/v1/unknown").status_code == 404
    expect_limited(alice.poll(etag=etag), "guard")
    expect_limited(alice.get("/v1/inbox/topics"), "guard")
    assert bob.poll().status_code == 200


def test_the_window_ends_and_the_quota_is_whole_again(make_app: Any, clock: ManualClock) -> None:
    publisher = make_app(limit_publish="2/minute", clock=clock).publisher()
    assert [publish(publisher).status_code for _ in range(3)] == [201, 201, 429]
    clock.advance(59)
    assert publish(publisher).headers["Retry-After"] == "1"
    clock.advance(1)
    assert [publish(publisher).status_code for _ in range(3)] == [201, 201, 429]


# --- Shared through Redis -----------------------------------------------------------------------


def test_two_nodes_count_failed_authentications_together(redis_url: str, make_app: Any) -> None:
    one, other = (make_app(redis_url=redis_url, limit_failed_auth="4/minute") for _ in range(2))
    assert [fail(app).status_code for app in (one, other, one, other)] == [401] * 4
    expect_limited(fail(one), "failed_auth")
    expect_limited(fail(other), "failed_auth")


def test_two_nodes_share_what_a_key_may_publish(redis_url: str, make_app: Any) -> None:
    one, other = (make_app(redis_url=redis_url, limit_publish="4/day") for _ in range(2))
    publisher = one.publisher()
    elsewhere = PublisherActor(other.app.test_client(), publisher.credential)
    assert [publish(publisher).status_code for _ in range(4)] == [201] * 4
    expect_problem(publish(publisher), 429, "rate-limited")
    # The other node learns of them a moment after its own first count.
    assert publish(elsewhere).status_code == 201
    eventually(lambda: publish(elsewhere).status_code == 429)


def test_two_nodes_share_how_many_audiences_a_key_may_address(own_redis_server: RedisServer, make_app: Any) -> None:
    one, other = (make_app(redis_url=own_redis_server.url, limit_audiences="10/day") for _ in range(2))
    publisher = one.publisher()
    elsewhere = PublisherActor(other.app.test_client(), publisher.credential)
    publisher.publish([f"user:u{n}" for n in range(8)])
    expect_count_in_redis(own_redis_server, "audiences", f"key:{publisher.key_id}", 8)
    elsewhere.publish("user:u0")
    windows = other.services.limits.windows("audiences")
    eventually(lambda: windows.counted(f"key:{publisher.key_id}") == 9)
    answer = elsewhere.post("/v1/notifications", json={"to": ["user:u0", "user:u1"], "title": "T"})
    expect_problem(answer, 429, "rate-limited")
    assert remaining(answer, "audiences") == 1


def test_no_publisher_waits_for_redis(
    own_redis_server: RedisServer, make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.limits.rate_limits.REDIS_TIMEOUT_SECONDS", 60.0)
    app = make_app(redis_url=own_redis_server.url, **DEFAULTS)
    publisher, alice = app.publisher(), app.recipient("alice")
    alice.inbox()
    own_redis_server.pause()
    try:
        with gevent.Timeout(10):
            assert publish(publisher).status_code == 201
            assert alice.put("/v1/inbox/topics/x").status_code == 200
    finally:
        own_redis_server.resume()


def test_what_remains_includes_the_counts_of_other_nodes(own_redis_server: RedisServer, make_app: Any) -> None:
    one, other = (make_app(redis_url=own_redis_server.url, limit_poll="10/day") for _ in range(2))
    assert remaining(one.recipient("alice").poll(), "poll") == 9
    assert remaining(other.recipient("bob").poll(), "poll") == 9
    alice = other.recipient("alice")
    # No poll waits for Redis: what other nodes have counted is known a moment after the own count.
    expect_count_in_redis(own_redis_server, "poll", "user:alice", 1)
    alice.poll()
    windows = other.services.limits.windows("poll")
    eventually(lambda: windows.counted("user:alice") == 2)
    assert remaining(alice.poll(), "poll") == 7


def test_counts_in_redis_outlive_their_window_but_not_for_long(own_redis_server: RedisServer, make_app: Any) -> None:
    app = make_app(redis_url=own_redis_server.url, limit_poll="10/minute")
    for name in ("alice", "bob"):
        app.recipient(name).poll()
    with own_redis_server.connect() as client:
        eventually(lambda: len(client.keys("*:poll:user:*")) == 2)
        assert all(60 < client.ttl(key) <= 120 for key in client.keys("*:poll:user:*"))


def test_polls_on_all_nodes_together_are_limited(own_redis_server: RedisServer, make_app: Any) -> None:
    nodes = [make_app(redis_url=own_redis_server.url, limit_poll="6/day") for _ in range(2)]
    one, other = (node.recipient("alice") for node in nodes)
    assert [one.poll().status_code for _ in range(6)] == [200] * 6
    expect_count_in_redis(own_redis_server, "poll", "user:alice", 6)
    # The other node learns of them a moment after its own first count.
    assert other.poll().status_code == 200
    eventually(lambda: nodes[1].services.limits.windows("poll").counted("user:alice") == 7)
    expect_problem(other.poll(), 429, "rate-limited")
    assert nodes[1].recipient("bob").poll().status_code == 200


def test_a_poll_without_news_asks_redis_for_nothing(own_redis_server: RedisServer, make_app: Any) -> None:
    app = make_app(redis_url=own_redis_server.url, **DEFAULTS)
    alice = app.recipient("alice")
    first = alice.poll()
    eventually(lambda: app.services.announcer.is_connected)
    with own_redis_server.connect() as client:

        def commands() -> int:
            """Count what was asked of Redis, but for this question and the announcer's pings."""
            stats = client.info("commandstats")
            return sum(entry["calls"] for name, entry in stats.items() if name not in ("cmdstat_info", "cmdstat_ping"))

        before = commands()
        for _ in range(20):
            assert alice.poll(etag=first.headers["ETag"]).status_code == 304
            assert alice.poll(first.json["cursor"]).status_code == 200
        assert commands() == before
        assert alice.poll().status_code == 200
        eventually(lambda: commands() > before)


@pytest.mark.parametrize("failure", ["stop", "pause"])
def test_while_redis_is_down_each_node_counts_for_itself(
    own_redis_server: RedisServer, make_app: Any, failure: str
) -> None:
    app = make_app(redis_url=own_redis_server.url, limit_publish="3/minute", limit_failed_auth="3/minute")
    publisher = app.publisher()
    assert remaining(fail(app), "failed_auth") == 2
    getattr(own_redis_server, failure)()
    try:
        began = time.monotonic()
        failed = [fail(app) for _ in range(3)]
        assert time.monotonic() - began < 2  # it is waited for once, and only for a moment
        assert [answer.status_code for answer in failed] == [401, 401, 429]  # the one before counts, too
        expect_limited(failed[-1], "failed_auth")
        published = [publish(publisher) for _ in range(4)]
        assert [answer.status_code for answer in published] == [201, 201, 201, 429]
        expect_limited(published[-1], "publish")
    finally:
        if failure == "pause":
            own_redis_server.resume()


def test_a_gateway_starts_and_serves_without_the_redis_it_was_given(
    own_redis_server: RedisServer, make_app: Any
) -> None:
    own_redis_server.stop()
    app = make_app(redis_url=own_redis_server.url, **DEFAULTS)
    alice, publisher = app.recipient("alice"), app.publisher()
    cursor = alice.inbox()["cursor"]
    found = publisher.publish("user:alice")
    assert ids(alice.inbox(cursor)) == [found]
    assert "RateLimit" in alice.poll().headers


def test_redis_is_used_again_when_it_is_back(
    own_redis_server: RedisServer, make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.limits.rate_limits.REDIS_PAUSE_SECONDS", 0.1)
    one, other = (make_app(redis_url=own_redis_server.url, limit_failed_auth="100/minute") for _ in range(2))
    own_redis_server.stop()
    assert fail(one).status_code == 401
    assert fail(other).status_code == 401
    own_redis_server.start()
    # It came back empty: from the moment that both count in it, each sees what the other has used.
    eventually(lambda: abs(remaining(fail(one), "failed_auth") - remaining(fail(other), "failed_auth")) == 1)
    with own_redis_server.connect() as client:
        assert client.keys("notifygate:*")

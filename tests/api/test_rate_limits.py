"""Rate limits: the counted requests and their principals, the headers, and 429 (PROTOCOL section 6)."""

import re
from typing import Any

import gevent
import pytest

from notifygate.errors import ConfigurationError
from notifygate.limits.shared_counts import AwaitedWindows, SharedWindows
from notifygate.storage.readiness import namespace_of
from tests.api.helpers import call_every_endpoint, counts, expect_count_in_redis, expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.metric_values import metric
from tests.support.polling import answer_of, await_redis, hold, ids
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

# The fixture of a Redis is always before the gateways: so they are stopped before it, and no connection attempt is cut
# off in the middle, which would leave an open socket behind.
DEFAULTS = {
    "limit_publish": "1200/minute", "limit_audiences": "60000/minute", "limit_poll": "300/minute",
    "limit_state": "300/minute", "limit_failed_auth": "30/minute", "limit_guard": "6000/minute",
}  # fmt: skip
BODY = {"to": "all", "title": "T"}


def publish(publisher: PublisherActor) -> Any:
    return publisher.post("/v1/notifications", json=BODY)


def expect_limited(answer: Any, name: str) -> None:
    expect_problem(answer, 429, "rate-limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert f'"{name}"' in answer.headers["RateLimit"]
    assert re.search(rf'"{name}";r=0;t=\d+', answer.headers["RateLimit"])


def remaining(answer: Any, name: str) -> int:
    """Return the rest of a limit according to an answer."""
    match = re.search(rf'"{name}";r=(\d+);t=\d+', answer.headers["RateLimit"])
    assert match, answer.headers["RateLimit"]
    return int(match.group(1))


def fail(app: InProcessGateway, address: str = "192.0.2.1", credential: str = "Bearer x") -> Any:
    """Poll with an invalid credential, or with none."""
    headers = {"Authorization": credential} if credential else {}
    return app.anonymous().get("/v1/inbox", headers=headers, environ_base={"REMOTE_ADDR": address})


def test_refused_requests_are_counted_by_limit(make_app: Any) -> None:
    app = make_app(limit_publish="1/minute", limit_state="1/minute")
    before = {name: metric("rate_limited_total", limit=name) for name in ("publish", "state")}
    publisher = app.publisher()
    assert [publish(publisher).status_code for _ in range(3)] == [201, 429, 429]
    after = {name: metric("rate_limited_total", limit=name) - count for name, count in before.items()}
    assert after == {"publish": 2, "state": 0}


# --- Headers ------------------------------------------------------------------------------------


def test_every_answer_under_v1_but_a_304_has_the_headers_of_the_limits(make_app: Any) -> None:
    app = make_app(**DEFAULTS)
    alice, publisher, admin = app.recipient("alice"), app.publisher(), app.admin()
    answers = [
        *call_every_endpoint(alice, publisher, admin),
        alice.poll(alice.inbox()["cursor"]),
        alice.get("/v1/inbox/history?before=unknown"),
        alice.post("/v1/inbox/state", json={}),
        alice.poll("garbage"),
        publisher.post("/v1/notify/all", data=b"\xff"),
        *(publisher.post("/v1/notifications", data="{", content_type=kind) for kind in ("text/plain", "application/json")),
        *(actor.get(path) for actor, path in ((publisher, "/v1/types"), (publisher, "/v1/inbox"), (alice, "/v1/types"))),
        *(alice.get(path) for path in ("/v1/unknown", "/v1/inbox/")),
        *(alice.open(method, "/v1/inbox") for method in ("POST", "OPTIONS")),
        *(app.anonymous().get(path) for path in ("/v1/inbox", "/v1/unknown")),
    ]  # fmt: skip
    policies = set[str]()
    for answer in answers:
        where = f"{answer.request.method} {answer.request.path} {answer.status_code}"
        policy = answer.headers["RateLimit-Policy"]
        assert re.fullmatch(r'"\w+";q=\d+;w=60(, "\w+";q=\d+;w=60)*', policy), where
        assert re.fullmatch(r'"\w+";r=\d+;t=\d+(, "\w+";r=\d+;t=\d+)*', answer.headers["RateLimit"]), where
        policies.update(policy.split(", "))
    settings = {name.removeprefix("limit_"): limit.partition("/")[0] for name, limit in DEFAULTS.items()}
    assert policies == {f'"{name}";q={quota};w=60' for name, quota in settings.items()}
    unchanged = alice.poll(etag=alice.poll().headers["ETag"])
    assert unchanged.status_code == 304
    assert "RateLimit" not in unchanged.headers
    assert "RateLimit-Policy" not in unchanged.headers


def test_without_limits_there_are_no_headers_and_no_429(app: InProcessGateway, alice: RecipientActor) -> None:
    for _ in range(40):
        answer = alice.poll()
        assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    assert [app.anonymous().get("/v1/inbox").status_code for _ in range(40)] == [401] * 40


# --- The counted requests -----------------------------------------------------------------------


def test_publishing_is_counted_per_key(make_app: Any, clock: ManualClock) -> None:
    app = make_app(limit_publish="4/minute", clock=clock)
    alice = app.recipient("alice")
    alice.inbox()
    one, other = app.publisher("cron"), app.publisher("cron")
    assert publish(one).status_code == 201
    rotated = app.rotate(one, 3600)
    assert publish(rotated).status_code == 201
    assert one.post("/v1/notify/all", data="x").status_code == 201
    many = one.post("/v1/notifications", json={"to": [f"user:u{n}" for n in range(1000)], "title": "T"})
    assert (many.status_code, remaining(many, "publish")) == (201, 0)  # a thousand audiences are one request
    for refused in (publish(one), publish(rotated), one.post("/v1/notify/all", data="x")):
        expect_limited(refused, "publish")
    assert publish(other).status_code == 201
    assert len(ids(alice.inbox())) == 4  # the refused requests published nothing
    clock.advance(59)
    assert publish(one).headers["Retry-After"] == "1"
    clock.advance(1)
    assert remaining(publish(one), "publish") == 3


def test_audiences_are_counted_per_key_for_whole_requests(make_app: Any) -> None:
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
    # The refused request used no quota, and smaller requests fit into the rest.
    assert remaining(one.post("/v1/notify/user:alice", data="x"), "audiences") == 2
    assert remaining(publish_to(one, 2), "audiences") == 0
    expect_limited(one.post("/v1/notify/user:alice", data="x"), "audiences")
    assert publish_to(other, 10).status_code == 201
    # A retraction has no audiences.
    assert one.delete(f"/v1/notifications/{first.json['id']}").status_code == 204
    assert len(alice.inbox(cursor)["notifications"]) == 3


def test_polls_with_changes_are_counted_per_recipient(make_app: Any) -> None:
    app = make_app(limit_poll="3/minute")
    alice, bob, publisher = app.recipient("alice"), app.recipient("bob"), app.publisher()
    cursor = alice.inbox()["cursor"]
    publisher.publish("user:alice")
    answer = alice.poll(cursor)
    assert remaining(answer, "poll") == 1
    assert remaining(app.recipient("alice", "admin").poll(), "poll") == 0, "the quota is that of all devices"
    lost = publisher.publish("user:alice")
    expect_limited(alice.poll(answer.json["cursor"]), "poll")
    expect_limited(app.recipient("alice", expires_seconds=60).poll(), "poll")
    expect_limited(alice.get("/v1/inbox/history"), "poll")
    assert bob.poll().status_code == 200
    # Nothing is dropped: the same cursor returns it as soon as there is quota again.
    app.services.limits.windows("poll").ends_at = 0.0  # the window is over
    assert ids(alice.inbox(answer.json["cursor"])) == [lost]


def test_a_304_and_a_poll_without_changes_use_no_quota(make_app: Any, clock: ManualClock) -> None:
    app = make_app(limit_poll="1/minute", clock=clock)
    alice = app.recipient("alice")
    first = alice.poll()
    cursor, etag = first.json["cursor"], first.headers["ETag"]
    for _ in range(5):
        assert alice.poll(etag=etag).status_code == 304
        assert alice.poll(cursor, etag=etag).status_code == 304
        assert alice.poll(cursor).status_code == 200
        assert alice.get("/v1/inbox/unread", headers={"If-None-Match": etag}).status_code == 304
    held = [hold(app, alice, cursor, wait=20) for _ in range(4)]
    clock.advance(20)
    assert [answer_of(one).status_code for one in held] == [200] * 4
    expect_limited(alice.poll(), "poll")


def test_state_topics_and_preferences_are_counted_together_and_not_with_polls(make_app: Any) -> None:
    app = make_app(limit_state="3/minute", limit_poll="100/minute")
    alice, bob = app.recipient("alice"), app.recipient("bob")
    notification_id = app.publisher().publish("user:alice")
    assert alice.put("/v1/inbox/topics/x").status_code == 200
    assert alice.put("/v1/inbox/preferences", json={"types": {}}).status_code == 200
    assert alice.delete("/v1/inbox/topics/x").status_code == 200
    expect_limited(alice.post("/v1/inbox/state", json={"op": "read", "ids": [notification_id]}), "state")
    expect_limited(alice.put("/v1/inbox/topics/x"), "state")
    expect_limited(alice.put("/v1/inbox/preferences", json={"types": {}}), "state")
    assert counts(alice.inbox()) == (1, 1)  # the refused requests changed nothing
    assert bob.put("/v1/inbox/topics/x").status_code == 200


def test_failed_authentications_are_counted_per_address(make_app: Any) -> None:
    app = make_app(limit_failed_auth="3/minute")
    alice, publisher = app.recipient("alice"), app.publisher()

    for credential in ("Bearer x", "Bearer ng_a_b", ""):
        assert fail(app, credential=credential).status_code == 401
    expect_limited(fail(app), "failed_auth")
    assert fail(app, "192.0.2.2").status_code == 401
    # A request with a valid credential is never counted, not even from an address past its limit.
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
    # Only the address that the trusted proxy added is used, not those that the client sent.
    assert [fail("198.51.100.7, 192.0.2.9"), fail("198.51.100.8, 192.0.2.9")] == [401, 429]
    # Some proxies add the port of the connection.
    assert [fail("192.0.2.5:4711"), fail("192.0.2.5:4712")] == [401, 429]
    assert [fail("[2001:db8::5]:4711"), fail("[2001:db8::5]:4712")] == [401, 429]


def test_addresses_of_one_ipv6_network_are_counted_together(make_app: Any) -> None:
    app = make_app(limit_failed_auth="2/minute")
    addresses = [f"2001:db8:0:1::{n}" for n in range(3)]
    assert [fail(app, address).status_code for address in addresses] == [401, 401, 429]
    assert fail(app, "2001:db8:0:2::1").status_code == 401
    mapped = ["::ffff:192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7"]
    assert [fail(app, address).status_code for address in mapped] == [401, 401, 429]


def count_reads(app: InProcessGateway, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows by one with each read of the database."""
    reads: list[None] = []
    read = app.services.database.read
    monkeypatch.setattr(app.services.database, "read", lambda work: (reads.append(None), read(work))[1])
    return reads


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "with Redis"])
def test_past_the_limit_an_unknown_key_causes_no_database_read(
    make_app: Any, redis_url: str, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = {"head_check_interval": 3600.0}
    app = make_app(limit_failed_auth="3/minute", redis_url=redis_url if shared else "", **quiet)
    app.stop_jobs()
    if shared:
        await_redis(app)
    publisher = app.publisher()
    wrong_secret = f"Bearer ng_{publisher.key_id}_wrong"
    reads = count_reads(app, monkeypatch)
    assert [fail(app, credential=f"Bearer ng_{n}_x").status_code for n in range(3)] == [401] * 3
    assert len(reads) == 3
    for credential in ("Bearer ng_0123456789ab_x", wrong_secret):
        for _ in range(5):
            expect_limited(fail(app, credential=credential), "failed_auth")
    assert len(reads) == 3


def test_valid_credentials_from_an_address_past_its_limit_are_served(make_app: Any) -> None:
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


def test_the_guard_limit_counts_every_request_of_a_principal(make_app: Any) -> None:
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


# --- Shared through Redis -----------------------------------------------------------------------


def test_two_nodes_count_failed_authentications_together(redis_url: str, make_app: Any) -> None:
    one, other = (make_app(redis_url=redis_url, limit_failed_auth="4/minute") for _ in range(2))
    assert [fail(app).status_code for app in (one, other, one, other)] == [401] * 4
    expect_limited(fail(one), "failed_auth")
    expect_limited(fail(other), "failed_auth")


def test_counts_in_redis_outlive_their_window_but_not_for_long(shared_redis: RedisServer, make_app: Any) -> None:
    app = make_app(redis_url=shared_redis.url, limit_poll="10/minute")
    for name in ("alice", "bob"):
        app.recipient(name).poll()
    with shared_redis.connect() as client:
        eventually(lambda: len(client.keys("*:poll:user:*")) == 2)
        assert all(60 < client.ttl(key) <= 120 for key in client.keys("*:poll:user:*"))


@pytest.mark.parametrize("name", ["poll", "publish", "audiences"])
def test_requests_on_all_nodes_together_are_limited(shared_redis: RedisServer, make_app: Any, name: str) -> None:
    nodes = [make_app(redis_url=shared_redis.url, **{f"limit_{name}": "9/day"}) for _ in range(2)]
    publisher = nodes[0].publisher()
    key = "user:alice" if name == "poll" else f"key:{publisher.key_id}"

    def send(node: InProcessGateway, amount: int = 1) -> Any:
        if name == "poll":
            return node.recipient("alice").poll()
        to = [f"user:u{n}" for n in range(amount)]
        there = PublisherActor(node.app.test_client(), publisher.credential)
        return there.post("/v1/notifications", json={"to": to, "title": "T"})

    answers = [send(nodes[0], 8)] if name == "audiences" else [send(nodes[0]) for _ in range(8)]
    assert [answer.status_code // 100 for answer in answers] == [2] * len(answers)
    assert remaining(answers[-1], name) == 1
    expect_count_in_redis(shared_redis, name, key, 8)
    # No request waits for Redis: the other node reads their count a moment after its own first one.
    assert remaining(send(nodes[1]), name) == 8
    windows = nodes[1].services.limits.windows(name)
    eventually(lambda: windows.counted(key) == 9)
    refused = send(nodes[1])
    expect_problem(refused, 429, "rate-limited")
    assert remaining(refused, name) == 0


def test_no_publisher_waits_for_redis(
    own_redis_server: RedisServer, make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.limits.rate_limits.REDIS_TIMEOUT_SECONDS", 60.0)
    app = make_app(redis_url=own_redis_server.url, **DEFAULTS)
    publisher, alice = app.publisher(), app.recipient("alice")
    own_redis_server.pause()
    try:
        with gevent.Timeout(10):
            assert publish(publisher).status_code == 201
            assert alice.put("/v1/inbox/topics/x").status_code == 200
    finally:
        own_redis_server.resume()


def test_a_poll_without_changes_sends_redis_no_command(shared_redis: RedisServer, make_app: Any) -> None:
    app = make_app(redis_url=shared_redis.url, **DEFAULTS)
    alice = app.recipient("alice")
    first = alice.poll()
    eventually(lambda: app.services.announcer.is_connected)
    with shared_redis.connect() as client:

        def commands() -> int:
            """Return the number of commands to Redis, except for this one and the announcer's pings."""
            stats = client.info("commandstats")
            return sum(entry["calls"] for name, entry in stats.items() if name not in ("cmdstat_info", "cmdstat_ping"))

        before = commands()
        for _ in range(20):
            assert alice.poll(etag=first.headers["ETag"]).status_code == 304
            assert alice.poll(first.json["cursor"]).status_code == 200
        assert commands() == before
        assert alice.poll().status_code == 200
        eventually(lambda: commands() > before)


@pytest.mark.parametrize("failure", ["stop", "pause", "never started"])
def test_while_redis_is_down_each_node_counts_alone(
    own_redis_server: RedisServer, make_app: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    attempts: list[str] = []
    add_and_share = AwaitedWindows.add_and_share

    def attempt(windows: AwaitedWindows, key: str) -> None:
        attempts.append(key)
        add_and_share(windows, key)

    monkeypatch.setattr(AwaitedWindows, "add_and_share", attempt)
    if failure == "never started":
        own_redis_server.stop()
    limits = {"limit_publish": "3/minute", "limit_failed_auth": "3/minute"}
    app = make_app(redis_url=own_redis_server.url, clock=clock, **limits)
    publisher = app.publisher()
    assert remaining(fail(app), "failed_auth") == 2
    if failure != "never started":
        getattr(own_redis_server, failure)()
        attempts.clear()
    try:
        failed = [fail(app) for _ in range(3)]
        assert len(attempts) == 1, "requests wait for Redis once"
        assert [answer.status_code for answer in failed] == [401, 401, 429]  # with the one before
        expect_limited(failed[-1], "failed_auth")
        published = [publish(publisher) for _ in range(4)]
        assert [answer.status_code for answer in published] == [201, 201, 201, 429]
        expect_limited(published[-1], "publish")
    finally:
        if failure == "pause":
            own_redis_server.resume()


def test_redis_is_used_again_when_it_is_back(
    own_redis_server: RedisServer, make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.limits.rate_limits.REDIS_PAUSE_SECONDS", 0.1)
    one, other = (make_app(redis_url=own_redis_server.url, limit_failed_auth="100/minute") for _ in range(2))
    own_redis_server.stop()
    assert fail(one).status_code == 401
    assert fail(other).status_code == 401
    own_redis_server.start()
    # It came back empty: from the moment that both count in it, each node has the other's counts.
    eventually(lambda: abs(remaining(fail(one), "failed_auth") - remaining(fail(other), "failed_auth")) == 1)
    with own_redis_server.connect() as client:
        assert client.keys("notifygate:*")


def test_redis_url_with_an_unknown_parameter_stops_the_start(make_app: Any) -> None:
    # Each use of such a client raises TypeError: a wrong credential got 500, and wake-ups ended for good.
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_REDIS_URL"):
        make_app(redis_url="redis://127.0.0.1:1/0?ssl_ca_cert=/etc/ca.pem")


def test_sharing_of_counts_goes_on_after_an_error_of_any_type(
    shared_redis: RedisServer, make_app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("notifygate.limits.rate_limits.REDIS_PAUSE_SECONDS", 0.1)
    share, failures = SharedWindows._share, iter([TypeError, AttributeError])

    def fail_twice(windows: SharedWindows, keys: list[str]) -> None:
        for failure in failures:
            raise failure
        share(windows, keys)

    monkeypatch.setattr(SharedWindows, "_share", fail_twice)
    app = make_app(redis_url=shared_redis.url, limit_poll="1000000/minute")
    alice, errors = app.recipient("alice"), metric("redis_errors_total")
    keys = f"notifygate:{namespace_of(app.services.database)}:*:poll:user:alice:*"
    with shared_redis.connect() as client:
        eventually(lambda: alice.poll().status_code == 200 and client.keys(keys), "counts in Redis")
    assert metric("redis_errors_total") >= errors + 2
    lines = [record.getMessage() for record in caplog.records if "counted per worker" in record.getMessage()]
    assert [line.rpartition(" ")[2] for line in lines] == ["TypeError", "AttributeError"]

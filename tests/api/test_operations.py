"""GET /healthz, /readyz and /metrics (PROTOCOL section 7)."""

import math
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from notifygate.errors import UnavailableError
from tests.api.helpers import answer_of, hold, let_others_go_on
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually


def metric(app: InProcessGateway, name: str, **labels: str) -> float:
    """Return a metric's value, 0 without one. Those of holds are flushed after the responses."""
    let_others_go_on()
    text = app.anonymous().get("/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items()):
                return sample.value
    return 0.0


def test_a_gateway_that_serves_is_healthy_and_ready(app: InProcessGateway) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = app.anonymous().get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/json")
        assert answer.json == {"status": status, "missing": [], "degraded": []}
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_gateway_that_stops_is_healthy_but_not_ready(app: InProcessGateway) -> None:
    app.services.holds.drain()
    assert app.anonymous().get("/healthz").status_code == 200
    answer = app.anonymous().get("/readyz")
    assert (answer.status_code, answer.json) == (
        503,
        {"status": "unavailable", "missing": ["draining"], "degraded": []},
    )


@pytest.mark.both_databases
def test_a_gateway_that_can_not_read_the_log_is_healthy_but_not_ready(
    app: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise UnavailableError("The database can't be reached or is too busy.")

    with monkeypatch.context() as patch:
        patch.setattr(type(app.services.database), "read", fail)
        app.services.tail.checked_at = -math.inf  # as if no look had succeeded for long
        answer = app.anonymous().get("/readyz")
        assert (answer.status_code, (answer.json or {})["missing"]) == (503, ["database"])
        assert app.anonymous().get("/healthz").status_code == 200
        alice = app.recipient("alice").poll()
        assert alice.status_code == 503  # only a current follower may answer "nothing new"
    eventually(lambda: app.anonymous().get("/readyz").status_code == 200)


def test_without_its_redis_a_gateway_is_ready_but_degraded(own_redis_server: RedisServer, make_app: Any) -> None:
    app = make_app(redis_url=own_redis_server.url)
    whole = {"status": "ready", "missing": [], "degraded": []}
    eventually(lambda: app.anonymous().get("/readyz").json == whole)
    own_redis_server.stop()
    degraded = {**whole, "degraded": ["redis"]}
    eventually(lambda: app.anonymous().get("/readyz").json == degraded)
    assert app.anonymous().get("/readyz").status_code == 200
    own_redis_server.start()
    eventually(lambda: app.anonymous().get("/readyz").json == whole)


def test_metrics_are_those_of_this_moment(app: InProcessGateway, alice: RecipientActor) -> None:
    """Some are flushed ten times a second; reading them flushes the rest."""
    cursor = alice.inbox()["cursor"]
    before = metric(app, "notifygate_tail_hits_total")
    for number in range(1, 4):
        alice.inbox(cursor)
        assert metric(app, "notifygate_tail_hits_total") == before + number


def test_metrics_are_prometheus_text(app: InProcessGateway, alice: RecipientActor) -> None:
    answer = app.anonymous().get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype in ("text/plain", "application/openmetrics-text")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    for name in (
        "notifygate_requests",
        "notifygate_request_seconds",
        "notifygate_holds",
        "notifygate_wakes",
        "notifygate_wake_seconds",
        "notifygate_lost_wake_rescues",
        "notifygate_appends",
        "notifygate_batch_entries",
        "notifygate_tail_hits",
        "notifygate_tail_misses",
        "notifygate_redis_up",
    ):
        assert name in names


def test_requests_are_counted_by_route_and_status(app: InProcessGateway, alice: RecipientActor) -> None:
    def requests(route: str, status: int) -> float:
        return metric(app, "notifygate_requests_total", route=route, status=str(status))

    before = (requests("/v1/inbox", 200), requests("/v1/inbox", 400), requests("unknown", 404))
    alice.poll()
    alice.poll(limit=0)
    alice.get("/v1/unknown-7")
    after = (requests("/v1/inbox", 200), requests("/v1/inbox", 400), requests("unknown", 404))
    assert [new - old for old, new in zip(before, after, strict=True)] == [1, 1, 1]


def test_holds_and_wakes_are_counted(app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor) -> None:
    holds, wakes, waits = (
        metric(app, "notifygate_holds"),
        metric(app, "notifygate_wakes_total"),
        metric(app, "notifygate_wake_seconds_count"),
    )
    held = hold(app, alice, alice.inbox()["cursor"])
    assert metric(app, "notifygate_holds") == holds + 1
    publisher.publish("user:alice")
    answer_of(held)
    assert app.hold_count == 0
    assert metric(app, "notifygate_holds") == holds
    assert metric(app, "notifygate_wakes_total") == wakes + 1
    assert metric(app, "notifygate_wake_seconds_count") == waits + 1


def test_metrics_contain_no_name_and_no_text(app: InProcessGateway, publisher: PublisherActor) -> None:
    recipient = app.recipient("metrics-name-me-not")
    found = publisher.publish("user:metrics-name-me-not", "a title to keep")
    recipient.inbox()
    recipient.get("/v1/inbox/topics/metrics-topic")
    recipient.put("/v1/inbox/topics/metrics-topic")
    publisher.delete(f"/v1/notifications/{found}")
    text = app.anonymous().get("/metrics").text
    for secret in ("metrics-name-me-not", "a title to keep", "metrics-topic", found, publisher.key_id):
        assert secret not in text
    assert re.search(r'route="/v1/inbox/topics/<\w+>"', text)


def test_operations_need_no_credential_and_are_not_limited(make_app: Any) -> None:
    app = make_app(limit_guard="1/minute", limit_failed_auth="1/minute")
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        for credential in (None, "Bearer garbage"):
            headers = {"Authorization": credential} if credential else {}
            for _ in range(3):
                assert app.anonymous().get(path, headers=headers).status_code == 200

"""GET /healthz, /readyz and /metrics (PROTOCOL section 7)."""

import logging
import math
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from notifygate.errors import UnavailableError
from tests.api.helpers import run_ready_work
from tests.support.fast_path import InProcessFastPath
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.polling import answer_of, hold
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually


def metric(app: InProcessGateway, name: str, **labels: str) -> float:
    """Return a metric's value, 0 without one. Those of holds are flushed after the responses."""
    run_ready_work()
    text = app.anonymous().get("/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items()):
                return sample.value
    return 0.0


def test_a_gateway_is_healthy_and_ready_until_it_stops(app: InProcessGateway) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = app.anonymous().get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/json")
        assert answer.json == {"status": status, "missing": [], "degraded": []}
        assert answer.headers["Cache-Control"] == "no-store"
    app.services.holds.drain()
    assert app.anonymous().get("/healthz").status_code == 200
    answer = app.anonymous().get("/readyz")
    assert (answer.status_code, (answer.json or {})["missing"]) == (503, ["draining"])


@pytest.mark.both_databases
def test_a_gateway_that_can_not_read_the_log_is_healthy_but_not_ready(
    app: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise UnavailableError("The database can't be reached or is too busy.")

    with monkeypatch.context() as patch:
        patch.setattr(type(app.services.database), "read", fail)
        app.services.tail.checked_at = -math.inf  # as if no read of the head had succeeded for long
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


def test_metrics_are_up_to_date(app: InProcessGateway, alice: RecipientActor) -> None:
    """Some are flushed ten times a second; reading them flushes the rest."""
    cursor = alice.inbox()["cursor"]
    before = metric(app, "notifygate_tail_hits_total")
    for number in range(1, 4):
        alice.inbox(cursor)
        assert metric(app, "notifygate_tail_hits_total") == before + number


def test_requests_are_counted_by_route_and_status(app: InProcessGateway, alice: RecipientActor) -> None:
    def requests() -> list[float]:
        kinds = (("/v1/inbox", "200"), ("/v1/inbox", "400"), ("unknown", "404"))
        return [metric(app, "notifygate_requests_total", route=route, status=status) for route, status in kinds]

    before = requests()
    alice.poll()
    alice.poll(limit=0)
    alice.get("/v1/unknown-7")
    assert [new - old for old, new in zip(before, requests(), strict=True)] == [1, 1, 1]


def test_request_that_is_not_valid_http_is_counted_and_logged(
    app: InProcessGateway, caplog: pytest.LogCaptureFixture
) -> None:
    path = InProcessFastPath(app)
    before = metric(app, "notifygate_requests_total", route="unknown", status="414")
    caplog.clear()
    with caplog.at_level(logging.INFO, "notifygate.access"):
        request_id = path.path.record_rejected(414)
    (line,) = caplog.records
    assert [vars(line)[name] for name in ("request_id", "route", "status")] == [request_id, "unknown", 414]
    assert metric(app, "notifygate_requests_total", route="unknown", status="414") == before + 1
    path.stop()


def test_holds_and_wakes_are_counted(app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor) -> None:
    def counted() -> list[float]:
        return [metric(app, f"notifygate_{name}") for name in ("holds", "wakes_total", "wake_seconds_count")]

    before = counted()
    held = hold(app, alice, alice.inbox()["cursor"])
    assert [new - old for old, new in zip(before, counted(), strict=True)] == [1, 0, 0]
    publisher.publish("user:alice")
    answer_of(held)
    assert app.hold_count == 0
    assert [new - old for old, new in zip(before, counted(), strict=True)] == [0, 1, 1]


def test_metrics_contain_no_name_and_no_text(app: InProcessGateway, publisher: PublisherActor) -> None:
    recipient = app.recipient("metrics-name-me-not")
    notification_id = publisher.publish("user:metrics-name-me-not", "a title to keep")
    recipient.inbox()
    recipient.get("/v1/inbox/topics/metrics-topic")
    recipient.put("/v1/inbox/topics/metrics-topic")
    publisher.delete(f"/v1/notifications/{notification_id}")
    answer = app.anonymous().get("/metrics")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    text = answer.text
    expected = "requests request_seconds holds wakes wake_seconds lost_wake_rescues appends batch_entries tail_hits tail_misses redis_up"
    assert {f"notifygate_{name}" for name in expected.split()} <= {f.name for f in text_string_to_metric_families(text)}
    for secret in ("metrics-name-me-not", "a title to keep", "metrics-topic", notification_id, publisher.key_id):
        assert secret not in text
    assert re.search(r'route="/v1/inbox/topics/<\w+>"', text)


def test_operations_need_no_credential_and_are_not_limited(make_app: Any) -> None:
    app = make_app(limit_guard="1/minute", limit_failed_auth="1/minute")
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/not-found"):
        for headers in ({}, {"Authorization": "Bearer garbage"}):
            for _ in range(3):
                answer = app.anonymous().get(path, headers=headers)
                assert (answer.status_code, "RateLimit" in answer.headers) == (200, False)

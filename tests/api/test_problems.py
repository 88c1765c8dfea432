"""Problems, their pages, request ids, and texts that no answer contains (PROTOCOL section 1)."""

import re
from typing import Any

import pytest
from sqlalchemy import text

from notifygate.errors import UnavailableError
from tests.api.helpers import call_every_endpoint, expect_problem
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor

CODES = {
    "invalid-request": 400, "malformed-json": 400, "invalid-cursor": 400, "unauthorized": 401, "forbidden": 403,
    "not-found": 404, "method-not-allowed": 405, "precondition-failed": 412, "payload-too-large": 413,
    "unsupported-media-type": 415, "idempotency-mismatch": 422, "rate-limited": 429, "internal": 500, "unavailable": 503,
}  # fmt: skip


# --- Pages --------------------------------------------------------------------------------------


def test_every_problem_has_a_page(app: InProcessGateway) -> None:
    for code, status in CODES.items():
        page = app.anonymous().get(f"/problems/{code}")
        assert (page.status_code, page.mimetype) == (200, "text/html")
        assert code in page.text
        assert str(status) in page.text
        assert page.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    for code in ("unknown", "<script>", "configuration", "..", "%00"):
        expect_problem(app.anonymous().get(f"/problems/{code}"), 404, "not-found")


# --- Paths and methods --------------------------------------------------------------------------


def test_unknown_paths_and_methods_are_problems(app: InProcessGateway, alice: RecipientActor) -> None:
    for path in ("/", "/v1", "/v1/", "/v2/inbox", "/favicon.ico", "/v1/inbox/", "/V1/inbox", "//v1/inbox", "/v1//inbox",
                 "/unknown", "/v1/inbox/%00", "/%FF"):  # fmt: skip
        expect_problem(alice.get(path), 404, "not-found")
    for path, methods in {
        "/v1/inbox": "POST PUT DELETE PATCH BREW", "/v1/inbox/unread": "POST PUT DELETE", "/v1/inbox/state": "GET PUT DELETE",
        "/v1/inbox/topics": "POST PUT DELETE", "/v1/inbox/topics/x": "GET POST PATCH",
        "/v1/inbox/preferences": "POST DELETE PATCH", "/v1/notifications": "GET PUT", "/v1/notifications/x": "GET POST PUT",
        "/v1/notify/all": "GET PUT", "/v1/types": "POST DELETE", "/v1/types/x": "GET POST", "/healthz": "POST PUT DELETE",
        "/problems/not-found": "POST",
    }.items():  # fmt: skip
        for method in methods.split():
            answer = alice.open(method, path)
            expect_problem(answer, 405, "method-not-allowed")
            allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
            assert allowed
            assert method not in allowed


# --- Request ids --------------------------------------------------------------------------------


def test_every_answer_but_a_304_has_a_request_id_of_its_own(app: InProcessGateway, alice: RecipientActor) -> None:
    first = alice.poll()
    anonymous = app.anonymous()
    outside = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/problems/internal", "/v1/inbox", "/unknown")
    answers = [first, alice.poll(limit=0), alice.get("/v1/unknown"), alice.post("/v1/inbox")]
    answers += [alice.open("HEAD", "/v1/inbox"), *(anonymous.get(path) for path in outside)]
    given = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(given)) == len(given)
    assert all(re.fullmatch(r"[A-Za-z0-9._~+/=:-]{1,128}", one) for one in given)
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
    unchanged = alice.poll(etag=first.headers["ETag"])
    assert unchanged.status_code == 304
    assert "X-Request-Id" not in unchanged.headers


def test_the_callers_request_id_is_kept_if_it_is_sane(app: InProcessGateway) -> None:
    for sane in ("x", "req-7", "a" * 128, "01a1fc6b-48e7-7598-bb3a-3f710a34e7ba", "Root=1-67891233-abcdef", "a.b_c~d"):
        answer = app.anonymous().get("/unknown", headers={"X-Request-Id": sane})
        assert answer.headers["X-Request-Id"] == sane
        assert expect_problem(answer, 404, "not-found")["request_id"] == sane
    for insane in ("", " ", "a" * 129, "a b", "a\tb", "<script>", '"', "é", "a;b", "a,b", "\x7f", "{}", "%0d%0a"):
        answer = app.anonymous().get("/unknown", headers={"X-Request-Id": insane})
        assert answer.headers["X-Request-Id"] != insane
        assert len(answer.headers["X-Request-Id"]) >= 16


# --- Defects and outages ------------------------------------------------------------------------

SECRET_TEXT = "SELECT secret FROM vault WHERE body = 'a private text'"


def defects(app: InProcessGateway, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Make every service fail."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    for service, methods in {
        "polls": "poll poll_counts", "history": "before", "states": "change change_up_to", "preferences": "get replace",
        "topics": "list follow unfollow", "publishing": "publish", "removal": "retract", "database": "read",
        "writer": "transact", "follower": "ensure_fed",
    }.items():  # fmt: skip
        for method in methods.split():
            monkeypatch.setattr(type(getattr(app.services, service)), method, fail)


@pytest.fixture
def three_actors(app: InProcessGateway) -> tuple[RecipientActor, PublisherActor, PublisherActor]:
    """A recipient, a publisher and an administrator that have sent a request before."""
    alice, publisher, admin = app.recipient("alice"), app.publisher(), app.admin()
    alice.inbox()
    publisher.publish("all")
    admin.get("/v1/types")
    return alice, publisher, admin


@pytest.mark.parametrize("error", [RuntimeError(SECRET_TEXT), KeyError(SECRET_TEXT), AssertionError(SECRET_TEXT)])
def test_a_defect_is_a_plain_500_that_reveals_nothing(
    app: InProcessGateway, monkeypatch: pytest.MonkeyPatch, three_actors: Any, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        defects(app, patch, error)
        answers = call_every_endpoint(*three_actors)
    for answer in answers:
        where = f"{answer.request.method} {answer.request.path}"
        assert answer.status_code == 500, where
        expect_problem(answer, 500, "internal")
        for telltale in ("SELECT", "vault", "private", "Error", "Traceback", "File", ".py", "notifygate"):
            assert telltale not in answer.text, where
            assert not any(telltale in value for value in answer.headers.values()), where


def test_an_outage_is_a_503_with_retry_after(
    app: InProcessGateway, monkeypatch: pytest.MonkeyPatch, three_actors: Any
) -> None:
    cause = UnavailableError("The database can't be reached or is too busy.")
    cause.__cause__ = RuntimeError(SECRET_TEXT)
    with monkeypatch.context() as patch:
        defects(app, patch, cause)
        answers = call_every_endpoint(*three_actors)
    for answer in answers:
        expect_problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "SELECT" not in answer.text


@pytest.mark.both_databases
def test_a_database_error_shows_no_sql(app: InProcessGateway, three_actors: Any) -> None:
    # A real error: the table is dropped while the gateway runs.
    alice, publisher, _ = three_actors
    app.services.database.write(lambda connection: connection.execute(text("DROP TABLE notifications")))
    answers = [
        publisher.post("/v1/notifications", json={"to": "all", "title": "a private text"}),
        publisher.delete("/v1/notifications/x"),
        app.recipient("alice").get("/v1/inbox/history"),
        alice.poll(),
    ]
    telltales = ("notifications", "psycopg", "sqlite", "sqlalchemy", "SELECT", "INSERT", "private", "Error")
    for answer in answers:
        assert answer.status_code in (500, 503)
        assert [word for word in telltales if word in answer.text] == [], answer.text


def test_the_gateway_serves_after_a_defect(
    app: InProcessGateway, monkeypatch: pytest.MonkeyPatch, three_actors: Any
) -> None:
    with monkeypatch.context() as patch:
        defects(app, patch, RuntimeError("once"))
        call_every_endpoint(*three_actors)
    statuses = {answer.status_code for answer in call_every_endpoint(*three_actors)}
    assert statuses <= {200, 201, 204, 400, 404}

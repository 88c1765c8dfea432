"""CORS: off, or for exactly the configured origins (PROTOCOL section 7)."""

from typing import Any

import pytest

from tests.support.in_process import InProcessGateway

OURS = "https://app.example.org"
ALSO_OURS = "http://localhost:3000"
OTHERS = [
    "https://evil.example",
    "http://app.example.org",
    "https://app.example.org:8443",
    "https://app.example.org.evil.example",
    "https://xapp.example.org",
    "https://APP.example.org",
    "https://app.example.org/",
    "null",
    "",
    "*",
    f"{OURS}, {ALSO_OURS}",
]
EXPOSED = {
    "ETag",
    "Poll-Interval",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
}


@pytest.fixture
def open_app(make_app: Any) -> InProcessGateway:
    """A gateway that two origins may call."""
    return make_app(cors_origins=(OURS, ALSO_OURS))


def names(value: str) -> set[str]:
    return {name.strip() for name in value.split(",")}


def preflight(app: InProcessGateway, origin: str, method: str = "GET", path: str = "/v1/inbox") -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,if-none-match",
    }
    return app.anonymous().open(path, method="OPTIONS", headers=headers)


def cors_headers(answer: Any) -> set[str]:
    return {name for name, _ in answer.headers if name.lower().startswith("access-control-")}


def test_cors_is_off_by_default(app: InProcessGateway) -> None:
    answer = app.recipient("alice").get("/v1/inbox", headers={"Origin": OURS})
    assert answer.status_code == 200
    assert cors_headers(answer) == set()
    assert "Origin" not in answer.headers["Vary"]
    refused = preflight(app, OURS)
    assert refused.status_code != 200
    assert cors_headers(refused) == set()


def test_a_configured_origin_may_call(open_app: InProcessGateway) -> None:
    alice = open_app.recipient("alice")
    for origin in (OURS, ALSO_OURS):
        answer = alice.get("/v1/inbox", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert names(answer.headers["Access-Control-Expose-Headers"]) == EXPOSED
        assert names(answer.headers["Vary"]) == {"Authorization", "Accept-Encoding", "Origin"}


def test_every_answer_can_be_read_by_a_configured_origin(open_app: InProcessGateway) -> None:
    alice = open_app.recipient("alice")
    etag = alice.poll().headers["ETag"]
    headers = {"Origin": OURS}
    for answer, status in (
        (alice.get("/v1/inbox", headers={**headers, "If-None-Match": etag}), 304),
        (alice.get("/v1/inbox?limit=0", headers=headers), 400),
        (open_app.anonymous().get("/v1/inbox", headers=headers), 401),
        (alice.get("/v1/types", headers=headers), 403),
        (alice.get("/v1/unknown", headers=headers), 404),
        (alice.post("/v1/inbox", headers=headers), 405),
    ):
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_other_origins_may_not(open_app: InProcessGateway) -> None:
    alice = open_app.recipient("alice")
    for origin in OTHERS:
        answer = alice.get("/v1/inbox", headers={"Origin": origin})
        assert cors_headers(answer) == set(), origin
        assert "Origin" in names(answer.headers["Vary"])  # a cache must not give it to ours
        assert cors_headers(preflight(open_app, origin)) == set(), origin
    assert cors_headers(alice.get("/v1/inbox")) == set()


def test_a_preflight_is_answered_without_a_credential(open_app: InProcessGateway) -> None:
    for method, path in (
        ("GET", "/v1/inbox"),
        ("POST", "/v1/inbox/state"),
        ("PUT", "/v1/inbox/preferences"),
        ("PUT", "/v1/inbox/topics/x"),
        ("DELETE", "/v1/inbox/topics/x"),
        ("POST", "/v1/notifications"),
    ):
        answer = preflight(open_app, OURS, method, path)
        assert answer.status_code == 200  # never a 204, which old browsers mistake for something else
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert method in names(answer.headers["Access-Control-Allow-Methods"])
        allowed = {name.lower() for name in names(answer.headers["Access-Control-Allow-Headers"])}
        assert {"authorization", "content-type", "if-none-match", "if-match", "prefer"} <= allowed
        assert "idempotency-key" in allowed
        assert int(answer.headers["Access-Control-Max-Age"]) > 0
        assert "Origin" in names(answer.headers["Vary"])


def test_credentials_by_cookie_are_never_allowed(open_app: InProcessGateway) -> None:
    answer = open_app.recipient("alice").get("/v1/inbox", headers={"Origin": OURS})
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Credentials" not in preflight(open_app, OURS).headers


def test_a_star_among_the_origins_is_no_wildcard(make_app: Any) -> None:
    app = make_app(cors_origins=("*",))
    answer = app.recipient("alice").get("/v1/inbox", headers={"Origin": OURS})
    assert answer.headers.get("Access-Control-Allow-Origin") is None

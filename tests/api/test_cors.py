"""CORS: off, or for exactly the configured origins (PROTOCOL section 7)."""

from typing import Any

import pytest

from tests.support.in_process import InProcessGateway

OURS = "https://app.example.org"
ALSO_OURS = "http://localhost:3000"
OTHERS = [
    "https://evil.example", "http://app.example.org", f"{OURS}:8443", f"{OURS}.evil.example", "https://xapp.example.org",
    "https://APP.example.org", f"{OURS}/", "null", "", "*", f"{OURS}, {ALSO_OURS}",
]  # fmt: skip
EXPOSED = set("ETag Poll-Interval Preference-Applied RateLimit RateLimit-Policy Retry-After X-Request-Id".split())


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


@pytest.mark.parametrize("origins", [(), ("*",)], ids=["default", "star"])
def test_cors_is_off_by_default_and_a_star_is_not_a_wildcard(make_app: Any, origins: tuple[str, ...]) -> None:
    app = make_app(cors_origins=origins)
    answer = app.recipient("alice").get("/v1/inbox", headers={"Origin": OURS})
    assert (answer.status_code, cors_headers(answer)) == (200, set())
    assert ("Origin" in answer.headers["Vary"]) is bool(origins)
    refused = preflight(app, OURS)
    assert cors_headers(refused) == set()
    assert origins or refused.status_code != 200


def test_a_configured_origin_may_call_and_read_every_answer(open_app: InProcessGateway) -> None:
    alice = open_app.recipient("alice")
    etag = alice.poll().headers["ETag"]
    for origin in (OURS, ALSO_OURS):
        headers = {"Origin": origin}
        for answer, status in (
            (alice.get("/v1/inbox", headers=headers), 200),
            (alice.get("/v1/inbox", headers={**headers, "If-None-Match": etag}), 304),
            (alice.get("/v1/inbox?limit=0", headers=headers), 400),
            (open_app.anonymous().get("/v1/inbox", headers=headers), 401),
            (alice.get("/v1/types", headers=headers), 403),
            (alice.get("/v1/unknown", headers=headers), 404),
            (alice.post("/v1/inbox", headers=headers), 405),
        ):
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert names(answer.headers["Access-Control-Expose-Headers"]) == EXPOSED
            private = {"Authorization", "Accept-Encoding"} if status in (200, 304) else set[str]()
            assert names(answer.headers["Vary"]) == {*private, "Origin"}


def test_other_origins_are_not_allowed(open_app: InProcessGateway) -> None:
    alice = open_app.recipient("alice")
    for origin in OTHERS:
        answer = alice.get("/v1/inbox", headers={"Origin": origin})
        assert cors_headers(answer) == set(), origin
        assert "Origin" in names(answer.headers["Vary"])  # a cache must not give it to ours
        assert cors_headers(preflight(open_app, origin)) == set(), origin
    assert cors_headers(alice.get("/v1/inbox")) == set()


def test_a_preflight_is_answered_without_a_credential(open_app: InProcessGateway) -> None:
    for method, path in (("GET", "/v1/inbox"), ("POST", "/v1/inbox/state"), ("PUT", "/v1/inbox/preferences"),
                         ("PUT", "/v1/inbox/topics/x"), ("DELETE", "/v1/inbox/topics/x"), ("POST", "/v1/notifications")):  # fmt: skip
        answer = preflight(open_app, OURS, method, path)
        assert answer.status_code == 200  # never a 204, which old browsers treat as another status
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        assert method in names(answer.headers["Access-Control-Allow-Methods"])
        allowed = names(answer.headers["Access-Control-Allow-Headers"].lower())
        assert set("authorization content-type if-none-match if-match prefer idempotency-key".split()) <= allowed
        assert int(answer.headers["Access-Control-Max-Age"]) > 0
        assert "Origin" in names(answer.headers["Vary"])


def test_credentials_by_cookie_are_never_allowed(open_app: InProcessGateway) -> None:
    answer = open_app.recipient("alice").get("/v1/inbox", headers={"Origin": OURS})
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Credentials" not in preflight(open_app, OURS).headers

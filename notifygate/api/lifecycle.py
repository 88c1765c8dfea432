"""What every request goes through: its id, its limits' headers, CORS, its line in the log and its count."""

import logging
import re
import time

from flask import Flask, Response, abort, g, request

from notifygate import metrics
from notifygate.api.guard import authenticate
from notifygate.api.long_poll import ClientGoneError
from notifygate.domain.ids import new_id
from notifygate.limits.rate_limits import Quota

logger = logging.getLogger("notifygate.access")

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")

EXPOSED_HEADERS = "ETag, Poll-Interval, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id"
PREFLIGHT_SECONDS = 600

MAX_BODY_BYTES = 64 * 1024

CLIENT_GONE = 499
"""The status under which nginx, too, logs a client that left; nobody receives it."""


def register_lifecycle(app: Flask, cors_origins: tuple[str, ...]) -> None:
    """Give the application its hooks. `cors_origins`: exactly those may call it from scripts; none: CORS is off."""

    @app.before_request
    def begin() -> Response | None:  # pyright: ignore[reportUnusedFunction]
        g.began = time.monotonic()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _SANE_REQUEST_ID.fullmatch(given) else new_id()
        if (request.content_length or 0) > MAX_BODY_BYTES:  # also where nobody reads the body
            abort(413)
        asks_first = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if asks_first and request.headers.get("Origin") in cors_origins:
            return Response()
        if request.url_rule is None and request.path.startswith("/v1/"):
            authenticate()  # where there is no endpoint, there is no blueprint that would
        return None

    @app.after_request
    def end(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        if response.status_code != 304:
            response.headers["X-Request-Id"] = g.request_id
            response.headers["X-Content-Type-Options"] = "nosniff"
            _say_limits(response)
        if cors_origins:
            _say_cors(response, cors_origins)
        _account_for(response)
        return response

    @app.errorhandler(ClientGoneError)
    def gone(_: ClientGoneError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(status=CLIENT_GONE, headers={"Connection": "close"})


def _say_limits(response: Response) -> None:
    quotas: list[Quota] = g.get("quotas", [])
    if quotas:
        response.headers["RateLimit-Policy"] = ", ".join(quota.policy_item for quota in quotas)
        response.headers["RateLimit"] = ", ".join(quota.state_item for quota in quotas)


def _say_cors(response: Response, origins: tuple[str, ...]) -> None:
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin not in origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE"
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)


def _account_for(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule else "unknown"
    held = g.get("held_seconds", 0.0)
    duration = time.monotonic() - g.began
    metrics.requests.labels(route, response.status_code).inc()
    metrics.request_seconds.labels(route).observe(duration - held)
    if logger.isEnabledFor(logging.INFO):
        logger.info(
            "request",
            extra={
                "request_id": g.request_id,
                "principal": g.get("principal_name"),
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "duration_seconds": round(duration, 4),
                "held_seconds": round(held, 3),
            },
        )

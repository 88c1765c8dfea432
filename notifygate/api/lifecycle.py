"""What every request goes through: its id, its limits' headers, CORS, its line in the log and its count."""

import time

from flask import Flask, Response, abort, g, request

from notifygate import metrics
from notifygate.api.accounting import CLIENT_GONE, count_answers, log_request, logs_requests
from notifygate.api.guard import authenticate
from notifygate.api.headers import NO_SNIFFING, SANE_REQUEST_ID, cors_headers, limit_headers
from notifygate.api.long_poll import ClientGoneError
from notifygate.domain.ids import new_request_id

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id"
PREFLIGHT_SECONDS = 600

MAX_BODY_BYTES = 64 * 1024


def register_lifecycle(app: Flask, cors_origins: tuple[str, ...]) -> None:
    """Give the application its hooks. `cors_origins`: exactly those may call it from scripts; none: CORS is off."""

    @app.before_request
    def begin() -> Response | None:  # pyright: ignore[reportUnusedFunction]
        g.began = time.monotonic()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if SANE_REQUEST_ID.fullmatch(given) else new_request_id()
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
            response.headers.update({**NO_SNIFFING, **limit_headers(g.get("quotas", []))})
        if cors_origins:
            _say_cors(response, cors_origins)
        _account_for(response)
        return response

    @app.errorhandler(ClientGoneError)
    def gone(_: ClientGoneError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(status=CLIENT_GONE, headers={"Connection": "close"})


def _say_cors(response: Response, origins: tuple[str, ...]) -> None:
    response.vary.add("Origin")
    allowed = cors_headers(request.headers.get("Origin"), origins)
    response.headers.update(allowed)
    if allowed and request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE"
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)


def _account_for(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule else "unknown"
    held = g.get("held_seconds", 0.0)
    duration = time.monotonic() - g.began
    count_answers(route, response.status_code)
    metrics.request_seconds.labels(route).observe(duration - held)
    if logs_requests():
        log_request(
            request_id=g.request_id,
            principal=g.get("principal_name"),
            method=request.method,
            route=route,
            status=response.status_code,
            duration_seconds=duration,
            held_seconds=held,
        )

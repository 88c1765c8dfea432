"""The WSGI side: Flask matches the path, the pipeline answers, and a hold waits in the greenlet of its request."""

import time
from collections.abc import Iterable
from typing import Any

from flask import Flask, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed, NotFound
from werkzeug.middleware.proxy_fix import ProxyFix

from notifygate import metrics
from notifygate.delivery.greenlet import wait_in_greenlet
from notifygate.delivery.hold import Hold
from notifygate.errors import InvalidRequestError, MethodNotAllowedError, NotFoundError, PayloadTooLargeError
from notifygate.problem_catalogue import CATALOGUE
from notifygate.protocol.encoder import Encoder
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.pipeline import Access, Endpoint, Pipeline, Run
from notifygate.protocol.record import record
from notifygate.protocol.request import MAX_BODY_BYTES, Request
from notifygate.protocol.response import CLIENT_GONE, Response, field_lines, reason_phrase
from notifygate.services import EXTENSION, Services

CLOSE_CONNECTION = "notifygate.close_connection"
"""Key of a function in the environ that makes the server close the connection after the response."""

_HTML = field_lines({"Content-Type": "text/html; charset=utf-8"})


class GatewayApp(Flask):
    """Flask with the pipeline instead of views and hooks."""

    def __init__(self, trusted_proxies: int) -> None:
        """`trusted_proxies`: how many proxies in front set X-Forwarded-For and X-Forwarded-Proto."""
        super().__init__("notifygate", static_folder=None)
        if trusted_proxies:
            self.wsgi_app = ProxyFix(self.wsgi_app, x_for=trusted_proxies, x_proto=1, x_host=0)
        self.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
        self.url_map.merge_slashes = False
        self._endpoints: dict[str, Endpoint] = {}

    def serve(self, services: Services, endpoints: Iterable[Endpoint]) -> None:
        """Route requests to endpoints."""
        self.extensions[EXTENSION] = self._services = services
        self._pipeline = Pipeline(services, self._wait)
        self._origins = services.settings.cors_origins
        self._encoder = Encoder(self._origins, services.limits)
        for endpoint in endpoints:
            name = f"{endpoint.method} {endpoint.path}"
            self._endpoints[name] = endpoint
            self.add_url_rule(endpoint.path, name, methods=[endpoint.method])

    def full_dispatch_request(self) -> FlaskResponse:
        """Answer the current request. Called by Flask once it has matched the path."""
        exchange = Exchange(_request_of(), request.url_rule.rule if request.url_rule else "unknown")
        access, run = self._target()
        outcome = self._pipeline.handle(exchange, access, run)
        assert isinstance(outcome, Response)  # `_wait` returns nothing else  # noqa: S101
        record(exchange, outcome.status)
        return _flask_response(outcome, self._encoder.fields(exchange, outcome))

    def _target(self) -> tuple[Access, Run]:
        """Return the callers that the matched path admits, and the function that answers them."""
        if (request.content_length or 0) > MAX_BODY_BYTES:  # also where the body is not read
            _close_connection()
            return "open", _raises(PayloadTooLargeError())
        if request.method == "OPTIONS" and self._is_preflight():
            return "open", _returns(Response(200, b"", _HTML))
        error = request.routing_exception
        if error is not None:
            # Whether a path exists under /v1 is only shown to callers with a credential.
            return "any" if request.path.startswith("/v1/") else "open", _route_error(error)
        endpoint = self._endpoints[request.endpoint or ""]
        if request.method == "OPTIONS":
            adapter = self.create_url_adapter(request)
            allowed = set(adapter.allowed_methods()) if adapter else set[str]()
            fields = _HTML + field_lines({"Allow": ", ".join(allowed)})
            return endpoint.access, _returns(Response(200, b"", fields))
        return endpoint.access, endpoint.run

    def _is_preflight(self) -> bool:
        """Return whether this is a CORS preflight request (Fetch section 4.8) of an allowed origin."""
        headers = request.headers
        return "Access-Control-Request-Method" in headers and headers.get("Origin") in self._origins

    def _wait(self, exchange: Exchange, hold: Hold[Response]) -> Response:
        """Wait in this greenlet."""
        response = wait_in_greenlet(self._services.holds, hold, request.environ.get("gunicorn.socket"))
        exchange.held_seconds = time.monotonic() - exchange.began_at
        if response is None:
            return Response(CLIENT_GONE)
        if response.status == 200 and hold.committed_at is not None:
            metrics.wake_seconds.observe(max(0.0, time.time() - hold.committed_at))
        return response


def _request_of() -> Request:
    """Return the current request of Flask as a value."""
    environ = request.environ
    fields = {
        name[5:].replace("_", "-").lower().encode(): value.encode("latin-1")
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name, key in ((b"content-type", "CONTENT_TYPE"), (b"content-length", "CONTENT_LENGTH")):
        if environ.get(key):
            fields[name] = environ[key].encode("latin-1")
    return Request(
        request.method,
        environ.get("PATH_INFO", "").encode("latin-1"),
        environ.get("QUERY_STRING", "").encode("latin-1"),
        fields,
        read_body=_read_body,
        params=request.view_args or {},
        address=request.remote_addr or "unknown",
    )


def _read_body() -> bytes:
    try:
        body = request.get_data(cache=False)
        # Of a chunked body, Werkzeug (3.1.9) reads as much as is allowed and does not report the rest.
        goes_on = len(body) == request.max_content_length and bool(request.environ["wsgi.input"].read(1))
    except ClientDisconnected as error:  # Werkzeug's for every OSError, time-outs among them
        _close_connection()
        raise InvalidRequestError.of("body", "could not be read to its end") from error
    except HTTPException as error:
        raise PayloadTooLargeError from error
    except Exception as error:  # each server has its own errors for malformed chunks and lost connections
        _close_connection()
        raise InvalidRequestError.of("body", "could not be read to its end") from error
    if goes_on:
        _close_connection()
        raise PayloadTooLargeError
    return body


def _close_connection() -> None:
    """Make the server close the connection: the body is not read to its end, where the next request begins."""
    if close := request.environ.get(CLOSE_CONNECTION):
        close()


def _route_error(error: HTTPException) -> Run:
    if isinstance(error, NotFound):
        return _raises(NotFoundError(CATALOGUE["not-found"].explanation))
    if isinstance(error, MethodNotAllowed):
        return _raises(MethodNotAllowedError(tuple(error.valid_methods or ())))
    return _raises(InvalidRequestError([]))


def _returns(response: Response) -> Run:
    def run(*_: Any) -> Response:
        return response

    return run


def _raises(error: Exception) -> Run:
    def run(*_: Any) -> Response:
        raise error

    return run


def _flask_response(response: Response, lines: bytes) -> FlaskResponse:
    answer = FlaskResponse(response.body, f"{response.status} {reason_phrase(response.status)}")
    del answer.headers["Content-Type"]  # Flask's default
    for line in lines.decode("latin-1").splitlines():
        name, _, value = line.partition(": ")
        answer.headers.add(name, value)
    return answer

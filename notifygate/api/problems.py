"""Problems (RFC 9457): the one mapping of errors to HTTP, and the catalogue that their pages are made of."""

import html
import logging
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from notifygate.errors import (
    FieldError,
    InvalidRequestError,
    NotFoundError,
    NotifygateError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)

logger = logging.getLogger(__name__)

UNAVAILABLE_RETRY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of the catalogue: stable code, status, title, and what a client author should know and do."""

    code: str
    status: int
    title: str
    advice: str


CATALOGUE = {
    problem.code: problem
    for problem in (
        Problem(
            "invalid-request",
            400,
            "The request is not valid",
            "Each entry of errors names a field, a query parameter or a header and says what is wrong "
            "with it. Nothing was changed.",
        ),
        Problem(
            "malformed-json",
            400,
            "The body is not JSON",
            "The body has to be one JSON document in UTF-8. Nothing was changed.",
        ),
        Problem(
            "invalid-cursor",
            400,
            "Not a cursor",
            "The text was never a cursor of this gateway, or up_to is not one of this recipient's. Poll "
            "without a cursor to get a snapshot and a new one.",
        ),
        Problem(
            "unauthorized",
            401,
            "A valid credential is required",
            "Send Authorization: Bearer with a token that has not expired (recipients) or an API key that "
            "was not revoked (publishers).",
        ),
        Problem(
            "forbidden",
            403,
            "Not allowed",
            "The credential is valid but may not do this: a key's scopes, audiences and types, and a "
            "recipient's roles are limited.",
        ),
        Problem(
            "not-found",
            404,
            "Not found",
            "There is no such thing, or this principal may not know of it.",
        ),
        Problem(
            "method-not-allowed",
            405,
            "Method not allowed",
            "The Allow header names the methods of this path.",
        ),
        Problem(
            "precondition-failed",
            412,
            "Changed meanwhile",
            "If-Match names a state that another device has replaced. Read again, merge, write again.",
        ),
        Problem(
            "payload-too-large",
            413,
            "The body is too large",
            "A request body may have at most 64 KiB.",
        ),
        Problem(
            "unsupported-media-type",
            415,
            "Wrong media type",
            "This endpoint takes application/json.",
        ),
        Problem(
            "idempotency-mismatch",
            422,
            "The Idempotency-Key was used before",
            "This API key has sent another request with the same Idempotency-Key within the last 24 "
            "hours. Nothing was published.",
        ),
        Problem(
            "rate-limited",
            429,
            "Too many requests",
            "Wait as many seconds as Retry-After says. Nothing was done.",
        ),
        Problem(
            "internal",
            500,
            "Internal error",
            "The gateway has a defect, and its log has the details under this request id. Publishing "
            "again with the same Idempotency-Key is safe.",
        ),
        Problem(
            "unavailable",
            503,
            "Not available now",
            "The gateway's database can't be reached or is too busy. Try again after Retry-After; publish "
            "with an Idempotency-Key, since the outcome of this request may be unknown.",
        ),
    )
}

_BY_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
}


def problem_response(code: str, detail: str, errors: tuple[FieldError, ...] = ()) -> Response:
    """Make the answer for an error of the catalogue."""
    problem = CATALOGUE[code]
    document: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id", ""),
    }
    if errors:
        document["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    # Field names come from the request and may hold what UTF-8 can't say.
    body = orjson.dumps(document) if not errors else _dump_leniently(document)
    response = Response(body, problem.status, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _dump_leniently(document: dict[str, Any]) -> bytes:
    for error in document["errors"]:
        error["field"] = error["field"].encode("utf-8", "replace").decode()[:200]
    return orjson.dumps(document)


def register_problems(app: Flask) -> None:
    """Give the application its error handlers and the pages of the catalogue."""
    app.register_error_handler(NotifygateError, _from_domain)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_defect)
    app.add_url_rule("/problems/<code>", "problem_page", _problem_page)


def _from_domain(error: NotifygateError) -> Response:
    if error.code not in CATALOGUE:
        return _from_defect(error)
    fields = error.errors if isinstance(error, InvalidRequestError) else ()
    response = problem_response(error.code, str(error), fields)
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        response.headers["Retry-After"] = str(max(1, error.retry_after_seconds))
    if isinstance(error, UnavailableError):
        response.headers["Retry-After"] = str(UNAVAILABLE_RETRY_SECONDS)
        logger.warning("Not available: %s", error, exc_info=error.__cause__ or error)
    return response


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect
        return Response(status=status, headers=error.get_response(request.environ).headers)
    code = _BY_STATUS.get(status, "invalid-request" if status < 500 else "internal")
    response = problem_response(code, CATALOGUE[code].advice)
    if status == 405 and (allow := error.get_response(request.environ).headers.get("Allow")):
        response.headers["Allow"] = allow
    return response


def _from_defect(error: Exception) -> Response:
    logger.error("A request failed", exc_info=error, extra={"request_id": g.get("request_id", "")})
    return problem_response("internal", "The gateway has a defect; its log has the details under this request id.")


def _problem_page(code: str) -> Response:
    problem = CATALOGUE.get(code)
    if problem is None:
        raise NotFoundError("There is no such problem.")
    title, advice = html.escape(problem.title), html.escape(problem.advice)
    return Response(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<h1>{title}</h1><p>HTTP status {problem.status}, code <code>{code}</code></p><p>{advice}</p></html>",
        mimetype="text/html",
        headers={"Content-Security-Policy": "default-src 'none'"},
    )

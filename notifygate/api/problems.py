"""Problems (RFC 9457): the one mapping of errors to HTTP, and the page of each problem in the catalogue."""

import html
import logging
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
from notifygate.problem_catalogue import CATALOGUE, problem_document

logger = logging.getLogger(__name__)

UNAVAILABLE_RETRY_SECONDS = 2


_BY_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
}


def problem_response(code: str, detail: str, errors: tuple[FieldError, ...] = ()) -> Response:
    """Make the answer for an error of the catalogue."""
    problem = CATALOGUE[code]
    document: dict[str, Any] = problem_document(code, detail, g.get("request_id", ""))
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
    """Give the application its error handlers."""
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_error)


def describe_error(error: Exception, request_id: str) -> tuple[str, str, int | None]:
    """Return the catalogue's code for an error, a sentence for the caller, and when to try again (seconds).

    Writes what the caller isn't told into the log.
    """
    if not isinstance(error, NotifygateError) or error.code not in CATALOGUE:
        logger.error("A request failed", exc_info=error, extra={"request_id": request_id})
        return "internal", "The gateway has a defect; its log has the details under this request id.", None
    retry_after = None
    if isinstance(error, RateLimitedError):
        retry_after = max(1, error.retry_after_seconds)
    if isinstance(error, UnavailableError):
        retry_after = UNAVAILABLE_RETRY_SECONDS
        logger.warning("Not available: %s (%s)", error, type(error.__cause__).__name__)
        logger.debug("Not available", exc_info=error)  # thousands of pollers would fill the disk with stacks
    return error.code, str(error), retry_after


def _from_error(error: Exception) -> Response:
    code, detail, retry_after = describe_error(error, g.get("request_id", ""))
    response = problem_response(code, detail, error.errors if isinstance(error, InvalidRequestError) else ())
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
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


def problem_page(code: str) -> Response:
    """Answer with the page of a problem of the catalogue. Raises NotFoundError."""
    problem = CATALOGUE.get(code)
    if problem is None:
        raise NotFoundError("There is no such problem.")
    title, advice = html.escape(problem.title), html.escape(problem.advice)
    return Response(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<h1>{title}</h1><p>HTTP status {problem.status}, code <code>{code}</code></p><p>{advice}</p></html>",
        mimetype="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
    )

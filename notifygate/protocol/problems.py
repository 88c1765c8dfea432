"""Problem documents (RFC 9457): the only module that turns errors into responses."""

import logging
from typing import Any

import orjson

from notifygate.errors import (
    InvalidRequestError,
    MethodNotAllowedError,
    NotifygateError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from notifygate.problem_catalogue import CATALOGUE, problem_document
from notifygate.protocol.response import Response, field_lines

logger = logging.getLogger(__name__)

UNAVAILABLE_RETRY_SECONDS = 2
"""`Retry-After` of a 503: a fail-over or a restart of the database takes some seconds."""

MAX_FIELD_CHARACTERS = 200
"""Maximum length of a field's name in a problem: unknown names come from the request."""


def problem_response(error: Exception, request_id: str) -> Response:
    """Return the problem document of an error. Errors outside the catalogue become `internal`; their details are
    logged."""
    if not isinstance(error, NotifygateError) or error.code not in CATALOGUE:
        logger.error("Request failed", exc_info=error, extra={"request_id": request_id})
        code, detail = "internal", "The gateway has a defect; its log has the details under this request id."
    else:
        code, detail = error.code, str(error)
    document: dict[str, Any] = problem_document(code, detail, request_id)
    if isinstance(error, InvalidRequestError) and error.errors:
        document["errors"] = [
            # The name may contain surrogates, which UTF-8 can't encode.
            {"field": item.field.encode("utf-8", "replace").decode()[:MAX_FIELD_CHARACTERS], "message": item.message}
            for item in error.errors
        ]
    fields = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", **_fields_of(error)}
    return Response(CATALOGUE[code].status, orjson.dumps(document), field_lines(fields))


def _fields_of(error: Exception) -> dict[str, str]:
    match error:
        case UnauthorizedError():
            return {"WWW-Authenticate": "Bearer"}
        case MethodNotAllowedError():
            return {"Allow": ", ".join(error.allowed)}
        case RateLimitedError():
            return {"Retry-After": str(max(1, error.retry_after_seconds))}
        case UnavailableError():
            logger.warning("Unavailable: %s (%s)", error.for_operators, type(error.__cause__).__name__)
            logger.debug("Unavailable", exc_info=error)  # thousands of polls would fill the disk with stacks
            return {"Retry-After": str(UNAVAILABLE_RETRY_SECONDS)}
        case _:
            return {}

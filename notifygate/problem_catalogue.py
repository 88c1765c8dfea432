"""The catalogue of problems: every error response of the gateway, with its code, status and explanation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of the catalogue: stable code, status, title, and an explanation for authors of clients."""

    code: str
    status: int
    title: str
    explanation: str


CATALOGUE = {
    problem.code: problem
    for problem in (
        Problem(
            "invalid-request",
            400,
            "The request is not valid",
            "Each item of errors names an invalid field, query parameter or header and the reason. "
            "Nothing was changed.",
        ),
        Problem(
            "malformed-json",
            400,
            "The body is not JSON",
            "The body must be one JSON document in UTF-8. Nothing was changed.",
        ),
        Problem(
            "invalid-cursor",
            400,
            "Not a cursor",
            "The text is not a cursor of this gateway, or up_to is not a cursor of this recipient. Poll "
            "without a cursor to get a snapshot and a new cursor.",
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
            "The credential is valid but lacks the permission: a key has scopes and patterns of audiences "
            "and types, and a recipient has roles.",
        ),
        Problem(
            "not-found",
            404,
            "Not found",
            "The resource does not exist, or is invisible to this principal.",
        ),
        Problem(
            "method-not-allowed",
            405,
            "Method not allowed",
            "The Allow header lists the methods of this path.",
        ),
        Problem(
            "precondition-failed",
            412,
            "Changed meanwhile",
            "If-Match names a state that another device replaced. Read again, merge, and write again.",
        ),
        Problem(
            "payload-too-large",
            413,
            "The body is too large",
            "The maximum of a request body is 64 KiB.",
        ),
        Problem(
            "uri-too-long",
            414,
            "The URL is too long",
            "The maximum of a request line is 8,190 bytes. Publish long texts as a body.",
        ),
        Problem(
            "unsupported-media-type",
            415,
            "Wrong media type",
            "This endpoint accepts application/json only.",
        ),
        Problem(
            "idempotency-mismatch",
            422,
            "The Idempotency-Key was used before",
            "This API key sent a different request with the same Idempotency-Key within the last 24 "
            "hours. Nothing was published.",
        ),
        Problem(
            "rate-limited",
            429,
            "Too many requests",
            "Wait for the number of seconds in Retry-After. Nothing was changed.",
        ),
        Problem(
            "headers-too-large",
            431,
            "The headers are too large",
            "The maximum of a header field is 8,190 bytes, and that of a request 100 fields.",
        ),
        Problem(
            "internal",
            500,
            "Internal error",
            "The gateway has a defect; its log has the details under this request id. Publishing "
            "again with the same Idempotency-Key is safe.",
        ),
        Problem(
            "unavailable",
            503,
            "Not available now",
            "The gateway's database can't be reached or is too busy. Retry after Retry-After; publish "
            "with an Idempotency-Key, since the outcome of this request may be unknown.",
        ),
    )
}
"""All problems by code, in the order of their statuses."""


def problem_document(code: str, detail: str, request_id: str) -> dict[str, str | int]:
    """Return a problem of the catalogue with the members of RFC 9457 and two more, `code` and `request_id`."""
    problem = CATALOGUE[code]
    return {
        "type": f"/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }

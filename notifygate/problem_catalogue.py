"""The catalogue of problems: every error answer that the gateway can give, with its code, status and explanation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of the catalogue: stable code, status, title, and what a client author should know and do."""

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
            "uri-too-long",
            414,
            "The URL is too long",
            "A request line may have at most 8,190 bytes. Publish long texts as a body.",
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
            "headers-too-large",
            431,
            "The headers are too large",
            "A header may have at most 8,190 bytes, and a request at most 100 of them.",
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


def problem_document(code: str, detail: str, request_id: str) -> dict[str, str | int]:
    """Return a problem of the catalogue in the members of RFC 9457, with ours: `code` and `request_id`."""
    problem = CATALOGUE[code]
    return {
        "type": f"/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }

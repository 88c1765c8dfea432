"""The errors of the domain. They know no HTTP: `notifygate.protocol.problems` alone turns them into responses.

NotifygateError
├── ConfigurationError         the gateway can't start like this
├── InvalidRequestError        fields that mean nothing, each named
├── MalformedJsonError         a body that is no JSON document
├── InvalidCursorError         a token that is no cursor at all
├── UnauthorizedError          no credential, or one that counts for nothing
├── ForbiddenError             a valid credential that may not do this
├── NotFoundError              a thing that this principal can't see
├── MethodNotAllowedError      the path has other methods
├── PayloadTooLargeError       a body over the limit
├── UnsupportedMediaTypeError  a body of another media type than the endpoint takes
├── PreconditionFailedError    the thing has changed since it was read
├── IdempotencyMismatchError   an Idempotency-Key used for two different requests
├── RateLimitedError           too much in too short a time
└── UnavailableError           the log can't be read or written just now
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request: its name and a sentence."""

    field: str
    message: str


class NotifygateError(Exception):
    """Base of all expected errors. `code` is stable and public; the message is safe to show to the caller."""

    code = "internal"


class ConfigurationError(NotifygateError):
    """The gateway can't start with these settings or this database; the message says which and why."""

    code = "configuration"


class InvalidRequestError(NotifygateError):
    """A request whose fields mean nothing. Nothing was changed.

    `errors` names each field at fault.
    """

    code = "invalid-request"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The request is not valid: see errors.")
        self.errors = tuple(errors)

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidRequestError":
        """Make the error for a single field."""
        return cls([FieldError(field, message)])


class MalformedJsonError(NotifygateError):
    """A body that is not a JSON document of UTF-8 text."""

    code = "malformed-json"


class InvalidCursorError(NotifygateError):
    """A token that was never a cursor, or an `up_to` that is none of this recipient's."""

    code = "invalid-cursor"


class UnauthorizedError(NotifygateError):
    """No credential that counts. The text is the same for every reason, so that nothing can be guessed from it."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("A valid credential is required.")


class ForbiddenError(NotifygateError):
    """A valid credential that may not do this."""

    code = "forbidden"


class NotFoundError(NotifygateError):
    """There is no such thing, or this principal may not know of it."""

    code = "not-found"


class MethodNotAllowedError(NotifygateError):
    """The path exists, but not for this method. `allowed` lists the methods that it has."""

    code = "method-not-allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("The Allow header names the methods of this path.")
        self.allowed = tuple(allowed)


class PayloadTooLargeError(NotifygateError):
    """A request body over the limit."""

    code = "payload-too-large"

    def __init__(self) -> None:
        super().__init__("A request body may have at most 64 KiB.")


class UnsupportedMediaTypeError(NotifygateError):
    """A request body that is not declared as JSON."""

    code = "unsupported-media-type"

    def __init__(self) -> None:
        super().__init__("This endpoint takes application/json.")


class PreconditionFailedError(NotifygateError):
    """`If-Match` names a state that is no longer the present one."""

    code = "precondition-failed"


class IdempotencyMismatchError(NotifygateError):
    """An Idempotency-Key that this API key has used for a different request."""

    code = "idempotency-mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a different request.")


class RateLimitedError(NotifygateError):
    """Too much in too short a time.

    `retry_after_seconds` is at least 1.
    """

    code = "rate-limited"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many requests; try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(NotifygateError):
    """The database can't be reached or is too busy. Whether a write took place may be unknown."""

    code = "unavailable"

"""The errors of the domain, without HTTP: `notifygate.protocol.problems` alone turns them into responses."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """The error of one field of a request: the field's name, and a message without a subject ("must be …")."""

    field: str
    message: str


class NotifygateError(Exception):
    """Base of all expected errors. `code` is stable and public; the message is safe to show to the caller."""

    code = "internal"

    @property
    def for_operators(self) -> str:
        """The message for logs and the command line; details in it are not for the caller."""
        return str(self)


class ConfigurationError(NotifygateError):
    """The gateway can't start with these settings or this database. The message names the setting and the reason."""

    code = "configuration"


class InvalidRequestError(NotifygateError):
    """A request with invalid fields. Nothing was changed. `errors` has one item for each invalid field."""

    code = "invalid-request"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The request is invalid; errors has the reasons.")
        self.errors = tuple(errors)

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidRequestError":
        """Return the error for a single field."""
        return cls([FieldError(field, message)])


class MalformedJsonError(NotifygateError):
    """A body that is not a JSON document of UTF-8 text."""

    code = "malformed-json"


class InvalidCursorError(NotifygateError):
    """A text that is not a cursor of this gateway, or an `up_to` that is not a cursor of this recipient."""

    code = "invalid-cursor"


class UnauthorizedError(NotifygateError):
    """No valid credential. The message is the same for each reason, so that it reveals none."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("A valid credential is required.")


class ForbiddenError(NotifygateError):
    """A valid credential without the permission for the request."""

    code = "forbidden"


class NotFoundError(NotifygateError):
    """The resource doesn't exist, or is invisible to this principal."""

    code = "not-found"


class MethodNotAllowedError(NotifygateError):
    """The path doesn't have this method; `allowed` lists its methods."""

    code = "method-not-allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("The method is not allowed; the Allow header lists the methods of this path.")
        self.allowed = tuple(allowed)


class PayloadTooLargeError(NotifygateError):
    """A request body over the limit."""

    code = "payload-too-large"

    def __init__(self) -> None:
        super().__init__("The request body is too large; the maximum is 64 KiB.")


class UnsupportedMediaTypeError(NotifygateError):
    """A request body that is not declared as JSON."""

    code = "unsupported-media-type"

    def __init__(self) -> None:
        super().__init__("The media type of the body is not supported; use application/json.")


class PreconditionFailedError(NotifygateError):
    """`If-Match` names an older state than the present one."""

    code = "precondition-failed"


class IdempotencyMismatchError(NotifygateError):
    """An Idempotency-Key that this API key used for a different request."""

    code = "idempotency-mismatch"

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key was used for a different request; use a new one.")


class RateLimitedError(NotifygateError):
    """A rate limit was exceeded. `retry_after_seconds` is at least 1."""

    code = "rate-limited"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many requests; retry after {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(NotifygateError):
    """The database can't be reached or is too busy. Whether a write took place may be unknown.

    - `remedy`: the cause and what an operator can do, empty if unknown. Not part of the message: clients get that.
    """

    code = "unavailable"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    @property
    def for_operators(self) -> str:
        """The message and, if known, the remedy."""
        return f"{str(self).rstrip('.')}: {self.remedy}" if self.remedy else str(self)

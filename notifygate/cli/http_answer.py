"""A gateway's answer, and its errors as one sentence for people (docs/protocol.md section 1, RFC 9457)."""

import http.client
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import click

from notifygate.cli.one_line import one_line

MAX_RETRY_AFTER_SECONDS = 600.0  # ten windows of the rate limits; more is an error of a proxy

_MAX_MESSAGE_LENGTH = 400  # characters, a readable line


class RefusedError(click.ClickException):
    """The same request again would fail the same way. `code` is the problem's, "" without one."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TransientError(click.ClickException):
    """A missing, incomplete or temporary error response. Retry after `retry_after_seconds` at least."""

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Return the parsed body. Raises TransientError if it is not JSON (a portal, a truncated response)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise TransientError("the response is not JSON; check that NOTIFYGATE_URL is a gateway") from None

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object, empty for any other body."""
        try:
            document = self.json()
        except TransientError:
            return {}
        return cast("dict[str, Any]", document) if isinstance(document, dict) else {}

    def error(self, secret: str) -> TransientError | RefusedError:
        """Return what a status other than 2xx and 304 means. The response may quote `secret`; the message does not."""
        # Removed before truncation, which might halve it.
        message = self._description().replace(secret, "***")[:_MAX_MESSAGE_LENGTH]
        if self.status in (408, 429) or self.status >= 500:
            return TransientError(message, self._retry_after_seconds())
        return RefusedError(message, self.status, str(self.document.get("code", "")))

    def _description(self) -> str:
        """Return one line: the status and, if the body is a problem document, its code and detail."""
        problem = self.document
        name = one_line(str(problem.get("code") or http.client.responses.get(self.status, "")))
        explanation = str(problem.get("detail") or problem.get("title") or "")
        errors: Any = problem.get("errors")
        if isinstance(errors, list):
            explanation = "; ".join(_describe_field(error) for error in cast("list[Any]", errors)) or explanation
        if 300 <= self.status < 400:
            explanation = f"it redirects to {self.headers.get('Location', 'no Location')}; correct NOTIFYGATE_URL"
        line = one_line(f"the gateway answered {self.status} {name}")
        return line + (f": {one_line(explanation)}" if explanation else "")

    def _retry_after_seconds(self) -> float:
        """Return the seconds of Retry-After (RFC 9110, section 10.2.3), 0 without a valid one.

        The gateway sends seconds, proxies may send a date. At most MAX_RETRY_AFTER_SECONDS.
        """
        value = self.headers.get("Retry-After", "").strip()
        try:
            if value.isdecimal():
                seconds = float(value)
            else:
                date = parsedate_to_datetime(value)
                seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return 0.0
        return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else 0.0


def _describe_field(error: Any) -> str:
    """Return one item of a problem's `errors` as "field: message"."""
    if not isinstance(error, dict):
        return str(error)
    named = cast("dict[str, Any]", error)
    return f"{named.get('field')}: {named.get('message')}"

"""Requests to a gateway over one kept connection, on the standard library alone.

For `notifygate send` and `notifygate watch`, which must start fast and run anywhere. It follows no
redirects, since the credential is for the configured address only, and retries nothing by itself but
a request on a kept connection that had gone stale. Every request made through it may be repeated
safely: polls change nothing, and posts carry an Idempotency-Key.

Whatever goes wrong comes out as `TransientError` (worth another try) or `RefusedError` (not worth
one), each with a message of one sentence that never holds the key or the token.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import click

from notifygate.cli.http_problem import describe_refusal, problem_code, read_retry_after_seconds

DEFAULT_URL = "http://127.0.0.1:8080"
CONNECT_TIMEOUT_SECONDS = 10.0  # three lost SYNs are sent again within 7 s; later ones hardly ever help

_MAX_MESSAGE_LENGTH = 400  # characters, what a reader takes in
# http.client refuses anything else with an error that shows it, secret or not.
_PRINTABLE_ASCII = re.compile(r"[\x21-\x7e]+")


class RefusedError(click.ClickException):
    """The same request again would fail the same way. `code` is the problem's, "" without one."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TransientError(click.ClickException):
    """No answer, half an answer, or one that asks for patience, of `retry_after_seconds` at least."""

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class Answer:
    """A 2xx or a 304, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Return the parsed body; raise TransientError when it is no JSON (a portal, a cut answer)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise TransientError("the answer is no JSON: something else answers for the gateway") from None


class Gateway:
    """The gateway at one URL, spoken to as one principal."""

    def __init__(self, url: str, secret: str) -> None:
        """Take the base URL, a path prefix allowed, and the API key or token; connect on first use.

        Raises `click.ClickException` for a URL that can't be used.
        """
        parts = _split_url(url)
        self._secret = secret
        self._prefix = parts.path.rstrip("/")
        self._address = f"{parts.scheme}://{parts.netloc}"
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host, port, timeout=CONNECT_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_SECONDS)

    def request(
        self,
        method: str,
        path: str,
        *,
        timeout_seconds: float,
        query: Mapping[str, str | int] | None = None,
        fields: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, `fields` as its JSON body, and return the answer if it is a 2xx or a 304.

        `timeout_seconds` bounds each silence of the gateway, not the whole answer.
        Raises TransientError for network errors, 408, 429 and 5xx, RefusedError for the rest.
        """
        target = f"{self._prefix}{path}?{urlencode(query)}" if query else f"{self._prefix}{path}"
        body = None if fields is None else json.dumps(fields).encode()
        sent = {
            "Authorization": f"Bearer {self._secret}",
            "Accept": "application/json, application/problem+json",
            "User-Agent": "notifygate",
            **({} if body is None else {"Content-Type": "application/json"}),
            **(headers or {}),
        }
        try:
            is_kept = self._connection.sock is not None
            try:
                answer = self._exchange(method, target, body, sent, timeout_seconds)
            except (ConnectionError, ssl.SSLEOFError):
                if not is_kept:
                    raise
                # The gateway closes a connection that was idle for a while, and may do so just as
                # the request leaves. That is no failure yet (RFC 9112, section 9.3.1).
                answer = self._exchange(method, target, body, sent, timeout_seconds)
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate of {self._address} is not trusted: {error.verify_message}"
            raise RefusedError(message, 0) from None
        except TimeoutError:
            raise TransientError(f"no answer from {self._address} within {timeout_seconds:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            # The text of an HTTPException quotes what came, which may quote what was sent.
            reason = getattr(error, "strerror", None) or "the connection ended early or speaks no HTTP"
            raise TransientError(f"no answer from {self._address}: {reason}") from None
        if answer.status == 304 or 200 <= answer.status < 300:
            return answer
        raise self._failure(answer)

    def close(self) -> None:
        """Close the connection; the next request would open another."""
        self._connection.close()

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout_seconds: float
    ) -> Answer:
        """Send and read once; whatever fails closes the connection, so that the next try makes a new one."""
        connection = self._connection
        try:
            if connection.sock is None:
                connection.connect()
            if connection.sock is not None:
                connection.sock.settimeout(timeout_seconds)
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            raise

    def _failure(self, answer: Answer) -> TransientError | RefusedError:
        """Return the error that an answer other than 2xx and 304 stands for."""
        message = describe_refusal(answer.status, answer.headers, answer.body)
        # Whoever answers may have quoted the credential. It goes before the cut, which might halve it.
        message = message.replace(self._secret, "***")[:_MAX_MESSAGE_LENGTH]
        if answer.status in (408, 429) or answer.status >= 500:
            return TransientError(message, read_retry_after_seconds(answer.headers))
        return RefusedError(message, answer.status, problem_code(answer.body))


def open_gateway(secret_variable: str) -> Gateway:
    """Return the gateway named by NOTIFYGATE_URL, with the credential in the variable `secret_variable`.

    Raises `click.ClickException` when the credential is missing or either can't be used.
    """
    secret = os.environ.get(secret_variable, "").strip()
    if not secret:
        raise click.ClickException(f"{secret_variable} is not set")
    if not _PRINTABLE_ASCII.fullmatch(secret):
        raise click.ClickException(f"{secret_variable} holds characters that no credential has")
    return Gateway(os.environ.get("NOTIFYGATE_URL", "").strip() or DEFAULT_URL, secret)


def _split_url(url: str) -> SplitResult:
    """Return the parts of a gateway's URL; raise `click.ClickException` for one that can't be used.

    The messages don't repeat the URL: somebody may have put a password into it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError when it is no port
        (parts.hostname or "").encode("idna")  # what the resolver would choke on later
    except ValueError:
        raise click.ClickException("NOTIFYGATE_URL is no valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.ClickException("NOTIFYGATE_URL must be http://HOST or https://HOST")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise click.ClickException("NOTIFYGATE_URL may hold no user name, password, query or fragment")
    if not _PRINTABLE_ASCII.fullmatch(url):
        raise click.ClickException("NOTIFYGATE_URL may hold only printable ASCII characters and no spaces")
    return parts

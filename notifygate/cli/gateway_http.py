"""Requests to a gateway over one kept connection, with the standard library alone.

For `notifygate send` and `notifygate watch`, which must start fast and run anywhere. It follows no
redirects, since the credential is for the configured address only, and retries only a request on a
stale kept connection. Every request made through it may be repeated safely: polls change nothing, and
posts carry an Idempotency-Key.

Each failure is a `TransientError` (worth a retry) or a `RefusedError` (not worth one), with a message
of one sentence that never contains the key or the token.
"""

import http.client
import json
import os
import re
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit

import click

from notifygate.cli.http_answer import Answer, RefusedError, TransientError

DEFAULT_URL = "http://127.0.0.1:8080"
"""Value of NOTIFYGATE_URL if it is not set: the gateway of `make run`."""

CONNECT_TIMEOUT_SECONDS = 10.0  # three lost SYNs are sent again within 7 s; later ones rarely help

_CREDENTIALS = {
    "NOTIFYGATE_KEY": "an API key, as 'notifygate key create' prints it",
    "NOTIFYGATE_TOKEN": "a recipient's token, as 'notifygate token' prints it",
}

# http.client rejects anything else with an error that quotes it, secret or not.
_PRINTABLE_ASCII = re.compile(r"[\x21-\x7e]+")


class Gateway:
    """The gateway at one URL, with the credential of one principal."""

    def __init__(self, url: str, secret: str) -> None:
        """Store the base URL, which may have a path prefix, and the API key or token; connect on first use.

        Raises `click.ClickException` for an invalid URL.
        """
        parts = parse_url(url, "NOTIFYGATE_URL")
        self._secret = secret
        self._prefix = parts.path.rstrip("/")
        self._address = f"{parts.scheme}://{parts.netloc}"
        self._connection = connection_to(parts, CONNECT_TIMEOUT_SECONDS)

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
        """Send one request, with `fields` as its JSON body, and return a response with 2xx or 304.

        `timeout_seconds` bounds each silence of the gateway, not the whole response.
        Raises TransientError for network errors, 408, 429 and 5xx, RefusedError for other statuses.
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
                # The gateway closes idle connections, and may do so just as the request is sent. That
                # is not a failure yet (RFC 9112, section 9.3.1).
                answer = self._exchange(method, target, body, sent, timeout_seconds)
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate of {self._address} is invalid: {error.verify_message}"
            raise RefusedError(message, 0) from None
        except TimeoutError:
            raise TransientError(f"no response from {self._address} within {timeout_seconds:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            if is_answer_without_tls(error):
                message = f"{self._address} does not use TLS; expected http://, or the address of a proxy for HTTPS"
                raise RefusedError(message, 0) from None
            # The text of an HTTPException quotes the response, which may quote the request.
            reason = getattr(error, "strerror", None) or "the connection ended early or is not HTTP"
            raise TransientError(f"no response from {self._address}: {reason}") from None
        if answer.status == 304 or 200 <= answer.status < 300:
            return answer
        raise answer.error(self._secret)

    def close(self) -> None:
        """Close the connection; a later request opens a new one."""
        self._connection.close()

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout_seconds: float
    ) -> Answer:
        """Send and read once. An error closes the connection, so that a retry opens a new one."""
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


def is_answer_without_tls(error: Exception) -> bool:
    """Return whether a TLS handshake failed because the server answered in another protocol, such as HTTP."""
    return isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER"


def connection_to(parts: SplitResult, timeout_seconds: float) -> http.client.HTTPConnection:
    """Return a connection to the host of an http or https URL, which connects on first use."""
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)


def read_credential(variable: str) -> str:
    """Return the credential in an environment variable, empty if it is not set.

    Raises `click.ClickException` for one that no header can carry; the message does not contain it.
    """
    secret = os.environ.get(variable, "").strip()
    if secret and not _PRINTABLE_ASCII.fullmatch(secret):
        raise click.ClickException(f"{variable} is invalid; expected printable ASCII characters without spaces")
    return secret


def require_credential(variable: str) -> str:
    """Return the credential in an environment variable. Raises `click.ClickException` for a missing or invalid one."""
    credential = read_credential(variable)
    if not credential:
        raise click.ClickException(f"{variable} is not set; expected {_CREDENTIALS[variable]}")
    return credential


def open_gateway(secret_variable: str) -> Gateway:
    """Return the gateway named by NOTIFYGATE_URL, with the credential in the variable `secret_variable`.

    Raises `click.ClickException` for a missing or invalid credential and for an invalid URL.
    """
    secret = require_credential(secret_variable)
    return Gateway(os.environ.get("NOTIFYGATE_URL", "").strip() or DEFAULT_URL, secret)


def parse_url(url: str, name: str) -> SplitResult:
    """Return the parts of a gateway's URL, which is that of `name`. Raises `click.ClickException` for an invalid one.

    The messages don't repeat the URL, which may contain a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError
        (parts.hostname or "").encode("idna")  # raises UnicodeError
    except ValueError:
        raise click.ClickException(f"{name} is not a valid URL; expected http://HOST or https://HOST") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.ClickException(f"{name} has no scheme or host; expected http://HOST or https://HOST")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise click.ClickException(f"{name} must not contain a user name, password, query or fragment")
    if not _PRINTABLE_ASCII.fullmatch(url):
        raise click.ClickException(f"{name} must contain printable ASCII characters only, without spaces")
    return parts

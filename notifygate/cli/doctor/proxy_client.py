"""Requests through a URL, each on a connection of its own, with all of the answer and nothing hidden."""

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from notifygate.cli.gateway_http import connection_to, is_answer_without_tls, parse_url
from notifygate.cli.http_answer import Answer

_REMEDY = "correct --url, or start what should answer there"
_CERTIFICATE_REMEDY = (
    "configure the proxy to send the whole chain of a certificate for this name, or name its authority in SSL_CERT_FILE"
)


class NoAnswerError(Exception):
    """The connection could not be made, or ended before the answer did.

    - `seconds`: after how long
    - `remedy`: what to do if the first request meets it
    """

    def __init__(self, message: str, seconds: float, remedy: str) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.remedy = remedy


@dataclass(frozen=True)
class ProxyAnswer(Answer):
    """An answer of any status, after `seconds`."""

    seconds: float
    not_after: float | None
    """When the certificate ends (Unix seconds); None without TLS."""

    @property
    def is_of_the_gateway(self) -> bool:
        """Whether the gateway itself has refused: each of its errors is a problem document with a code."""
        return self.headers.get_content_type() == "application/problem+json" and "code" in self.document


class ProxyClient:
    """A client of the gateway at a URL, perhaps behind a proxy. `token`: a recipient's."""

    def __init__(self, url: str, token: str) -> None:
        """Raises `click.ClickException` for an invalid URL."""
        self._parts = parse_url(url, "--url")
        self._prefix = self._parts.path.rstrip("/")
        self.is_https = self._parts.scheme == "https"
        self._token = token

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nothing leaves this machine."""
        return self._parts.hostname in ("127.0.0.1", "localhost", "::1")

    def is_at(self, bind: str) -> bool:
        """Return whether the URL is that of the gateway itself, which listens at `bind`."""
        return self.is_on_this_machine and not self.is_https and bind.endswith(f":{self._parts.port or 80}")

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> ProxyAnswer:
        """Send one request. Raises NoAnswerError."""
        connection = connection_to(self._parts, timeout_seconds)
        fields = {"Authorization": f"Bearer {self._token}", "User-Agent": "notifygate-doctor", **(headers or {})}
        began = time.monotonic()
        try:
            connection.request(method, self._prefix + path, body, fields)
            # Asked for now: the socket may be gone once the answer is read.
            not_after = _not_after(connection.sock)
            response = connection.getresponse()
            return ProxyAnswer(response.status, response.headers, response.read(), time.monotonic() - began, not_after)
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate is not trusted ({error.verify_message})"
            raise NoAnswerError(message, 0, _CERTIFICATE_REMEDY) from error
        except TimeoutError as error:
            message = f"no answer within {timeout_seconds:g} s"
            raise NoAnswerError(message, time.monotonic() - began, _REMEDY) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or "the connection ended early"
            if is_answer_without_tls(error):
                reason = "the server does not use TLS"
            raise NoAnswerError(reason, time.monotonic() - began, _REMEDY) from error
        finally:
            connection.close()

    def answers_before_body(self, path: str, seconds: float) -> bool:
        """Return whether a POST is answered within a time although a byte of its body is missing.

        Raises NoAnswerError if the connection can't be made, or ends.
        """
        connection = connection_to(self._parts, seconds)
        try:
            connection.putrequest("POST", self._prefix + path)
            connection.putheader("Authorization", f"Bearer {self._token}")
            connection.putheader("Content-Type", "text/plain")
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"x")
            connection.getresponse()
        except TimeoutError:
            return False
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError("the connection ended early", 0, _REMEDY) from error
        finally:
            connection.close()
        return True


def _not_after(socket: object) -> float | None:
    if not isinstance(socket, ssl.SSLSocket):
        return None
    end = (socket.getpeercert() or {}).get("notAfter")
    return float(ssl.cert_time_to_seconds(end)) if isinstance(end, str) else None

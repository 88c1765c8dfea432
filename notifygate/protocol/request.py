"""A request as a value, independent of its transport.

The WSGI adapter makes one from an environ, the fast path from bytes. The body is read on demand, since no body is read
for a caller without a credential.
"""

import codecs
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from notifygate.errors import InvalidRequestError

CACHE_BUSTER = "_"
"""Query parameter that scripts for old browsers append to bypass caches; ignored."""

NO_PARAMS: Mapping[str, str] = {}
"""Parameters of a path without variable parts."""

MAX_BODY_BYTES = 64 * 1024
"""Maximum of a request body (docs/protocol.md section 1)."""


def _percent_encode(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # registered for decoding only  # noqa: S101
    return "".join(f"%{byte:02X}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("notifygate.percent", _percent_encode)


class Request:
    """One HTTP request."""

    __slots__ = ("address", "fields", "is_http_11", "keep_alive", "method", "params", "path", "query", "read_body")

    def __init__(
        self,
        method: str,
        path: bytes,
        query: bytes,
        fields: Mapping[bytes, bytes],
        *,
        read_body: Callable[[], bytes],
        params: Mapping[str, str] = NO_PARAMS,
        address: str = "unknown",
        is_http_11: bool = True,
        keep_alive: bool = True,
    ) -> None:
        self.method = method
        self.path = path
        """The path: as received on the fast path, percent-decoded by the server in WSGI."""
        self.query = query
        """The query string, still encoded."""
        self.fields = fields
        """Header fields by lower-case name."""
        self.read_body = read_body
        """Returns the body. Raises PayloadTooLargeError, and InvalidRequestError for a body that ends early."""
        self.params = params
        """Variable parts of the path, decoded."""
        self.address = address
        """Address of the client, as far as the proxies in front are trusted."""
        self.is_http_11 = is_http_11
        self.keep_alive = keep_alive
        """Whether the connection stays open after the response (RFC 9112 section 9.3)."""

    def field(self, name: bytes) -> str | None:
        """Return a header field as Latin-1 text (RFC 9110 section 5.5), None if it is absent."""
        value = self.fields.get(name)
        return None if value is None else value.decode("latin-1")


def no_body() -> bytes:
    """Read the body of a request without one."""
    return b""


NO_REQUEST = Request("", b"", b"", {}, read_body=no_body)
"""Replaces the request of a hold, which is no longer needed."""


def parse_query(query: bytes) -> dict[str, str]:
    """Return the query parameters without the cache buster.

    Bytes that are not UTF-8 stay percent-encoded. Raises InvalidRequestError for a repeated parameter.
    """
    values: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="notifygate.percent"):
        if name == CACHE_BUSTER:
            continue
        if name in values:
            raise InvalidRequestError.of(name, "is repeated; give it once")
        values[name] = value
    return values

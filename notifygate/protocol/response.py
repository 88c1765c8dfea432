"""A response as a value, and the header fields that several responses share."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

SERVER_NAME = "notifygate"
"""The `Server` field of every response (RFC 9110 section 10.2.4), without a version, which would help attackers
only."""

PRIVATE = b"Cache-Control: private, no-cache\r\nVary: Authorization, Accept-Encoding\r\n"
"""A shared cache must not store the response, and a private one must revalidate it before it uses it again."""

NO_SNIFFING = b"X-Content-Type-Options: nosniff\r\n"
"""Forbids browsers to guess another media type (Fetch standard)."""

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")
"""Request ids of callers that are repeated in responses and in the log."""

CLIENT_GONE = 499
"""The status of a request whose client closed the connection, as in nginx' logs. No client receives it."""


class Response:
    """Status, header fields and body.

    `fields` are those of this response alone, as complete lines; `Encoder` adds the ones that all responses have.
    """

    __slots__ = ("body", "fields", "revalidation", "status")

    def __init__(self, status: int, body: bytes = b"", fields: bytes = b"") -> None:
        self.status = status
        self.body = body
        self.fields = fields
        self.revalidation: Any = None
        """The preconditions of a 304, for the fast path: the same request gets the same response while they hold."""


def reason_phrase(status: int) -> str:
    """Return the text after a status in a status line, in capitals as gunicorn sends it.

    Of several libraries only one is asked: Python 3.13 took over the phrases of RFC 9110, Werkzeug has those before it.
    """
    return "UNKNOWN" if status == CLIENT_GONE else HTTPStatus(status).phrase.upper()


def field_lines(fields: Mapping[str, str]) -> bytes:
    """Return header fields as lines, each with its CRLF (RFC 9112 section 5)."""
    return "".join([f"{name}: {value}\r\n" for name, value in fields.items()]).encode("latin-1")


def json_response(body: bytes, status: int = 200, fields: bytes = b"") -> Response:
    """Return a JSON response that is private to the caller."""
    return Response(status, body, b"Content-Type: application/json\r\n%b%b" % (PRIVATE, fields))

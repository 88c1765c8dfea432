"""Requests as clients write them. Words in `<...>` stand for values of a running gateway: see `fill`."""

import re
from collections.abc import Mapping

TOKEN = "Authorization: Bearer <token>"
KEY = "Authorization: Bearer <key>"
JSON = "Content-Type: application/json"
MATCHING = 'If-None-Match: W/"<etag>"'
NOW = "/v1/inbox?cursor=<cursor>"
UNREAD = "/v1/inbox/unread"
HELD = NOW + "&wait=1"
NEWS = '{"to": "user:<name>", "title": "News"}'

NAME = "rrrrrr"
"""A recipient's name for `<name>`. All are equally long, since Content-Length counts them."""

_WORD = re.compile(rb"<[a-z-]+>")


def request(
    target: str = NOW,
    *fields: str,
    method: str = "GET",
    version: str = "HTTP/1.1",
    host: str | None = "Host: gateway",
    token: str | None = TOKEN,
    body: str = "",
) -> bytes:
    """Return a request; `fields` follow Host and Authorization, line by line. Latin-1 stands for bytes."""
    lines = [f"{method} {target} {version}", *(line for line in (host, token) if line is not None), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


def publication(
    body: str = NEWS,
    *fields: str,
    key: str | None = KEY,
    kind: str | None = JSON,
    length: int | None = None,
    **options: str,
) -> bytes:
    """Return a request that publishes. `length`: only if it is not the body's."""
    if length is None:
        length = len(body.replace("<name>", NAME))
    lines = [*([kind] if kind else []), f"Content-Length: {length}", *fields]
    return request("/v1/notifications", *lines, method="POST", token=key, body=body, **options)


def fill(data: bytes, words: Mapping[bytes, bytes]) -> bytes:
    """Replace words by their values."""
    return _WORD.sub(lambda word: words[word[0]], data)

"""The browser client's files under /static/notifygate/.

Each has two names: one with a hash of its content, which caches may keep for ever, and the plain one, which must be
revalidated each time and is then answered with 304. Compression happens once, at the start.
"""

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

from notifygate.errors import NotFoundError
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.pipeline import Endpoint
from notifygate.protocol.response import Response, field_lines
from notifygate.services import Services

FOLDER = Path(__file__).parents[1] / "web" / "static"
"""The built files of the browser client."""

HASH_CHARACTERS = 12
"""Hex digits of a file's SHA-256 in its hashed name and its entity tag."""


def hashed_name(name: str) -> str:
    """Return the name of a file that includes the hash of its content: `notifygate.js` -> `notifygate.<hash>.js`."""
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{_hash((FOLDER / name).read_bytes())}.{ending}"


@functools.cache
def compressed(content: bytes) -> bytes:
    """Return content as gzip, the same bytes at every start, so that its entity tag stays the same."""
    return gzip.compress(content, 9, mtime=0)


def cacheable_response(exchange: Exchange, content: bytes, media_type: str, fields: Mapping[str, str]) -> Response:
    """Return content with a strong entity tag, or 304 if the client has it."""
    tag = _hash(content)
    fields = {**fields, "ETag": f'"{tag}"'}
    if parse_etags(exchange.request.field(b"if-none-match")).contains_weak(tag):
        return Response(304, b"", field_lines(fields))
    return Response(200, content, field_lines({"Content-Type": media_type, **fields}))


def static_files() -> Endpoint:
    """Read the files once, and return the endpoint that serves them from memory."""
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
    small = {name: compressed(content) for name, content in files.items()}
    hashed = {hashed_name(name): name for name in files}

    def get_static_file(exchange: Exchange, services: Services) -> Response:
        name = exchange.request.params["name"]
        plain = hashed.get(name, name)
        if plain not in files:
            raise NotFoundError("The file does not exist.")
        fields = {
            "Cache-Control": "public, max-age=31536000, immutable" if name in hashed else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if not parse_accept_header(exchange.request.field(b"accept-encoding"), Accept)["gzip"]:
            return cacheable_response(exchange, files[plain], media_type_of(plain), fields)
        return cacheable_response(exchange, small[plain], media_type_of(plain), {**fields, "Content-Encoding": "gzip"})

    return Endpoint("GET", "/static/notifygate/<name>", "open", get_static_file)


def media_type_of(name: str) -> str:
    """Return the Content-Type of a file, by its ending."""
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]

"""The browser client's files under /static/notifygate/.

Each has two names: one with a hash of its content, which may be cached for ever, and the plain one, which has to be
asked for again each time and is then answered with 304. Whoever accepts gzip gets it: it is made once, at the start.
"""

import functools
import gzip
import hashlib
import mimetypes
from pathlib import Path

from flask import Flask, Response, request

from notifygate.errors import NotFoundError

FOLDER = Path(__file__).parents[1] / "web" / "static"
HASH_CHARACTERS = 12


def hashed_name(name: str) -> str:
    """Return the name of a file that includes the hash of its content: `notifygate.js` -> `notifygate.<hash>.js`."""
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{_hash((FOLDER / name).read_bytes())}.{ending}"


@functools.cache
def compressed(content: bytes) -> bytes:
    """Return content as gzip, the same bytes at every start, so that their ETag stays what it was."""
    return gzip.compress(content, 9, mtime=0)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]


def register_static_files(app: Flask) -> None:
    """Read the files once and serve them from memory."""
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
    small = {name: compressed(content) for name, content in files.items()}
    hashed = {hashed_name(name): name for name in files}

    def static_file(name: str) -> Response:
        plain = hashed.get(name, name)
        if plain not in files:
            raise NotFoundError("There is no such file.")
        is_small = bool(request.accept_encodings["gzip"])
        content = small[plain] if is_small else files[plain]
        response = Response(content, mimetype=mimetypes.guess_type(plain)[0] or "application/octet-stream")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if name in hashed else "no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        if is_small:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(_hash(content))
        response.make_conditional(request)
        return response

    app.add_url_rule("/static/notifygate/<name>", "static_file", static_file)

"""The browser client's files under /static/notifygate/.

Each has two names: one with a hash of its content, which may be cached for ever, and the plain one, which has to be
asked for again each time and is then answered with 304.
"""

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


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]


def register_static_files(app: Flask) -> None:
    """Read the files once and serve them from memory."""
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
    hashed = {hashed_name(name): name for name in files}

    def static_file(name: str) -> Response:
        plain = hashed.get(name, name)
        if plain not in files:
            raise NotFoundError("There is no such file.")
        response = Response(files[plain], mimetype=mimetypes.guess_type(plain)[0] or "application/octet-stream")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if name in hashed else "no-cache"
        response.set_etag(_hash(files[plain]))
        response.make_conditional(request)
        return response

    app.add_url_rule("/static/notifygate/<name>", "static_file", static_file)

"""Cursors: a position in the log, bound to one recipient with its roles, as one opaque text.

A cursor is a version character and one AES-128 block in base64url: 20 bits of epoch, 44 bits of sequence, 64 bits of a
keyed tag over the recipient and the roles. The block cipher hides all of it, and a changed bit gives a random block,
whose tag and epoch match with a probability of 2**-84. 44 bits of sequence last 55 years at 10,000 changes a second.
The same text serves as ETag (docs/protocol.md section 4): since the tag differs between recipients, so do their ETags,
at every position.
"""

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from notifygate.domain.key_derivation import derive_key
from notifygate.errors import InvalidCursorError

CURSOR_CHARACTERS = 23
"""Length of a cursor: a version and 16 bytes in base64url without padding."""

EPOCH_BITS = 20
"""Bits of the epoch in a cursor."""

MAX_SEQUENCE = (1 << 44) - 1
"""Largest sequence number that fits into a cursor."""

_VERSION = "1"
# Between these two a block becomes 28 characters of base64, of which the fourth to the 26th are a cursor.
_BEFORE_BLOCK, _BEHIND_BLOCK = base64.b64decode(f"AAA{_VERSION}"), bytes(2)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SHAPE = re.compile(rf"{_VERSION}[A-Za-z0-9_-]{{{CURSOR_CHARACTERS - 1}}}")
_TAG_SUFFIX = re.compile(r"(?:[-:;.+_]+[a-z0-9]+)*", re.IGNORECASE)


def _base64url(data: bytes) -> bytes:
    # base64's own function calls two more, a measurable cost for a wake of one.
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE)


def _position(epoch: int, seq: int) -> bytes:
    return (epoch << 44 | seq).to_bytes(8, "big")


def fingerprint(secret: str) -> str:
    """Return 16 hex characters that identify a gateway secret and reveal nothing of it."""
    return derive_key(secret, b"fingerprint v1").hex()[:16]


class _Key:
    """One gateway secret with its cipher contexts, which are kept since creating one costs more than using it."""

    def __init__(self, secret: str) -> None:
        # ECB of exactly one block is the bare block cipher, as the module's docstring requires.
        cipher = Cipher(algorithms.AES(derive_key(secret, b"cursor cipher v1")[:16]), modes.ECB())  # noqa: S305
        self.encrypt = cipher.encryptor().update
        self.decrypt = cipher.decryptor().update
        self._tag_key = derive_key(secret, b"cursor tag v1")

    def tag(self, recipient: str, roles: Sequence[str]) -> bytes:
        text = "\n".join((recipient, *roles))  # unambiguous: names have no control characters
        return hmac.digest(self._tag_key, text.encode(), "sha256")[:8]


class CursorCodec:
    """Encodes and decodes cursors. The first secret encodes, every secret can decode (rotation)."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [_Key(secret) for secret in secrets]
        self.has_one_secret = len(self._keys) == 1
        """Then a position has just one cursor for each recipient. While secrets are rotated it has several, and a
        client's own cursor must not be returned to it, or clients would keep the old ones for ever."""

    def tag(self, recipient: str, roles: Sequence[str]) -> bytes:
        """Return the 64-bit tag that binds a cursor to a recipient with these roles."""
        return self._keys[0].tag(recipient, roles)

    def encode(self, epoch: int, seq: int, tag: bytes) -> str:
        """Return the cursor of a position for the recipient of a tag (`tag`)."""
        block = self._keys[0].encrypt(_position(epoch, seq) + tag)
        return _VERSION + _base64url(block)[: CURSOR_CHARACTERS - 1].decode()

    def encode_for_all(self, epoch: int, seq: int, tags: Sequence[bytes]) -> list[str]:
        """Return the cursors of one position for many recipients: the cipher and base64 are called once for all."""
        if len(tags) < 2:  # as with most wakes; the rest is faster for many only
            return [self.encode(epoch, seq, tag) for tag in tags]
        blocks = self._keys[0].encrypt(_position(epoch, seq).join((b"", *tags)))
        apart = (_BEHIND_BLOCK + _BEFORE_BLOCK).join([block for (block,) in struct.iter_unpack("16s", blocks)])
        text = _base64url(_BEFORE_BLOCK + apart + _BEHIND_BLOCK).decode()
        return [text[start : start + CURSOR_CHARACTERS] for start in range(3, len(text), 28)]

    def decode(self, cursor: str, epoch: int, recipient: str, roles: Sequence[str], tag: bytes) -> int | None:
        """Return the sequence of a cursor; None if it belongs to another recipient, other roles or another epoch.

        `tag` is the recipient's tag under the first secret, which callers cache. Raises InvalidCursorError for a text
        without the length, alphabet and version of a cursor.
        """
        if not _SHAPE.fullmatch(cursor):
            raise InvalidCursorError("The text is not a cursor of this gateway; poll without a cursor.")
        try:
            block = base64.b64decode(cursor[1:] + "==", b"-_", validate=True)
        except binascii.Error as error:
            raise InvalidCursorError("The text is not a cursor of this gateway; poll without a cursor.") from error
        for index, key in enumerate(self._keys):
            plain = key.decrypt(block)
            position = int.from_bytes(plain[:8], "big")
            wanted = tag if index == 0 else key.tag(recipient, roles)
            if plain[8:] == wanted and position >> 44 == epoch:
                return position & MAX_SEQUENCE
        return None


def etag(cursor: str) -> str:
    """Return a cursor as a weak entity tag (RFC 9110 section 8.8.3)."""
    return f'W/"{cursor}"'


def cursors_of_if_none_match(header: str | None) -> list[str]:
    """Return the cursors in an If-None-Match or If-Match header, in order.

    Weak or strong, quoted or not, with or without a suffix of a compressing proxy (`-gzip`, `:gzip`): only the cursor
    matters (docs/protocol.md section 4). Other texts are left out, `*` too.
    """
    cursors: list[str] = []
    for part in (header or "").split(","):
        text = part.strip().removeprefix("W/").strip('"')
        cursor, suffix = text[:CURSOR_CHARACTERS], text[CURSOR_CHARACTERS:]
        if _SHAPE.fullmatch(cursor) and _TAG_SUFFIX.fullmatch(suffix):
            cursors.append(cursor)
    return cursors

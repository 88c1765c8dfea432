"""The seal of announcements, so that Redis can neither read, forge, alter nor relocate them.

AES-256-GCM-SIV (RFC 8452) under a key derived from the gateway secret. The sealed part is preceded by plain fields: a
version, the sender, the id of the key, the epoch and the range; they are authenticated together with the channel. So an
announcement can be decrypted only for its own channel, epoch and range. A replayed one has entries that the tail
already has.

The nonce is random. In this mode a nonce that repeats by chance reveals no more than whether two messages are equal;
RFC 8452 section 9 has the bounds.
"""

import secrets
import struct
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from notifygate.announcements.announcement import MAX_CARRIED_BYTES, Announcement, from_bytes, to_bytes
from notifygate.domain.key_derivation import derive_key

_VERSION = 1
_SENDER_BYTES = 8
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16

_HEADER = struct.Struct(f">B{_SENDER_BYTES}s{_KEY_ID_BYTES}sIQQ")
_SEALED_AT = _HEADER.size + _NONCE_BYTES

MAX_MESSAGE_BYTES = _SEALED_AT + MAX_CARRIED_BYTES + _TAG_BYTES
"""The largest message that `AnnouncementSeal.seal` makes; anything longer is not an announcement."""


class AnnouncementSeal:
    """Seals the announcements of one process and opens those of others on one channel.

    The first secret seals; each of them opens (rotation). The id of the key selects the secret, so that a message costs
    one decryption at most, for any number of secrets.
    """

    def __init__(self, gateway_secrets: Sequence[str], channel: str) -> None:
        keys = {_key_id(secret): AESGCMSIV(derive_key(secret, b"announcement seal v1")) for secret in gateway_secrets}
        self._keys = keys
        self._key_id = _key_id(gateway_secrets[0])
        self._channel = channel.encode()
        self._sender = secrets.token_bytes(_SENDER_BYTES)
        self._own = bytes([_VERSION]) + self._sender

    def is_own(self, message: bytes) -> bool:
        """Return whether a message names this process as its sender. Not authenticated: only good for ignoring it."""
        return message.startswith(self._own)

    def seal(self, announcement: Announcement) -> bytes:
        """Return the message that carries an announcement."""
        epoch, first, last = announcement[:3]
        header = _HEADER.pack(_VERSION, self._sender, self._key_id, epoch, first, last)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return header + nonce + self._keys[self._key_id].encrypt(nonce, to_bytes(announcement), self._bound_to(header))

    def open(self, message: bytes) -> Announcement:
        """Return the announcement that a message carries. Raises ValueError for anything but the work of `seal`."""
        if not _SEALED_AT + _TAG_BYTES <= len(message) <= MAX_MESSAGE_BYTES:
            raise ValueError("invalid length")
        header = message[: _HEADER.size]
        version, _, key_id, epoch, first, last = _HEADER.unpack(header)
        key = self._keys.get(key_id)
        if version != _VERSION or key is None:
            raise ValueError("unknown version or key")
        try:
            body = key.decrypt(message[_HEADER.size : _SEALED_AT], message[_SEALED_AT:], self._bound_to(header))
        except InvalidTag:
            raise ValueError("invalid seal") from None
        return from_bytes(body, epoch, first, last)

    def _bound_to(self, header: bytes) -> bytes:
        """Return the associated data. The header has a fixed length, so the channel behind it is unambiguous."""
        return header + self._channel


def _key_id(secret: str) -> bytes:
    return derive_key(secret, b"announcement key id v1")[:_KEY_ID_BYTES]

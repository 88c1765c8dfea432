"""Keys for single purposes, derived from a gateway secret (`NOTIFYGATE_SECRET_KEY`)."""

import hashlib
import hmac


def derive_key(secret: str, purpose: bytes) -> bytes:
    """Return 32 bytes for one purpose, independent of those for any other: HMAC-SHA256 under the secret.

    The secret has at least 256 bits of its own (`settings.MIN_SECRET_BYTES`), so no extraction step is needed before
    (RFC 5869 section 3.3). `purpose` ends in a version, such as `cursor tag v1`.
    """
    return hmac.new(secret.encode(), b"notifygate " + purpose, hashlib.sha256).digest()

"""API keys: `ng_<key id>_<secret>`. The secret is shown once; the database stores a hash of it.

A secret is 256 random bits, so a plain SHA-256 is as good as a slow hash: guessing is hopeless. Every change of a key
is an entry of the log for the workers, so that a revoked key is invalid at once in all of them.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence

from notifygate.domain.audience import GATEWAY
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Publisher
from notifygate.domain.times import now_ms
from notifygate.errors import NotFoundError, UnauthorizedError
from notifygate.log.transaction import LogTransaction
from notifygate.storage.database import Database
from notifygate.storage.stores import keys
from notifygate.storage.stores.keys import StoredKey

PREFIX = "ng_"
"""First characters of every API key, which distinguish it from a token."""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def accepts(key: StoredKey, secret: str, now: int) -> bool:
    """Return whether a secret is a key's, at a time (Unix milliseconds)."""
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return False
    given = _hash(secret)
    if hmac.compare_digest(given, key.secret_hash):
        return True
    if key.previous_secret_hash is None or key.previous_until is None or key.previous_until <= now:
        return False
    return hmac.compare_digest(given, key.previous_secret_hash)


def create_key(
    name: str,
    scopes: Sequence[str],
    audience_patterns: Sequence[str],
    type_patterns: Sequence[str],
    expires_at: int | None,
    *,
    has_fixed_sender: bool = False,
) -> Callable[[LogTransaction], str]:
    """Return the change that makes a key; its result is the key's text, which can't be had again."""
    secret = secrets.token_urlsafe(32)
    publisher = Publisher(
        key_id=secrets.token_hex(6),
        name=name,
        scopes=frozenset(scopes),
        audience_patterns=tuple(audience_patterns),
        type_patterns=tuple(type_patterns),
        has_fixed_sender=has_fixed_sender,
    )

    def change(transaction: LogTransaction) -> str:
        keys.insert_key(transaction.connection, StoredKey(publisher, _hash(secret), transaction.now, expires_at))
        transaction.append(EntryKind.CONFIG, (GATEWAY,))
        return f"{PREFIX}{publisher.key_id}_{secret}"

    return change


def rotate_key(key_id: str, grace_seconds: int) -> Callable[[LogTransaction], str]:
    """Return the change that gives a key a new secret; the old one counts for `grace_seconds` more.

    Its result is the key's new text. It raises NotFoundError for an unknown, revoked or expired key.
    """
    secret = secrets.token_urlsafe(32)

    def change(transaction: LogTransaction) -> str:
        previous_until = transaction.now + grace_seconds * 1000
        if not keys.rotate_key(transaction.connection, key_id, _hash(secret), transaction.now, previous_until):
            raise NotFoundError(
                f"The key {key_id} can't be rotated: it does not exist, is revoked or has expired; expected an id of"
                " 'notifygate key list'."
            )
        transaction.append(EntryKind.CONFIG, (GATEWAY,))
        return f"{PREFIX}{key_id}_{secret}"

    return change


def revoke_key(key_id: str) -> Callable[[LogTransaction], None]:
    """Return the change that ends a key at once. It raises NotFoundError for an unknown or revoked key."""

    def change(transaction: LogTransaction) -> None:
        if not keys.revoke_key(transaction.connection, key_id, transaction.now):
            raise NotFoundError(
                f"The key {key_id} can't be revoked: it does not exist or is revoked already; expected an id of"
                " 'notifygate key list'."
            )
        transaction.append(EntryKind.CONFIG, (GATEWAY,))

    return change


class KeyVerifier:
    """Verifies API keys. All keys in use are cached, and read again after an entry about keys.

    So nearly every valid key is in memory (`recall`); the database (`verify`) is for a key that was created or rotated
    a moment ago, before this worker has read its entry.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, StoredKey] = {}
        self._generation = 0

    def load(self) -> None:
        """Read the keys that are in use from the database. Raises UnavailableError."""
        self._generation += 1
        self._known = self._database.read(lambda connection: keys.read_usable_keys(connection, now_ms()))

    def recall(self, text: str) -> Publisher | None:
        """Return the publisher of a key's text, None if memory does not know that it is good."""
        key_id, secret = _split(text)
        stored = self._known.get(key_id)
        return stored.publisher if stored is not None and accepts(stored, secret, now_ms()) else None

    def verify(self, text: str) -> Publisher:
        """Return the publisher of a key's text, by the database. Raises UnauthorizedError for every reason alike."""
        key_id, secret = _split(text)
        generation = self._generation
        stored = self._database.read(lambda connection: keys.read_key(connection, key_id)) if key_id else None
        if stored is not None and generation == self._generation:  # else a change came in between
            self._known[key_id] = stored
        if stored is None or not accepts(stored, secret, now_ms()):
            raise UnauthorizedError
        return stored.publisher


def _split(text: str) -> tuple[str, str]:
    """Return the id and the secret of a key's text; an empty id for a text that can't be a key."""
    key_id, separator, secret = text.removeprefix(PREFIX).partition("_")
    is_sane = separator and key_id.isascii() and key_id.isalnum() and len(key_id) <= 64
    return (key_id, secret) if is_sane else ("", "")

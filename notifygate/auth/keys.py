"""API keys: `ng_<key id>_<secret>`. The secret is shown once; what is kept is a hash of it.

A secret is 256 random bits, so a plain SHA-256 is as good as a slow hash: there is nothing to guess. Every change of a
key is an entry of the log for the workers, so that a revoked key is worth nothing at once everywhere.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from notifygate.domain.audience import GATEWAY
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Publisher
from notifygate.domain.times import now_ms
from notifygate.errors import NotFoundError, UnauthorizedError
from notifygate.log.transaction import LogTransaction
from notifygate.storage.database import Database
from notifygate.storage.tables import ApiKey, table

KEYS = table(ApiKey)

PREFIX = "ng_"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is in the database; times in Unix milliseconds."""

    publisher: Publisher
    secret_hash: str
    previous_secret_hash: str | None
    previous_until: int | None
    expires_at: int | None
    revoked_at: int | None
    created_at: int

    def accepts(self, secret: str, now: int) -> bool:
        """Tell whether a secret is this key's, now."""
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return False
        given = _hash(secret)
        if hmac.compare_digest(given, self.secret_hash):
            return True
        if self.previous_secret_hash is None or self.previous_until is None or self.previous_until <= now:
            return False
        return hmac.compare_digest(given, self.previous_secret_hash)


def _from_row(row: Row[Any]) -> StoredKey:
    publisher = Publisher(
        key_id=row.id,
        name=row.name,
        scopes=frozenset(json.loads(row.scopes)),
        audience_patterns=tuple(json.loads(row.audience_patterns)),
        type_patterns=tuple(json.loads(row.type_patterns)),
        has_fixed_sender=bool(row.fixed_sender),
    )
    return StoredKey(
        publisher, row.secret_hash, row.previous_secret_hash, row.previous_until, row.expires_at, row.revoked_at,
        row.created_at,
    )  # fmt: skip


def list_keys(connection: Connection) -> list[StoredKey]:
    """Read all keys, oldest first."""
    return [_from_row(row) for row in connection.execute(select(KEYS).order_by(KEYS.c.created_at, KEYS.c.id))]


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
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)

    def change(transaction: LogTransaction) -> str:
        transaction.connection.execute(
            insert(KEYS).values(
                id=key_id,
                name=name,
                scopes=json.dumps(sorted(scopes)),
                audience_patterns=json.dumps(list(audience_patterns)),
                type_patterns=json.dumps(list(type_patterns)),
                secret_hash=_hash(secret),
                expires_at=expires_at,
                created_at=transaction.now,
                fixed_sender=has_fixed_sender,
            )
        )
        transaction.append(EntryKind.CONFIG, (GATEWAY,))
        return f"{PREFIX}{key_id}_{secret}"

    return change


def rotate_key(key_id: str, grace_seconds: int) -> Callable[[LogTransaction], str]:
    """Return the change that gives a key a new secret; the old one counts for `grace_seconds` more.

    Its result is the key's new text. It raises NotFoundError for an unknown or revoked key.
    """
    secret = secrets.token_urlsafe(32)

    def change(transaction: LogTransaction) -> str:
        present = (KEYS.c.id == key_id) & KEYS.c.revoked_at.is_(None)
        row = transaction.connection.execute(select(KEYS.c.secret_hash).where(present)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no key {key_id} that could be rotated.")
        transaction.connection.execute(
            update(KEYS)
            .where(present)
            .values(
                secret_hash=_hash(secret),
                previous_secret_hash=row.secret_hash,
                previous_until=transaction.now + grace_seconds * 1000,
            )
        )
        transaction.append(EntryKind.CONFIG, (GATEWAY,))
        return f"{PREFIX}{key_id}_{secret}"

    return change


def revoke_key(key_id: str) -> Callable[[LogTransaction], None]:
    """Return the change that ends a key at once. It raises NotFoundError for an unknown or revoked key."""

    def change(transaction: LogTransaction) -> None:
        present = (KEYS.c.id == key_id) & KEYS.c.revoked_at.is_(None)
        result = transaction.connection.execute(update(KEYS).where(present).values(revoked_at=transaction.now))
        if not result.rowcount:
            raise NotFoundError(f"There is no key {key_id} that could be revoked.")
        transaction.append(EntryKind.CONFIG, (GATEWAY,))

    return change


def _read_usable(connection: Connection) -> dict[str, StoredKey]:
    usable = KEYS.c.revoked_at.is_(None) & (KEYS.c.expires_at.is_(None) | (KEYS.c.expires_at > now_ms()))
    return {row.id: _from_row(row) for row in connection.execute(select(KEYS).where(usable))}


class KeyVerifier:
    """Checks API keys. All that are in use are kept in memory, and read again when an entry says that one has changed.

    So memory knows nearly every key that is good (`recall`); the database (`verify`) is for one that was made or
    rotated a moment ago, of which this worker has not been informed yet.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, StoredKey] = {}
        self._generation = 0

    def load(self) -> None:
        """Read the keys that are in use from the database. Raises UnavailableError."""
        self._generation += 1
        self._known = self._database.read(_read_usable)

    def recall(self, text: str) -> Publisher | None:
        """Return the publisher of a key's text, None if memory does not know that it is good."""
        key_id, secret = _split(text)
        stored = self._known.get(key_id)
        return stored.publisher if stored is not None and stored.accepts(secret, now_ms()) else None

    def verify(self, text: str) -> Publisher:
        """Return the publisher of a key's text, by the database. Raises UnauthorizedError for every reason alike."""
        key_id, secret = _split(text)
        stored = self._read(key_id) if key_id else None
        if stored is None or not stored.accepts(secret, now_ms()):
            raise UnauthorizedError
        return stored.publisher

    def _read(self, key_id: str) -> StoredKey | None:
        generation = self._generation

        def work(connection: Connection) -> StoredKey | None:
            row = connection.execute(select(KEYS).where(KEYS.c.id == key_id)).one_or_none()
            return None if row is None else _from_row(row)

        stored = self._database.read(work)
        if stored is not None and generation == self._generation:  # else a change came in between
            self._known[key_id] = stored
        return stored


def _split(text: str) -> tuple[str, str]:
    """Return the id and the secret of a key's text; an empty id for a text that can't be a key."""
    key_id, separator, secret = text.removeprefix(PREFIX).partition("_")
    is_sane = separator and key_id.isascii() and key_id.isalnum() and len(key_id) <= 64
    return (key_id, secret) if is_sane else ("", "")

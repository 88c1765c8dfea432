"""API keys, without their secrets: only hashes are stored."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from notifygate.domain.principal import Publisher
from notifygate.storage.tables import ApiKey, table

KEYS = table(ApiKey)
"""The table of API keys."""

_ALL = select(KEYS).order_by(KEYS.c.created_at, KEYS.c.id)
_BY_ID = select(KEYS).where(KEYS.c.id == bindparam("key_id"))
_USABLE = select(KEYS).where(
    KEYS.c.revoked_at.is_(None), KEYS.c.expires_at.is_(None) | (KEYS.c.expires_at > bindparam("now"))
)
_INSERT = insert(KEYS)
_IS_PRESENT = (KEYS.c.id == bindparam("key_id")) & KEYS.c.revoked_at.is_(None)
_REVOKE = update(KEYS).where(_IS_PRESENT).values(revoked_at=bindparam("at"))
# Both databases take the right-hand sides from the row as it was: it keeps the hash of the old secret.
_ROTATE = (
    update(KEYS)
    .where(_IS_PRESENT)
    .values(
        secret_hash=bindparam("new_hash"),
        previous_secret_hash=KEYS.c.secret_hash,
        previous_until=bindparam("until"),
    )
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row of the database about a key; times in Unix milliseconds."""

    publisher: Publisher
    secret_hash: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    previous_secret_hash: str | None = None
    previous_until: int | None = None


def read_keys(connection: Connection) -> list[StoredKey]:
    """Read all keys, oldest first."""
    return [_from_row(row) for row in connection.execute(_ALL)]


def read_usable_keys(connection: Connection, now: int) -> dict[str, StoredKey]:
    """Read the keys, by id, that are neither revoked nor expired at a time (Unix milliseconds)."""
    return {row.id: _from_row(row) for row in connection.execute(_USABLE, {"now": now})}


def read_key(connection: Connection, key_id: str) -> StoredKey | None:
    """Read the key with an id, None if there is none."""
    row = connection.execute(_BY_ID, {"key_id": key_id}).one_or_none()
    return None if row is None else _from_row(row)


def insert_key(connection: Connection, key: StoredKey) -> None:
    """Write a new key."""
    publisher = key.publisher
    values = {
        "id": publisher.key_id,
        "name": publisher.name,
        "scopes": json.dumps(sorted(publisher.scopes)),
        "audience_patterns": json.dumps(publisher.audience_patterns),
        "type_patterns": json.dumps(publisher.type_patterns),
        "secret_hash": key.secret_hash,
        "expires_at": key.expires_at,
        "created_at": key.created_at,
        "fixed_sender": publisher.has_fixed_sender,
    }
    connection.execute(_INSERT, values)


def rotate_key(connection: Connection, key_id: str, secret_hash: str, previous_until: int) -> bool:
    """Give a key another secret, the old one being valid until a time; False for an unknown or revoked key."""
    values = {"key_id": key_id, "new_hash": secret_hash, "until": previous_until}
    return connection.execute(_ROTATE, values).rowcount > 0


def revoke_key(connection: Connection, key_id: str, revoked_at: int) -> bool:
    """Revoke a key; False for an unknown or revoked key."""
    return connection.execute(_REVOKE, {"key_id": key_id, "at": revoked_at}).rowcount > 0


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
        publisher, row.secret_hash, row.created_at, row.expires_at, row.revoked_at, row.previous_secret_hash,
        row.previous_until,
    )  # fmt: skip

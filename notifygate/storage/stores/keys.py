"""API keys, without their secrets: only hashes are stored."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from notifygate.domain.principal import Publisher
from notifygate.storage.tables import API_KEYS


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
    return [
        _from_row(row) for row in connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id))
    ]


def read_usable_keys(connection: Connection, now: int) -> dict[str, StoredKey]:
    """Read the keys, by id, that are neither revoked nor expired at a time (Unix milliseconds)."""
    usable = select(API_KEYS).where(API_KEYS.c.revoked_at.is_(None), _is_unexpired(now))
    return {row.id: _from_row(row) for row in connection.execute(usable)}


def read_key(connection: Connection, key_id: str) -> StoredKey | None:
    """Read the key with an id, None if there is none."""
    row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).one_or_none()
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
    connection.execute(insert(API_KEYS), values)


def rotate_key(connection: Connection, key_id: str, secret_hash: str, now: int, previous_until: int) -> bool:
    """Give a key another secret, the old one being valid until a time; False for an unknown, revoked or expired key."""
    # Both databases take the right-hand sides from the row as it was: it keeps the hash of the old secret.
    return _update(
        connection,
        key_id,
        _is_unexpired(now),
        secret_hash=secret_hash,
        previous_secret_hash=API_KEYS.c.secret_hash,
        previous_until=previous_until,
    )


def revoke_key(connection: Connection, key_id: str, revoked_at: int) -> bool:
    """Revoke a key; False for an unknown or revoked key."""
    return _update(connection, key_id, revoked_at=revoked_at)


def _is_unexpired(now: int) -> ColumnElement[bool]:
    return API_KEYS.c.expires_at.is_(None) | (API_KEYS.c.expires_at > now)


def _update(connection: Connection, key_id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Change a key that is not revoked and meets the conditions; return whether there is one."""
    is_present = API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None)
    return connection.execute(update(API_KEYS).where(*is_present, *conditions).values(**values)).rowcount > 0


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

"""The outcomes of requests with an Idempotency-Key. They are written with their notification
(`notifygate.storage.stores.append`)."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from notifygate.storage.tables import IdempotencyRecord, table

RECORDS = table(IdempotencyRecord)
"""The table of Idempotency-Keys."""

_IS_OLD = RECORDS.c.created_at < bindparam("cutoff")
_IS_RECORD = (RECORDS.c.key_id == bindparam("key_id"), RECORDS.c.idempotency_key == bindparam("idempotency_key"))
_RECORD = select(RECORDS.c.request_hash, RECORDS.c.answer, RECORDS.c.created_at).where(*_IS_RECORD)
_DELETE_OLD_RECORD = delete(RECORDS).where(*_IS_RECORD, _IS_OLD)
_DELETE_OLD = delete(RECORDS).where(_IS_OLD)


class StoredOutcome(NamedTuple):
    """The first request with an Idempotency-Key."""

    request_hash: str
    answer: str
    """JSON text."""
    created_at: int
    """Unix milliseconds."""


def read_outcome(connection: Connection, key_id: str, idempotency_key: str) -> StoredOutcome | None:
    """Read the outcome of the first request of an API key with an Idempotency-Key, None if there is none."""
    row = connection.execute(_RECORD, {"key_id": key_id, "idempotency_key": idempotency_key}).one_or_none()
    return None if row is None else StoredOutcome(*row)


def delete_old_outcome(connection: Connection, key_id: str, idempotency_key: str, cutoff: int) -> None:
    """Delete one outcome if it is from before a time (Unix milliseconds)."""
    values = {"key_id": key_id, "idempotency_key": idempotency_key, "cutoff": cutoff}
    connection.execute(_DELETE_OLD_RECORD, values)


def delete_old_outcomes(connection: Connection, cutoff: int) -> int:
    """Delete all outcomes from before a time (Unix milliseconds); return how many."""
    return connection.execute(_DELETE_OLD, {"cutoff": cutoff}).rowcount

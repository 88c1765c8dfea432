"""The outcomes of requests with an Idempotency-Key. They are written with their notification
(`notifygate.storage.stores.append`)."""

from sqlalchemy import Connection, bindparam, delete, select

from notifygate.storage.tables import RECORDS

# Made once: putting a statement together costs more than running it.
_RECORD = select(RECORDS.c.request_hash, RECORDS.c.answer, RECORDS.c.created_at).where(
    RECORDS.c.key_id == bindparam("key_id"), RECORDS.c.idempotency_key == bindparam("idempotency_key")
)


def read_outcome(connection: Connection, key_id: str, idempotency_key: str) -> tuple[str, str, int] | None:
    """Read the outcome of the first request of an API key with an Idempotency-Key, None if there is none.

    Returns the hash of the request, the answer as JSON text, and the time in Unix milliseconds.
    """
    row = connection.execute(_RECORD, {"key_id": key_id, "idempotency_key": idempotency_key}).one_or_none()
    return None if row is None else (row.request_hash, row.answer, row.created_at)


def delete_old_outcome(connection: Connection, key_id: str, idempotency_key: str, cutoff: int) -> None:
    """Delete one outcome if it is from before a time (Unix milliseconds)."""
    is_record = RECORDS.c.key_id == key_id, RECORDS.c.idempotency_key == idempotency_key
    connection.execute(delete(RECORDS).where(*is_record, RECORDS.c.created_at < cutoff))


def delete_old_outcomes(connection: Connection, cutoff: int) -> int:
    """Delete all outcomes from before a time (Unix milliseconds); return how many."""
    return connection.execute(delete(RECORDS).where(RECORDS.c.created_at < cutoff)).rowcount

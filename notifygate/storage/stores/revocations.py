"""Revoked tokens, a row for each recipient."""

from sqlalchemy import Connection, select, text

from notifygate.storage.tables import REVOCATIONS

# A later revocation covers an earlier one, also where this machine's clock is behind.
_STORE = text("""
    INSERT INTO token_revocations (recipient, issued_before) VALUES (:recipient, :issued_before)
    ON CONFLICT (recipient) DO UPDATE SET issued_before = excluded.issued_before
    WHERE excluded.issued_before > token_revocations.issued_before
""")


def read_revocations(connection: Connection) -> dict[str, int]:
    """Read all revocations: recipient -> Unix milliseconds before which their tokens were issued."""
    rows = connection.execute(select(REVOCATIONS).order_by(REVOCATIONS.c.recipient))
    return {row.recipient: row.issued_before for row in rows}


def store_revocation(connection: Connection, recipient: str, issued_before: int) -> None:
    """Revoke a recipient's tokens that were issued before a time (Unix milliseconds)."""
    connection.execute(_STORE, {"recipient": recipient, "issued_before": issued_before})

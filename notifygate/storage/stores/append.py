"""Writing published notifications: head, notifications, entries, inboxes and idempotency records in one go.

`UPDATE log_head SET head = head + n` assigns the sequence numbers and locks the row until the commit. On PostgreSQL
the update and all inserts are one statement outside any explicit transaction; on SQLite they share one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from notifygate.domain.audience import recipient_of
from notifygate.domain.notification import NewNotification
from notifygate.storage.stores.parameters import as_columns
from notifygate.storage.timeline import CURRENT_TIMELINE, TimelinePolicy, policy_of


class ClaimTakenError(Exception):
    """An Idempotency-Key of a batch was claimed before; nothing of the batch was committed."""


@dataclass(slots=True, frozen=True)
class IdempotencyClaim:
    """The record of a request with an Idempotency-Key, written in the same transaction."""

    key_id: str
    idempotency_key: str
    request_hash: str
    answer: str


@dataclass(slots=True, frozen=True)
class Publication:
    """A notification to be appended, and the claim on its Idempotency-Key."""

    notification: NewNotification
    claim: IdempotencyClaim | None = None


def append_notifications(connection: Connection, batch: Sequence[Publication], now: int) -> tuple[int, int] | None:
    """Write a batch at a time (Unix milliseconds); return the position before its first notification and the epoch.

    On PostgreSQL the connection commits each statement. None: nothing was written, because the server is on another
    timeline than the log, which must be stored first. Raises ClaimTakenError.
    """
    append = _append_sqlite if connection.dialect.name == "sqlite" else _append_postgresql
    try:
        return append(connection, batch, now)
    except IntegrityError as error:
        if _is_of_claim(error):
            raise ClaimTakenError from error
        raise


def _is_of_claim(error: IntegrityError) -> bool:
    """Return whether an error is about a second record of one Idempotency-Key."""
    diagnosis = getattr(error.orig, "diag", None)  # PostgreSQL's message may be in any language
    if diagnosis is not None:
        return diagnosis.constraint_name == "pk_idempotency_records"
    return str(error.orig).startswith("UNIQUE constraint failed: idempotency_records.")


NOTIFICATION_COLUMNS = ("seq", "id", "type", "document", "audiences", "key_id", "created_at", "expires_at")
"""The columns of a published notification, in the order of its values."""


class _Rows:
    """The values of a batch for each table. `place`, from 1, counts its notifications: the position is known later."""

    def __init__(self, batch: Sequence[Publication]) -> None:
        placed = list(enumerate([publication.notification for publication in batch], 1))
        self.notifications: list[tuple[Any, ...]] = [
            (at, n.id, n.type, n.document.decode(), orjson.dumps(n.to).decode(), n.key_id, n.created_at, n.expires_at)
            for at, n in placed
        ]
        self.entries = [(place, audience) for place, n in placed for audience in n.to]
        self.inboxes = [
            (place, name) for place, audience in self.entries if (name := recipient_of(audience)) is not None
        ]
        self.claims = [
            (claim.key_id, claim.idempotency_key, claim.request_hash, claim.answer)
            for publication in batch
            if (claim := publication.claim)
        ]


def _append_sqlite(connection: Connection, batch: Sequence[Publication], now: int) -> tuple[int, int]:
    run, rows = connection.exec_driver_sql, _Rows(batch)
    head, epoch = run("UPDATE log_head SET head = head + ? WHERE id = 1 RETURNING head, epoch", (len(batch),)).one()
    base = head - len(batch)
    if rows.claims:  # first, so that a claim that is taken costs the least
        run(
            "INSERT INTO idempotency_records (key_id, idempotency_key, request_hash, answer, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            [(*claim, now) for claim in rows.claims],
        )
    marks = ", ".join("?" * len(NOTIFICATION_COLUMNS))
    run(
        f"INSERT INTO notifications ({', '.join(NOTIFICATION_COLUMNS)}) VALUES ({marks})",  # noqa: S608
        [(base + place, *values) for place, *values in rows.notifications],
    )
    run(
        "INSERT INTO log_entries (audience, seq, kind, notification_seq, unread_delta, unseen_delta, created_at)"
        " VALUES (?, ?, 'published', ?, 0, 0, ?)",
        [(audience, base + place, base + place, now) for place, audience in rows.entries],
    )
    if rows.inboxes:
        run(
            "INSERT INTO inboxes (recipient, started_seq, is_polled) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
            [(recipient, base + place - 1) for place, recipient in rows.inboxes],
        )
    return base, epoch


_POSTGRESQL = """
WITH position AS (
    UPDATE log_head SET head = head + %(count)s WHERE id = 1 RETURNING head - %(count)s AS base, epoch
), claimed AS (
    INSERT INTO idempotency_records (key_id, idempotency_key, request_hash, answer, created_at)
    SELECT c.key_id, c.idempotency_key, c.request_hash, c.answer, %(now)s
    FROM position, unnest(%(claim_key_id)s::text[], %(claim_key)s::text[], %(claim_hash)s::text[],
        %(claim_answer)s::text[]) AS c (key_id, idempotency_key, request_hash, answer)
), published AS (
    INSERT INTO notifications (seq, id, type, document, audiences, key_id, created_at, expires_at)
    SELECT position.base + n.place, n.id, n.type, n.document, n.audiences, n.key_id, n.created_at, n.expires_at
    FROM position, unnest(%(place)s::bigint[], %(id)s::text[], %(type)s::text[], %(document)s::text[],
        %(audiences)s::text[], %(key_id)s::text[], %(created_at)s::bigint[], %(expires_at)s::bigint[])
        AS n (place, id, type, document, audiences, key_id, created_at, expires_at)
), addressed AS (
    INSERT INTO log_entries (audience, seq, kind, notification_seq, unread_delta, unseen_delta, created_at)
    SELECT a.audience, position.base + a.place, 'published', position.base + a.place, 0, 0, %(now)s
    FROM position, unnest(%(entry_place)s::bigint[], %(entry_audience)s::text[]) AS a (place, audience)
), begun AS (
    INSERT INTO inboxes (recipient, started_seq, is_polled)
    SELECT b.recipient, min(position.base + b.place - 1), false
    FROM position, unnest(%(inbox_place)s::bigint[], %(inbox_recipient)s::text[]) AS b (place, recipient)
    GROUP BY b.recipient ORDER BY b.recipient
    ON CONFLICT DO NOTHING
)
SELECT base, epoch FROM position
"""
_POSTGRESQL_ON_TIMELINE = _POSTGRESQL.replace("WHERE id = 1", f"WHERE id = 1 AND timeline = ({CURRENT_TIMELINE})")


def _append_postgresql(connection: Connection, batch: Sequence[Publication], now: int) -> tuple[int, int] | None:
    """Append a batch; return the position before it and the epoch. None: the timeline must be stored first."""
    rows = _Rows(batch)
    row = connection.exec_driver_sql(
        _POSTGRESQL if policy_of(connection) is TimelinePolicy.IGNORED else _POSTGRESQL_ON_TIMELINE,
        {
            "count": len(batch),
            "now": now,
            **as_columns(("place", *NOTIFICATION_COLUMNS[1:]), rows.notifications),
            **as_columns(("entry_place", "entry_audience"), rows.entries),
            **as_columns(("inbox_place", "inbox_recipient"), rows.inboxes),
            **as_columns(("claim_key_id", "claim_key", "claim_hash", "claim_answer"), rows.claims),
        },
    ).one_or_none()
    return None if row is None else (row.base, row.epoch)

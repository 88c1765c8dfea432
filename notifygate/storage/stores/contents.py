"""The counts and the newest notifications of a view: the two statements that check every notification of an inbox, in a
version for each database."""

import json
from typing import Any, Protocol

from sqlalchemy import Connection, TextClause, text

from notifygate.domain.cursor import MAX_SEQUENCE
from notifygate.domain.marks import Marks, highest
from notifygate.storage.stores.audiences import AUDIENCES, audiences_parameter, for_each_audience


class ViewScope(Protocol):
    """The definition of a view (`notifygate.inbox.view`): it decides which notifications are visible."""

    recipient: str
    audiences: tuple[str, ...]
    hidden_types: frozenset[str]
    read_marks: Marks
    seen_marks: Marks

    def since(self, audience: str) -> int:
        """Return the position after which notifications to an audience belong to the view."""
        ...


_HIDDEN = {
    "sqlite": "hidden AS (SELECT value AS type FROM json_each(:hidden_types))",
    "postgresql": "hidden AS (SELECT value AS type FROM json_array_elements_text(CAST(:hidden_types AS json)))",
}
"""A view's hidden types, as one parameter."""

_JOINED = """
    log_entries e
    JOIN notifications n ON n.seq = e.seq
    LEFT JOIN inbox_states s ON s.recipient = :recipient AND s.seq = e.seq
"""
"""Joining notifications on the position leaves just the `published` entries, since a notification's position is that of
its `published` entry."""

_SHOWN = """
    e.audience = a.audience AND e.seq > a.since AND n.removed_seq IS NULL AND s.dismissed_at IS NULL
    AND n.type NOT IN (SELECT type FROM hidden)
"""
"""Whether a view holds an entry because of its audience `a`: in the log, a range of the primary key."""

_STATE = "e.seq, s.seq AS state_seq, s.seen_at, s.read_at"

# DISTINCT: a notification that reaches the recipient through two audiences counts once.
_COUNTED = {
    # CROSS JOIN: SQLite goes from the audiences to their ranges, and never the other way round.
    "sqlite": """
        SELECT DISTINCT {state} FROM audiences a CROSS JOIN {joined} WHERE {shown} AND e.seq <= :up_to
    """,
    # OFFSET 0: PostgreSQL can't take the parts as one, for which it would read the whole log.
    "postgresql": """
        SELECT DISTINCT f.*
        FROM audiences a
        CROSS JOIN LATERAL (SELECT {state} FROM {joined} WHERE {shown} OFFSET 0) f
        WHERE f.seq <= :up_to
    """,
}
_COUNTS = """
    WITH {audiences}, {hidden}
    SELECT
        COUNT(CASE WHEN read_at IS NULL AND (state_seq IS NOT NULL OR seq > :read_up_to) THEN 1 END),
        COUNT(CASE WHEN seen_at IS NULL AND (state_seq IS NOT NULL OR seq > :seen_up_to) THEN 1 END),
        COUNT(*)
    FROM ({counted}) AS counted
"""

# An audience is read backwards along its index and only as far as the limit, however much lies behind.
_NEWEST_OF_AUDIENCE = "SELECT e.seq FROM {joined} WHERE {shown} AND e.seq < :before ORDER BY e.seq DESC LIMIT :limit"
_NEWEST = """
    WITH {audiences}, {hidden}
    SELECT DISTINCT seq FROM ({newest}) AS newest ORDER BY seq DESC LIMIT :limit
"""


def _statement(template: str, dialect: str) -> TextClause:
    parts = {"audiences": AUDIENCES[dialect], "hidden": _HIDDEN[dialect], "joined": _JOINED, "shown": _SHOWN}
    counted = _COUNTED[dialect].format(state=_STATE, **parts)
    newest = for_each_audience(dialect, _NEWEST_OF_AUDIENCE.format(**parts))
    return text(template.format(counted=counted, newest=newest, **parts))


_READ_COUNTS = {dialect: _statement(_COUNTS, dialect) for dialect in AUDIENCES}
_READ_NEWEST = {dialect: _statement(_NEWEST, dialect) for dialect in AUDIENCES}


def read_counts(connection: Connection, view: ViewScope, up_to: int = MAX_SEQUENCE) -> tuple[int, int, int]:
    """Count the unread, the unseen and all notifications of a view, or of its part up to a position."""
    marks = {"read_up_to": highest(view.read_marks), "seen_up_to": highest(view.seen_marks), "up_to": up_to}
    statement = _READ_COUNTS[connection.dialect.name]
    unread, unseen, everything = connection.execute(statement, _parameters(view) | marks).one()
    return unread, unseen, everything


def read_newest(connection: Connection, view: ViewScope, limit: int, before: int = MAX_SEQUENCE) -> list[int]:
    """Read the positions of the newest notifications in a view (before a position), newest first."""
    statement = _READ_NEWEST[connection.dialect.name]
    return list(connection.execute(statement, _parameters(view) | {"limit": limit, "before": before}).scalars())


def _parameters(view: ViewScope) -> dict[str, Any]:
    return {
        "recipient": view.recipient,
        "audiences": audiences_parameter((audience, view.since(audience)) for audience in view.audiences),
        "hidden_types": json.dumps(list(view.hidden_types)),
    }

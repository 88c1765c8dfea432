"""A list of audiences as one parameter, and positions of the log that are read for each of them.

So a statement is the same text for every number of audiences. With a part for each audience, planning it took longer
than running it.
"""

import json
from collections.abc import Iterable

AUDIENCES = {
    "sqlite": """
        audiences AS (
            SELECT json_extract(value, '$[0]') AS audience, json_extract(value, '$[1]') AS since
            FROM json_each(:audiences)
        )
    """,
    "postgresql": """
        audiences AS MATERIALIZED (
            SELECT value ->> 0 AS audience, CAST(value ->> 1 AS bigint) AS since
            FROM json_array_elements(CAST(:audiences AS json))
        )
    """,
}
"""By dialect: the query `audiences`, for WITH, of the parameter `audiences`: each with the position after which it
counts."""

# SQLite has no LATERAL, but a function in FROM may depend on the tables before it.
_FOR_EACH = {
    "sqlite": """
        SELECT a.audience, f.value AS seq
        FROM audiences a CROSS JOIN json_each((SELECT json_group_array(seq) FROM ({positions}))) f
    """,
    "postgresql": "SELECT a.audience, f.seq FROM audiences a CROSS JOIN LATERAL ({positions}) f",
}


def for_each_audience(dialect: str, positions: str) -> str:
    """Return a query of the columns `audience` and `seq`: what `positions`, ordered and limited, gives for an audience
    `a`.

    It is run for each, along the primary key and only as far as its limit. PostgreSQL has no other way then, whatever
    it expects of parameters that it doesn't know: for a list in IN a prepared statement read the whole log, which took
    ten seconds with 1.5 million entries (https://www.postgresql.org/docs/current/sql-prepare.html, notes).
    """
    return _FOR_EACH[dialect].format(positions=positions)


def audiences_parameter(audiences: Iterable[tuple[str, int]]) -> str:
    """Return the parameter `audiences` for audiences and the positions after which they count."""
    return json.dumps(list(audiences))

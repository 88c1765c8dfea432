"""PostgreSQL's timeline, by which a promotion is detected.

A promoted standby begins a new timeline. If it was behind, it lacks commits of the old primary, and their numbers are
assigned again. So the log stores the timeline of its last write (`log_head.timeline`). If the server's differs, a new
epoch begins before anything is appended (`notifygate.log.transaction`).
"""

from enum import Enum
from typing import cast

from sqlalchemy import Connection

from notifygate.settings import Settings

CURRENT_TIMELINE = (
    "CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END"
)
"""SQL for the timeline of the server, 8 hexadecimal digits; NULL on a standby, where `pg_walfile_name` would raise
(https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP)."""


class TimelinePolicy(Enum):
    """The consequence of a server's timeline that is not the log's."""

    IGNORED = "ignored"
    """It is not read: SQLite, or a provider that hides it."""
    RECORDED = "recorded"
    """It is stored; a synchronous standby has every acknowledged commit."""
    BEGINS_EPOCH = "begins epoch"
    """It is stored and a new epoch begins: acknowledged commits may be missing."""


def policy_of_settings(settings: Settings) -> TimelinePolicy:
    """Return the policy of the settings."""
    if not settings.database_timeline:
        return TimelinePolicy.IGNORED
    return TimelinePolicy.RECORDED if settings.database_synchronous else TimelinePolicy.BEGINS_EPOCH


def policy_of(connection: Connection) -> TimelinePolicy:
    """Return the policy of the `Database` that a connection belongs to; IGNORED for a connection without a
    `Database`."""
    options = connection.get_execution_options()
    return cast(TimelinePolicy, options.get("notifygate_timeline", TimelinePolicy.IGNORED))

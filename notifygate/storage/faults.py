"""Classification of database errors: whether the database is unavailable, and whether pooled connections are usable."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

READ_ONLY_STATES = frozenset({"25006", "0A000"})
"""SQLSTATEs of a server that can't write. 25006 is read_only_sql_transaction; 0A000, feature_not_supported, is how a
server in recovery refuses `BEGIN READ WRITE`. It is also how a server refuses a prepared statement whose tables have
changed, which new connections cure as well (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

LOST_FILE_CODES = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR})
"""Primary result codes after which a connection to SQLite may stay useless: a file that could not be written when it
was opened is read-only for as long as it is open (https://www.sqlite.org/rescode.html)."""

_PRIMARY_CODE = 0xFF
"""The bits of an extended result code that are its primary code."""


def needs_new_connections(error: SQLAlchemyError) -> bool:
    """Return whether the pooled connections can't be used after an error: they belong to a server or a file that can't
    be written, and another server, or the same file opened again, may be writable."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) & _PRIMARY_CODE in LOST_FILE_CODES
    return getattr(original, "sqlstate", None) in READ_ONLY_STATES


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Return whether the database is away or too busy, as opposed to a statement that is wrong."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | PoolTimeoutError) or needs_new_connections(error)


def driver_message(error: BaseException) -> str:
    """Return the driver's message behind an error of this package, else "". It may hold parts of the URL."""
    cause = error.__cause__
    return str(cause.orig) if isinstance(cause, DBAPIError) else ""

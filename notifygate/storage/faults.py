"""Classification of database errors: whether the database is unavailable, and whether pooled connections are usable."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from notifygate.errors import ConfigurationError, UnavailableError

INVALID_PARAMETER = (
    "NOTIFYGATE_DATABASE_URL has an invalid parameter; expected those of the driver, for example sslmode=require."
)
"""Message of an error that names no parameter: what follows the `?` may be a part of a password."""

READ_ONLY_STATES = frozenset({"25006", "0A000"})
"""SQLSTATEs of a server that can't write. 25006 is read_only_sql_transaction; 0A000, feature_not_supported, is how a
server in recovery refuses `BEGIN READ WRITE`. It is also how a server refuses a prepared statement whose tables have
changed, which new connections cure as well (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

LOST_FILE_CODES = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR})
"""Primary result codes after which a connection to SQLite may stay useless: a file that could not be written when it
was opened is read-only for as long as it is open (https://www.sqlite.org/rescode.html)."""

DAMAGED_FILE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""Primary result codes of a file that is not a database, or not a consistent one."""

_PRIMARY_CODE = 0xFF
"""The bits of an extended result code that are its primary code."""


def needs_new_connections(error: SQLAlchemyError) -> bool:
    """Return whether the pooled connections can't be used after an error: they belong to a server or a file that can't
    be written, and another server, or the same file opened again, may be writable."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        return _primary_code(original) in LOST_FILE_CODES
    return getattr(original, "sqlstate", None) in READ_ONLY_STATES


def expected_error(error: SQLAlchemyError) -> UnavailableError | ConfigurationError | None:
    """Return this package's error for one of a driver; None for a defect, such as a wrong statement.

    UnavailableError: the database is away or too busy. ConfigurationError: an operator has to correct a damaged SQLite
    file, or a URL that the driver refuses.
    """
    is_away = isinstance(error, OperationalError | InterfaceError | PoolTimeoutError)
    if is_away or needs_new_connections(error) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return UnavailableError("The database can't be reached or is too busy.")
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error) and _primary_code(original) in DAMAGED_FILE_CODES:
        return ConfigurationError(
            "The SQLite file is damaged or not a database; expected a file made by 'notifygate migrate', or its backup."
        )
    # Raised while connecting: there is no statement yet, and no server has answered.
    if isinstance(error, ProgrammingError) and error.statement is None and getattr(original, "sqlstate", None) is None:
        return ConfigurationError(INVALID_PARAMETER)
    return None


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


def driver_message(error: BaseException) -> str:
    """Return the driver's message behind an error of this package, else "". It may hold parts of the URL."""
    cause = error.__cause__
    return str(cause.orig) if isinstance(cause, DBAPIError) else ""

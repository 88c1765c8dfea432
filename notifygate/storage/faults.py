"""Classification of database errors: whether the database is unavailable, and whether pooled connections are usable."""

import re
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

MISSING_PRIVILEGE = "42501"
"""SQLSTATE insufficient_privilege."""

_REMEDIES = (
    ("password authentication failed", "it refuses the password: correct NOTIFYGATE_DATABASE_URL"),
    ("no password supplied", "it asks for a password: put one into NOTIFYGATE_DATABASE_URL"),
    ("no pg_hba.conf entry", "pg_hba.conf admits no such connection: add a line for this user, database and address"),
    ("Connection refused", "nothing listens there: start PostgreSQL, or correct NOTIFYGATE_DATABASE_URL"),
    ("(resolve host|translate host name)", "its host name is unknown: correct NOTIFYGATE_DATABASE_URL"),
    ('role ".*" (does not exist|is not)', "its user does not exist or may not log in: run 'CREATE ROLE … LOGIN'"),
    ('database ".*" does not exist', "its database does not exist: run 'CREATE DATABASE'"),
    (
        "too many (clients|connections)",
        "no connection is left: raise max_connections, or lower NOTIFYGATE_DATABASE_POOL",
    ),
    ("certificate", "its certificate is not trusted: correct sslrootcert in NOTIFYGATE_DATABASE_URL"),
    ("startup parameter", "a pooler refuses start-up options: set NOTIFYGATE_DATABASE_PREPARE=0"),
    ("(database or disk is full|No space left)", "its disk is full: make room"),
    ("unable to open database file", "the SQLite file can't be opened: create its folder, for the gateway's user"),
    (
        "readonly database",
        "the SQLite file can't be written: give it and its folder to the gateway's user, or mount it for writing",
    ),
    ("database is locked", "another program keeps the SQLite file locked: end that program"),
    ("(disk I/O error|locking protocol)", "its disk fails or has no locks: put the SQLite file on a local disk"),
)
"""Messages of libpq, PostgreSQL and SQLite (regular expressions) -> remedies. The messages may hold a part of the URL,
so they are not shown."""

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
    file, the privileges of a user, or a URL that the driver refuses.
    """
    is_away = isinstance(error, OperationalError | InterfaceError | PoolTimeoutError)
    if is_away or needs_new_connections(error) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return UnavailableError("The database can't be reached or is too busy.", _remedy(error))
    original = error.orig if isinstance(error, DBAPIError) else None
    if getattr(original, "sqlstate", None) == MISSING_PRIVILEGE:
        return ConfigurationError(
            "The user of NOTIFYGATE_DATABASE_URL lacks a privilege; expected the owner of the database and its tables."
        )
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


def _remedy(error: SQLAlchemyError) -> str:
    """Return the remedy for the error of a driver, empty if it is unknown."""
    message = str(error.orig) if isinstance(error, DBAPIError) else ""
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, message)), "")

"""Transactions on SQLite and PostgreSQL, with the same guarantees on both.

A read sees one moment: on PostgreSQL REPEATABLE READ, on SQLite the snapshot that WAL gives a transaction. SQLite
waits for disks and locks inside C, where it would stop every greenlet of the process; so its work is done in
gevent's thread pool, the connection being checked out and given back by the greenlet. psycopg waits through the
patched `select` and needs no thread. Driver errors leave this module as UnavailableError, once.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import gevent
from gevent.lock import BoundedSemaphore
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from notifygate.errors import ConfigurationError, UnavailableError
from notifygate.private_files import make_private_file, restore_modes
from notifygate.settings import Settings
from notifygate.storage.faults import INVALID_PARAMETER, expected_error, needs_new_connections
from notifygate.storage.timeline import TimelinePolicy, policy_of_settings
from notifygate.waiting import require_greenlet

T = TypeVar("T")

POOL_WAIT_SECONDS = 10
"""How long a request waits for a free connection before its response is 503."""

TURN_SECONDS = 30
"""How long a recipient's request waits for its turn to read. After a start all clients poll at once, and each recipient
is read from the database once; that may take longer than a single read should."""

KEPT_FREE = 2
"""Connections that recipients' reads leave alone, for the writer and for following the log."""

SQLITE_BUSY_SECONDS = 10
"""How long a SQLite transaction waits, in its thread, for another process's write."""

SQLITE_CACHE_KIB = 512
"""Pages that each connection keeps. The operating system keeps them too; SQLite's own default of 2 MB, times the
connections of the pool, would be more than thousands of recipients take."""

SQLITE_LOG_PAGES = 8000
"""Pages of the write-ahead log, of 4 KiB, past which a commit itself copies them into the database. `checkpoint` has
done so before, unless commits never pause: this is what keeps the file from growing for ever."""

POSTGRESQL_TIMEOUTS = {"lock_timeout": "5s", "statement_timeout": "10s", "idle_in_transaction_session_timeout": "3s"}
"""The net below a process that is stopped in the middle of a transaction: its locks go after three seconds."""

POSTGRESQL_OPTIONS = " ".join(f"-c {name}={value}" for name, value in POSTGRESQL_TIMEOUTS.items())
"""The time-outs as start-up options of a connection."""

APPLICATION_NAME = "notifygate 0.2"
"""Name of the sessions in PostgreSQL. Version 0.1 used "notifygate": migration 0002 distinguishes the two by it."""

PATIENCE_SECONDS = 12
"""How long work on PostgreSQL may take before the server is taken to be stuck: longer than its own time-outs, shorter
than clients wait. A server that is stopped rather than dead answers nothing, not even that."""


class StandbyError(UnavailableError):
    """The server is a standby: its data may be old, and it can't write. Raised by the work that detects it."""


def engine_options(url: str, pool_size: int, *, prepares: bool = True) -> dict[str, Any]:
    """Return SQLAlchemy's options of an engine for a URL, with at most `pool_size` connections.

    Without `prepares` a connection to PostgreSQL prepares no statements and sends no start-up options, which a pooler
    in transaction mode can't keep; the role must have the time-outs then (`storage.readiness`).

    Raises ConfigurationError for an invalid URL, and for SQLite without a file, which workers couldn't share.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the error quotes the URL, which may hold a password.
        raise ConfigurationError("NOTIFYGATE_DATABASE_URL is not a valid database URL.") from None
    # With two slashes the first part of a path is a host.
    if parsed.get_backend_name() == "sqlite" and (parsed.host or parsed.database in (None, "", ":memory:")):
        raise ConfigurationError("NOTIFYGATE_DATABASE_URL has no file for SQLite; expected sqlite:////path/to/file.")
    try:
        parsed.get_dialect()().create_connect_args(parsed)
    except (ArgumentError, ValueError):
        raise ConfigurationError(INVALID_PARAMETER) from None
    # The connection used last is used next: a quiet gateway keeps few of them warm.
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": POOL_WAIT_SECONDS,
        "pool_use_lifo": True,
    }
    if url.startswith("sqlite"):
        # The pool hands a connection to one greenlet at a time, and so to one thread at a time.
        options["connect_args"] = {"check_same_thread": False, "timeout": SQLITE_BUSY_SECONDS}
    else:
        kept = {"options": POSTGRESQL_OPTIONS} if prepares else {"prepare_threshold": None}
        options["connect_args"] = {
            "connect_timeout": 5,
            "application_name": APPLICATION_NAME,
            "client_encoding": "UTF8",  # whatever PGCLIENTENCODING has
            **kept,
        }
        options["pool_pre_ping"] = True
    return options


def make_engine(url: str, pool_size: int = 3, *, prepares: bool = True) -> Engine:
    """Make an engine outside the application: the command line and the migrations."""
    engine = create_engine(url, **engine_options(url, pool_size, prepares=prepares))
    prepare_engine(engine)
    return engine


def prepare_engine(engine: Engine) -> None:
    """Give connections of a SQLite engine a private file, pragmas and explicit transactions.

    Connecting to a PostgreSQL database that is not UTF-8 raises ConfigurationError.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _make_sqlite_file)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _require_utf8)


def _require_utf8(dbapi_connection: Any, _record: Any) -> None:
    encoding = dbapi_connection.info.parameter_status("server_encoding")
    if encoding not in ("UTF8", None):  # None: a pooler that does not pass it on
        dbapi_connection.close()
        raise ConfigurationError(
            f"The database has the encoding {encoding}, which lacks characters of notifications; expected one that was"
            " created with ENCODING 'UTF8'."
        )


def _make_sqlite_file(_dialect: Any, _record: Any, arguments: list[Any], _parameters: Any) -> None:
    if not arguments[0].startswith("file:"):
        make_private_file(arguments[0])


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None  # the driver's own BEGIN comes too late for a consistent read
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a commit is on the disk before it is answered
    cursor.execute(f"PRAGMA wal_autocheckpoint={SQLITE_LOG_PAGES}")
    cursor.execute(f"PRAGMA cache_size={-SQLITE_CACHE_KIB}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = "IMMEDIATE" if connection.get_execution_options().get("notifygate_write") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")


class Database:
    """Runs work in transactions, away from the hub where the driver would block it."""

    def __init__(self, engine: Engine, timeline: TimelinePolicy = TimelinePolicy.BEGINS_EPOCH) -> None:
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.timeline = TimelinePolicy.IGNORED if self.is_sqlite else timeline
        self._turns = BoundedSemaphore(max(1, cast(QueuePool, engine.pool).size() - KEPT_FREE))
        self.engine = engine
        self._generation = 0
        """Counts the times that the connections were dropped; each connection is marked with that of its beginning."""
        event.listen(engine, "connect", self._mark)
        event.listen(engine, "checkin", self._close_outdated)
        if self.is_sqlite:
            self._reading = engine
            self._writing = engine.execution_options(notifygate_write=True)
        else:
            own = engine.execution_options(notifygate_timeline=self.timeline)
            self._reading = own.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._writing = own.execution_options(isolation_level="READ COMMITTED")
            self._autocommitting = own.execution_options(isolation_level="AUTOCOMMIT")

    def start(self) -> None:
        """Do nothing: connections are made when they are needed."""

    def stop(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that sees one moment of the database, and return what it returns."""
        return self._run(self._reading, work)

    def read_in_turn(self, work: Callable[[Connection], T]) -> T:
        """As `read`, for what recipients ask: first come, first served, and never so many that the log has to wait.

        Left to the pool, late-comers would get ahead of those who wait. Raises UnavailableError after TURN_SECONDS.
        """
        require_greenlet()
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise UnavailableError("Too many requests are reading from the database.")
        try:
            return self.read(work)
        finally:
            self._turns.release()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction, commit it and return what `work` returned; any error rolls it back."""
        return self._run(self._writing, work)

    def autocommit(self, work: Callable[[Connection], T]) -> T:
        """Run a single statement that is its own transaction: one round trip (PostgreSQL only)."""
        return self._run(self._autocommitting, work)

    def checkpoint(self) -> None:
        """Copy SQLite's write-ahead log into the database, beside the commits; does nothing for PostgreSQL.

        By default SQLite does it within a commit, each 1,000 pages. In a database of 300 MB, where such pages lie far
        apart, that commit took up to 24 ms. No request waits for this checkpoint
        (https://www.sqlite.org/wal.html#ckpt).
        """
        if self.is_sqlite:
            self.read(lambda connection: connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close())

    def _run(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        require_greenlet()
        patience = gevent.Timeout(None if self.is_sqlite else PATIENCE_SECONDS)
        began = time.monotonic()
        try:
            with patience, engine.connect() as connection:
                if not self.is_sqlite:
                    return _in_transaction(connection, work)
                result, error = gevent.get_hub().threadpool.apply(_try_in_transaction, (connection, work))
                if error is not None:
                    raise error
                return cast(T, result)
        except gevent.Timeout as timeout:
            if timeout is not patience:
                raise
            raise self._given_up() from timeout
        except StandbyError:
            self._drop_connections()
            raise
        except SQLAlchemyError as error:
            # While it cleans up, the driver may put an error of its own in the place of the time-out.
            if not self.is_sqlite and time.monotonic() - began >= PATIENCE_SECONDS:
                raise self._given_up() from error
            if needs_new_connections(error):
                self._drop_connections()
            if expected := expected_error(error):
                raise expected from error
            raise

    def _given_up(self) -> UnavailableError:
        """Begin with fresh connections: those that are idle now may be stuck like the one that was waited for."""
        self._drop_connections()
        return UnavailableError("The database does not respond.")

    def _drop_connections(self) -> None:
        """Close the idle connections, and each of those in use as soon as it is returned."""
        self._generation += 1
        self.engine.dispose()
        if self.is_sqlite and self.engine.url.database:
            restore_modes(self.engine.url.database)

    def _mark(self, _: object, record: ConnectionPoolEntry) -> None:
        record.info[self] = self._generation

    def _close_outdated(self, _: object, record: ConnectionPoolEntry) -> None:
        """Close a connection that was in use while the others were dropped.

        SQLite opens `-shm` once for all connections of a process (unixShmNode in its os_unix.c): while one is open that
        found it read-only, new ones can't write either.
        """
        if record.info.get(self, 0) != self._generation:
            record.invalidate()


def open_database(settings: Settings) -> Database:
    """Open the database of some settings, outside the application."""
    engine = make_engine(settings.effective_database_url, prepares=settings.database_prepare)
    return Database(engine, policy_of_settings(settings))


def _in_transaction(connection: Connection, work: Callable[[Connection], T]) -> T:
    with connection.begin():
        return work(connection)


def _try_in_transaction(connection: Connection, work: Callable[[Connection], T]) -> tuple[T | None, Exception | None]:
    """Run work in a thread. Its error is handed back, not raised: gevent would print it, message and all."""
    try:
        return _in_transaction(connection, work), None
    except Exception as error:  # raised again by the greenlet that waits
        return None, error

"""Bringing a database to the newest migration in `migrations/`.

A revision may have an expansion: steps that make the database fit for this version as well, and leave it fit for the
version before. Each step and each revision is a transaction of its own. A step may run twice, so that a migration that
was ended at any moment is continued by the next one.
"""

import time
from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from notifygate.errors import UnavailableError
from notifygate.program_files import PROGRAM_FILES
from notifygate.storage.database import Database
from notifygate.storage.faults import expected_error
from notifygate.storage.readiness import refuse_newer

MIGRATIONS = PROGRAM_FILES / "migrations"
"""Folder of the migrations."""

LOCK_KEY = 7_130_529_044
"""PostgreSQL advisory lock of migrations: an arbitrary number that other applications don't use."""

LOCK_SECONDS = 1
"""How long a step waits for the lock on a table. Other statements that need the table wait behind it meanwhile."""
LOCK_ATTEMPTS = 60
"""Attempts of a step to lock a table."""

LOCK_PAUSE_SECONDS = 1.0
"""Pause between the attempts, in which queued statements run."""

LOCK_STATES = frozenset({"55P03", "40P01"})
"""SQLSTATEs lock_not_available and deadlock_detected."""


def alembic_config() -> Config:
    """Return Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(database: Database, *, expand_only: bool = False) -> str:
    """Apply missing migrations; with `expand_only` stop while workers of the previous version can still run.

    Returns the revision that the database is at then. Several processes may call it at once: their steps take turns.
    Raises UnavailableError where the database can't be reached, or other transactions keep a table locked, and
    ConfigurationError for a damaged SQLite file, and for a database that a newer version has migrated.
    """
    script = ScriptDirectory.from_config(alembic_config())
    newest = script.get_current_head()
    for revision in reversed(list(script.walk_revisions())):
        if hasattr(revision.module, "expansion"):
            for step in revision.module.expansion():
                if not _run_at(database, revision, step):
                    break
        if not (expand_only and revision.revision == newest):
            _run_at(database, revision, lambda connection, to=revision.revision: _upgrade(connection, to))
    with database.engine.connect() as connection:
        reached = MigrationContext.configure(connection).get_current_revision()
    refuse_newer(reached)
    return reached or ""


def _upgrade(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _run_at(database: Database, revision: Script, step: Callable[[Connection], None]) -> bool:
    """Run a step of a revision in a transaction; False, and nothing, where the database isn't right before it."""

    def work(connection: Connection) -> bool:
        context = MigrationContext.configure(connection)
        if context.get_current_revision() != revision.down_revision:
            return False
        with Operations.context(context):
            step(connection)
        return True

    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            return _run(database, work)
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in LOCK_STATES:
                if attempt == LOCK_ATTEMPTS:
                    raise UnavailableError(
                        f"A table was locked by other transactions in {LOCK_ATTEMPTS} attempts of {LOCK_SECONDS} s: "
                        "end the long ones (pg_stat_activity shows them), and run 'notifygate migrate' again. It goes "
                        "on from here."
                    ) from error
                time.sleep(LOCK_PAUSE_SECONDS)
            elif expected := expected_error(error):
                raise expected from error
            else:
                raise
    raise AssertionError("unreachable")


def _run(database: Database, work: Callable[[Connection], bool]) -> bool:
    """Run work in a transaction that, other than those of `Database`, may take as long as it needs."""
    with database.engine.execution_options(notifygate_write=True).connect() as connection, connection.begin():
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        return work(connection)

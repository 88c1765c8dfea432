"""Bringing a database to the newest migration in `migrations/`."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from notifygate.program_files import PROGRAM_FILES
from notifygate.storage.database import Database

MIGRATIONS = PROGRAM_FILES / "migrations"
LOCK_KEY = 7_130_529_044
"""PostgreSQL advisory lock of migrations; the number means nothing, it only has to be ours."""


def alembic_config() -> Config:
    """Return Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def newest_revision() -> str:
    """Return the newest migration in the folder."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def migrate(database: Database) -> None:
    """Apply what is missing, all of it or nothing. Several processes may call it at once: one works, the rest wait."""

    def work(connection: Connection) -> None:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    database.write(work)

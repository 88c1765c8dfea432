"""`notifygate serve`: replaces this process by gunicorn with the gateway."""

import os
import sys

import click

from notifygate.program_files import PROGRAM_FILES
from notifygate.settings_reader import load_settings
from notifygate.storage.database import open_database
from notifygate.storage.migrate import migrate
from notifygate.storage.readiness import check_database


@click.command(name="serve", epilog="\b\nExample:\n  NOTIFYGATE_BIND=127.0.0.1:9000 notifygate serve")
def command() -> None:
    """Serve. A SQLite file is migrated first; a PostgreSQL database has to be, with 'notifygate migrate'.

    SQLite belongs to this machine alone. Migrating PostgreSQL is a decision for all gateways that share it, of which
    others may still run an older version.
    """
    settings = load_settings()
    if not settings.database_url:
        settings.make_data_dir()
    database = open_database(settings)
    try:
        if database.is_sqlite:
            migrate(database)
        # Each worker checks it, too; here the refusal is one line, before gunicorn has started anything.
        check_database(database, settings.secret_key)
    finally:
        database.engine.dispose()
    # The same process continues as gunicorn: signals and sd_notify reach it directly.
    os.execv(sys.executable, gunicorn_command())  # noqa: S606 - no shell: a list that is written here


def gunicorn_command() -> list[str]:
    """Return the command that serves, also from a folder that holds another project's `wsgi.py`."""
    return [
        sys.executable,
        *("-m", "gunicorn"),
        *("--config", str(PROGRAM_FILES / "gunicorn.conf.py")),
        # gunicorn puts this before the current folder.
        *("--pythonpath", str(PROGRAM_FILES)),
        "wsgi:app",
    ]

"""SQLite files with the newest migration: copies of one, since migrating takes longer than most tests."""

import secrets
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlalchemy import update

from notifygate.storage.database import Database, make_engine
from notifygate.storage.migrate import migrate
from notifygate.storage.tables import HEAD
from tests.support.processes import make_folder


def make_migrated_file(file: Path) -> None:
    """Make a migrated SQLite file with a history of its own."""
    shutil.copy(_migrated_file(), file)
    work_on(f"sqlite:///{file}", begin_history)


def work_on(url: str, work: Callable[[Database], object]) -> None:
    """Run work on a database, with connections of its own."""
    engine = make_engine(url)
    try:
        work(Database(engine))
    finally:
        engine.dispose()


def begin_history(database: Database) -> None:
    """Give a copy its own values of the columns that the first migration fills at random."""
    values = {"epoch": secrets.randbits(20), "namespace": secrets.token_hex(8)}
    database.write(lambda connection: connection.execute(update(HEAD).values(values)))


@cache
def _migrated_file() -> Path:
    file = make_folder("migrated") / "notifygate.db"
    work_on(f"sqlite:///{file}", migrate)
    return file

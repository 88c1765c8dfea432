"""SQLite files with the newest migration: copies of one, since migrating takes longer than most tests."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
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
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("UPDATE log_head SET epoch = :epoch, namespace = :namespace", _new_history())


def work_on(url: str, work: Callable[[Database], object]) -> None:
    """Run work on a database, with connections of its own."""
    engine = make_engine(url)
    try:
        work(Database(engine))
    finally:
        engine.dispose()


def begin_history(database: Database) -> None:
    """Give a database that was used before its own values of the columns that the first migration fills at random."""
    database.write(lambda connection: connection.execute(update(HEAD).values(_new_history())))


def _new_history() -> dict[str, int | str]:
    return {"epoch": secrets.randbits(20), "namespace": secrets.token_hex(8)}


@cache
def _migrated_file() -> Path:
    file = make_folder("migrated") / "notifygate.db"
    work_on(f"sqlite:///{file}", migrate)
    return file

"""Checks of the database: connection, migration, durability, and the clock."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from notifygate.cli.doctor.finding import CLOCK, DATABASE, SLOW_SECONDS, Finding, quickest
from notifygate.errors import ConfigurationError, UnavailableError
from notifygate.settings import Settings
from notifygate.storage.database import Database, open_database
from notifygate.storage.readiness import check_server, verify
from notifygate.storage.stores.server import read_is_standby, read_server_clock, read_server_settings, read_version

OLDEST_POSTGRESQL = 15
"""Of the versions that PostgreSQL supports in December 2026 (https://www.postgresql.org/support/versioning/)."""

MAX_CLOCK_SECONDS = 1.0
"""Clock difference that is hidden by the unit of `exp` and of `ttl`."""


def check_database(settings: Settings) -> Iterator[Finding]:
    """Check the database of some settings; yield the findings."""
    try:
        database = open_database(settings)
    except ConfigurationError as error:
        yield DATABASE.wrong(str(error))
        return
    try:
        if settings.sqlite_file is not None:
            unusable = _sqlite_file(settings.sqlite_file, settings)
            if unusable is not None:
                yield unusable
                return
        yield _answers(database)
        if not database.is_sqlite:
            yield from _of_the_server(database, settings)
            yield _clock(database)
        yield from _schema(database, settings)
    except ConfigurationError as error:
        yield DATABASE.wrong(str(error))
    except UnavailableError as error:
        remedy = error.remedy or "start it, or correct NOTIFYGATE_DATABASE_URL"
        yield DATABASE.wrong(f"the database can't be reached: {remedy}")
    finally:
        database.engine.dispose()


def _sqlite_file(file: Path, settings: Settings) -> Finding | None:
    """Return the finding about a SQLite file that can't be opened as it is, None for one that can."""
    if not file.parent.is_dir() and settings.database_url:
        return DATABASE.wrong(f"the folder {file.parent} does not exist: create it, or correct NOTIFYGATE_DATABASE_URL")
    # SQLite creates other files beside it.
    for path in (file.parent, file):
        if path.exists() and not os.access(path, os.W_OK):
            return DATABASE.wrong(f"{path} can't be written: give it to the gateway's user, or mount it for writing")
    if not file.exists():
        return DATABASE.ok("the SQLite file does not exist yet: 'notifygate serve' makes it")
    return None


def _answers(database: Database) -> Finding:
    version, seconds = quickest(lambda: database.read(read_version))
    if seconds > SLOW_SECONDS:
        return DATABASE.warning(
            f"{version} takes {seconds * 1000:.0f} ms for a short transaction, and a publication waits for several:"
            " move it closer to the gateway"
        )
    return DATABASE.ok(f"{version} answers within {seconds * 1000:.1f} ms")


def _schema(database: Database, settings: Settings) -> Iterator[Finding]:
    try:
        database.read(lambda connection: verify(connection, settings.secret_key))
        check_server(database)
    except ConfigurationError as error:
        yield DATABASE.wrong(str(error))
    else:
        yield DATABASE.ok("it has the schema of this version and belongs to this gateway's secret key")


def _of_the_server(database: Database, settings: Settings) -> Iterator[Finding]:
    """Yield the findings about PostgreSQL's settings that affect the promises of the gateway."""
    names = ("server_version_num", "fsync", "synchronous_commit", "max_connections")
    values = database.read(lambda connection: read_server_settings(connection, names))
    if int(values["server_version_num"]) < OLDEST_POSTGRESQL * 10_000:
        yield DATABASE.warning(f"its version is not supported any more: update it to {OLDEST_POSTGRESQL} or later")
    if database.read(read_is_standby):
        yield DATABASE.wrong(
            "the server is a standby, which can't be written: add target_session_attrs=read-write to the URL"
        )
    for name in ("fsync", "synchronous_commit"):
        if values[name] == "off":
            yield DATABASE.wrong(
                f"{name} is off, so that it acknowledges what is not on disk and a 201 promises too much: set {name}=on"
            )
    needed, most = settings.workers * settings.database_pool, int(values["max_connections"])
    if needed + 10 > most:
        yield DATABASE.wrong(
            f"{settings.workers} workers with {settings.database_pool} connections each, and the command line, need"
            f" more than its {most} connections: raise max_connections, or lower NOTIFYGATE_DATABASE_POOL"
        )
    else:
        yield DATABASE.ok(f"this gateway takes up to {needed} of its {most} connections")


def _clock(database: Database) -> Finding:
    """Compare the clocks: each machine checks tokens by its own clock, and may expire the notifications of another
    one."""
    before = time.time()
    server = database.read(read_server_clock)
    after = time.time()
    ahead = before - server if server < before else min(0.0, after - server)
    if abs(ahead) > MAX_CLOCK_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        return CLOCK.wrong(
            f"this machine is {abs(ahead):.1f} s {direction} the database's: synchronise both (NTP); tokens and times"
            " to live go by them"
        )
    return CLOCK.ok("this machine and the database's agree to within a second")

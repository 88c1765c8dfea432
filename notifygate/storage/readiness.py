"""Whether a database is fit for this gateway: migrated to this version, and made with this gateway's secret.

Cursors are made with the secret, so gateways that share a database must share it. The database keeps a fingerprint;
a gateway with another secret refuses to start. While the secret is rotated both are known to every gateway.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, inspect, text, update
from sqlalchemy.exc import NotSupportedError, ProgrammingError

from notifygate.domain.cursor import fingerprint
from notifygate.errors import ConfigurationError
from notifygate.storage.database import POSTGRESQL_TIMEOUTS, Database
from notifygate.storage.tables import LogHead, table
from notifygate.storage.timeline import CURRENT_TIMELINE, TimelinePolicy

HEAD = table(LogHead)

SCHEMA_REVISION = "0002"
"""The migration that this version of the code needs; a test keeps it equal to the newest one."""


def check_database(database: Database, secret_keys: Sequence[str]) -> None:
    """Make sure that the gateway can use a database. Raises ConfigurationError that says what to do otherwise."""
    database.write(lambda connection: _check(connection, secret_keys))
    if database.timeline is not TimelinePolicy.IGNORED:
        database.read(check_timeline)
    if not database.is_sqlite:
        database.read(check_timeouts)


def check_timeline(connection: Connection) -> None:
    """Make sure that PostgreSQL gives its timeline. Raises ConfigurationError."""
    try:
        connection.execute(text(f"SELECT {CURRENT_TIMELINE}"))
    except (NotSupportedError, ProgrammingError) as error:
        raise ConfigurationError(
            "This PostgreSQL does not give its timeline: set NOTIFYGATE_DATABASE_TIMELINE=false on every gateway, and "
            "run 'notifygate log new-epoch' after a fail-over that may have lost commits."
        ) from error


def check_timeouts(connection: Connection) -> None:
    """Make sure of what frees the locks of a process that is stopped: the start-up options, or else the role's.

    Raises ConfigurationError.
    """
    for name, value in POSTGRESQL_TIMEOUTS.items():
        if connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one() == "0":
            raise ConfigurationError(
                f"The role of NOTIFYGATE_DATABASE_URL has no {name}: run 'ALTER ROLE … SET {name} = '{value}'' and the "
                "like for the others (docs/operations.md, PgBouncer), then reconnect the pooler."
            )


def verify(connection: Connection, secret_keys: Sequence[str]) -> str | None:
    """Return the fingerprint that a database keeps, None before its first gateway. Changes nothing.

    Raises ConfigurationError if it is not migrated, or belongs to a gateway with another secret.
    """
    revision = None
    if inspect(connection).has_table("alembic_version"):
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if revision != SCHEMA_REVISION:
        raise ConfigurationError(
            f"The database is at migration {revision or 'none'}, this version needs {SCHEMA_REVISION}: "
            "run 'notifygate migrate'."
        )
    known: str | None = connection.execute(HEAD.select().where(HEAD.c.id == 1)).one().key_fingerprint
    if known is not None and known not in [fingerprint(secret) for secret in secret_keys]:
        raise ConfigurationError(
            "This database belongs to a gateway with another NOTIFYGATE_SECRET_KEY: gateways that share a database "
            "must share the key, or their cursors are worth nothing to each other. To rotate it, give the new key "
            "first and the old one after it."
        )
    return known


def _check(connection: Connection, secret_keys: Sequence[str]) -> None:
    newest = fingerprint(secret_keys[0])
    if verify(connection, secret_keys) != newest:
        connection.execute(update(HEAD).where(HEAD.c.id == 1).values(key_fingerprint=newest))


def namespace_of(database: Database) -> str:
    """Return what tells this gateway's channel and keys in a shared Redis from another gateway's.

    Fixed when the database was made, so that it outlives a rotation of the secret.
    """
    return database.read(lambda connection: connection.execute(HEAD.select().where(HEAD.c.id == 1)).one().namespace)

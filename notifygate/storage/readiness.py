"""Checks of a database before its use: migrated to this version, and created with this gateway's secret.

Cursors are made with the secret, so gateways that share a database must share it. The database has its fingerprint; a
gateway with another secret does not start. During a rotation every gateway has both secrets.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import NotSupportedError, ProgrammingError

from notifygate.domain.cursor import fingerprint
from notifygate.errors import ConfigurationError
from notifygate.storage.database import POSTGRESQL_TIMEOUTS, Database
from notifygate.storage.stores.head import read_identity, update_head
from notifygate.storage.stores.server import read_server_settings
from notifygate.storage.timeline import CURRENT_TIMELINE, TimelinePolicy

SCHEMA_REVISION = "0002"
"""The migration that this version of the code needs; a test keeps it equal to the newest one."""

EXPANDED_REVISION = "0001"
"""The migration whose expansion is enough for this version: workers of version 0.1 run on it, too."""


def check_database(database: Database, secret_keys: Sequence[str]) -> None:
    """Check that the gateway can use a database. Raises ConfigurationError with the necessary action otherwise."""
    database.write(lambda connection: _check(connection, secret_keys))
    check_server(database)


def check_server(database: Database) -> None:
    """Check what the gateway needs of a PostgreSQL server. Raises ConfigurationError."""
    if database.timeline is not TimelinePolicy.IGNORED:
        database.read(_check_timeline)
    if not database.is_sqlite:
        database.read(_check_timeouts)


def _check_timeline(connection: Connection) -> None:
    """Make sure that PostgreSQL gives its timeline. Raises ConfigurationError."""
    try:
        connection.execute(text(f"SELECT {CURRENT_TIMELINE}"))
    except (NotSupportedError, ProgrammingError) as error:
        raise ConfigurationError(
            "This PostgreSQL does not give its timeline: set NOTIFYGATE_DATABASE_TIMELINE=false on every gateway, and "
            "run 'notifygate log new-epoch' after a fail-over that may have lost commits."
        ) from error


def _check_timeouts(connection: Connection) -> None:
    """Make sure of what frees the locks of a process that is stopped: the start-up options, or else the role's.

    Raises ConfigurationError.
    """
    in_force = read_server_settings(connection, list(POSTGRESQL_TIMEOUTS))
    for name, value in POSTGRESQL_TIMEOUTS.items():
        if in_force[name] == "0":
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
    refuse_newer(revision)
    if revision != SCHEMA_REVISION and not (revision == EXPANDED_REVISION and _is_expanded(connection)):
        raise ConfigurationError(
            f"The database is at migration {revision or 'none'}, this version needs {SCHEMA_REVISION}: "
            "run 'notifygate migrate'."
        )
    _, known = read_identity(connection)
    mine = [fingerprint(secret) for secret in secret_keys]
    if known is not None and known not in mine:
        raise ConfigurationError(
            "This database belongs to a gateway with another NOTIFYGATE_SECRET_KEY. Gateways that share a database "
            "must share the key, since each must read the others' cursors. To rotate it, list the new key "
            "first and the old one after it."
        )
    return known


def refuse_newer(revision: str | None) -> None:
    """Raise ConfigurationError for the revision of a database that a newer version has migrated."""
    if revision is not None and revision > SCHEMA_REVISION:
        raise ConfigurationError(
            f"The database is at migration {revision}, newer than {SCHEMA_REVISION} of this version; start the version"
            " that migrated it, or restore a backup from before."
        )


def _check(connection: Connection, secret_keys: Sequence[str]) -> None:
    newest = fingerprint(secret_keys[0])
    if verify(connection, secret_keys) != newest:
        update_head(connection, key_fingerprint=newest)


def _is_expanded(connection: Connection) -> bool:
    """Return whether every notification has a document, the last thing that an expansion sees to."""
    columns = inspect(connection).get_columns("notifications")
    return any(column["name"] == "document" and not column["nullable"] for column in columns)


def namespace_of(database: Database) -> str:
    """Return the name that separates this gateway's channel and keys in a shared Redis from another gateway's.

    It is fixed when the database is created, so that it outlives a rotation of the secret.
    """
    namespace, _ = database.read(read_identity)
    return namespace

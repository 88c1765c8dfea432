"""Whether a database is fit for this gateway: migrated to this version, and made with this gateway's secret.

Cursors are made with the secret, so gateways that share a database must share it. The database keeps a fingerprint;
a gateway with another secret refuses to start. While the secret is rotated both are known to every gateway.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, inspect, text, update

from notifygate.domain.cursor import fingerprint
from notifygate.errors import ConfigurationError
from notifygate.storage.database import Database
from notifygate.storage.tables import LogHead, table

HEAD = table(LogHead)

SCHEMA_REVISION = "0002"
"""The migration that this version of the code needs; a test keeps it equal to the newest one."""


def check_database(database: Database, secret_keys: Sequence[str]) -> None:
    """Make sure that the gateway can use a database. Raises ConfigurationError that says what to do otherwise."""
    database.write(lambda connection: _check(connection, secret_keys))


def _check(connection: Connection, secret_keys: Sequence[str]) -> None:
    revision = None
    if inspect(connection).has_table("alembic_version"):
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if revision != SCHEMA_REVISION:
        raise ConfigurationError(
            f"The database is at migration {revision or 'none'}, this version needs {SCHEMA_REVISION}: "
            "run 'notifygate migrate'."
        )
    known = connection.execute(HEAD.select().where(HEAD.c.id == 1)).one().key_fingerprint
    mine = [fingerprint(secret) for secret in secret_keys]
    if known is not None and known not in mine:
        raise ConfigurationError(
            "This database belongs to a gateway with another NOTIFYGATE_SECRET_KEY: gateways that share a database "
            "must share the key, or their cursors are worth nothing to each other. To rotate it, give the new key "
            "first and the old one after it."
        )
    if known != mine[0]:
        connection.execute(update(HEAD).where(HEAD.c.id == 1).values(key_fingerprint=mine[0]))


def namespace_of(database: Database) -> str:
    """Return what tells this gateway's channel and keys in a shared Redis from another gateway's.

    Fixed when the database was made, so that it outlives a rotation of the secret.
    """
    return database.read(lambda connection: connection.execute(HEAD.select().where(HEAD.c.id == 1)).one().namespace)

"""Properties of the database server: version, settings, role and clock."""

from collections.abc import Sequence

from sqlalchemy import Connection, text


def read_version(connection: Connection) -> str:
    """Return the name and version of the database's software."""
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.execute(text('SELECT sqlite_version()')).scalar_one()}"
    return f"PostgreSQL {read_server_settings(connection, ['server_version'])['server_version']}"


def read_server_settings(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return settings of a PostgreSQL server as they apply to this connection."""
    statement = text("SELECT current_setting(:name)")
    return {name: connection.execute(statement, {"name": name}).scalar_one() for name in names}


def read_is_standby(connection: Connection) -> bool:
    """Return whether a PostgreSQL server is a standby, which can't be written."""
    return connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one()


def read_server_clock(connection: Connection) -> float:
    """Return the time of a PostgreSQL server, in seconds since 1970."""
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

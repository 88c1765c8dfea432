"""The checkpoint of SQLite: its write-ahead log is copied into the database beside the commits, not within one."""

from notifygate.services import Services


def copy_write_ahead_log(services: Services) -> None:
    """Copy what the write-ahead log holds into the database; nothing on PostgreSQL."""
    services.database.checkpoint()

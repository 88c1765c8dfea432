"""The gateway's database, for commands that use it directly beside a running gateway."""

import logging
from collections.abc import Callable
from typing import TypeVar

import click

from notifygate.announcements.announcement import announce
from notifygate.announcements.redis_announcer import channel_of, make_redis
from notifygate.announcements.seal import AnnouncementSeal
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import run_transaction
from notifygate.settings import Settings
from notifygate.settings_reader import load_settings
from notifygate.storage.database import Database, open_database
from notifygate.storage.readiness import check_database, namespace_of

T = TypeVar("T")


def open_for_command(settings: Settings) -> Database:
    """Open the database of some settings until the command that is running ends."""
    database = open_database(settings)
    click.get_current_context().call_on_close(database.stop)
    return database


class GatewayDatabase:
    """The migrated database of the settings. Raises ConfigurationError if the gateway can't use it."""

    def __init__(self) -> None:
        self.settings: Settings = load_settings()
        self.database = open_for_command(self.settings)
        check_database(self.database, self.settings.secret_key)

    def commit(self, change: Callable[[LogTransaction], T]) -> T:
        """Commit a change to the log and announce it to the workers, which otherwise find it within about a second."""
        client = make_redis(self.settings.redis_url) if self.settings.redis_url else None
        results, epoch, entries = run_transaction(self.database, [change])
        if entries and client is not None:
            try:
                channel = channel_of(namespace_of(self.database))
                seal = AnnouncementSeal(self.settings.secret_key, channel)
                client.publish(channel, seal.seal(announce(epoch, entries)))
            except Exception as error:  # of any type: the change is committed, so the command has succeeded
                logging.getLogger(__name__).debug("Not announced: %s", type(error).__name__)
            finally:
                client.close()
        return results[0]

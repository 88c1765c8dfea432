"""The contract of announcers, the one without a channel, and the choice of one."""

from collections.abc import Callable
from typing import Protocol

from notifygate import metrics
from notifygate.announcements.announcement import Announcement
from notifygate.announcements.redis_announcer import RedisAnnouncer
from notifygate.settings import Settings


class Announcer(Protocol):
    """Connects this worker with the others. tests/contract/test_announcers.py runs over each implementation."""

    @property
    def has_channel(self) -> bool:
        """Whether announcements reach other workers while `is_connected`. False: they find commits at the log head."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether announcements are sent and received now. True where there is nothing to connect to."""
        ...

    def start(self) -> None:
        """Begin to connect; returns at once."""
        ...

    def stop(self) -> None:
        """Disconnect. Announcements are dropped from now on, until it is started again."""
        ...

    def announce(self, announcement: Announcement) -> None:
        """Send an announcement to the other workers, never back to this one.

        Never waits and never raises, in a greenlet or in the hub, started or not: without a connection that takes it,
        the announcement is dropped and counted.
        """
        ...


class NullAnnouncer:
    """See `Announcer`: sends and receives nothing.

    The process's own follower gets its commits from the writer, so a single worker misses nothing. Further workers find
    commits when they poll the log head.
    """

    has_channel = False
    is_connected = True

    def start(self) -> None:
        """Set the metric of Redis to 0."""
        metrics.redis_up.set(0)

    def stop(self) -> None:
        """Do nothing."""

    def announce(self, announcement: Announcement) -> None:
        """Do nothing."""


def make_announcer(
    settings: Settings,
    namespace: str,
    *,
    on_announcement: Callable[[Announcement], None],
    on_connected: Callable[[], None],
) -> Announcer:
    """Make the announcer that the settings ask for. The callbacks: see `RedisAnnouncer`. Raises ConfigurationError."""
    if not settings.redis_url:
        return NullAnnouncer()
    return RedisAnnouncer(settings, namespace, on_announcement=on_announcement, on_connected=on_connected)

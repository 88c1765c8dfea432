"""Announcements without a channel.

The process's own follower gets its commits from the writer, so a single worker misses nothing. Further workers find
commits when they poll the log head.
"""

from notifygate import metrics
from notifygate.announcements.announcement import Announcement


class NullAnnouncer:
    """See `Announcer`: sends and receives nothing."""

    has_channel = False
    is_connected = True

    def start(self) -> None:
        """Set the metric of Redis to 0."""
        metrics.redis_up.set(0)

    def stop(self) -> None:
        """Do nothing."""

    def announce(self, announcement: Announcement) -> None:
        """Do nothing."""

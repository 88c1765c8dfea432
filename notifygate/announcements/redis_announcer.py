"""Announcements between workers and nodes, over one Redis channel.

No request waits for Redis: one connection per worker publishes and subscribes, and none of its operations blocks. Every
failure here fails open: it is counted and logged, and the follower reads the head until Redis is back.

Redis is not trusted. A message that can't be decrypted (`notifygate.announcements.seal`) is dropped and counted. It
causes no read of the database and no log line of its own, so that a flood of such messages costs no more than receiving
them.
"""

import logging
import math
import time
from collections.abc import Callable

import gevent
from redis import Redis

from notifygate import metrics
from notifygate.announcements.announcement import Announcement
from notifygate.announcements.redis_connection import RedisConnection
from notifygate.announcements.seal import MAX_MESSAGE_BYTES, AnnouncementSeal
from notifygate.background import Background
from notifygate.redis_client import make_client
from notifygate.settings import Settings

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0
"""For connecting; and so long a connection may be silent before it is pinged, and then until Redis answers."""

CHECKS_PER_TIMEOUT = 2
"""Number of checks of a connection in `TIMEOUT_SECONDS`: whether it is silent, and whether its server is still the
master. A master that hangs closes no connection, so this check is what leaves it."""

RECONNECT_SECONDS = 0.5
"""Pause before a lost connection is opened again."""

REFUSALS_LOGGED_SECONDS = 60.0
"""Refused messages get at most one log line in this time; the metric counts each."""


def channel_of(namespace: str) -> str:
    """Return the channel of the gateway with this namespace."""
    return f"notifygate:{namespace}:log"


def make_redis(url: str) -> "Redis":
    """Make a RESP2 client, whose connections receive replies only. Raises ConfigurationError for an invalid URL."""
    return make_client(url, TIMEOUT_SECONDS, protocol=2, health_check_interval=0)


class RedisAnnouncer(Background):
    """See `Announcer`: publishes this worker's commits on a channel of Redis and offers those of others.

    `on_announcement` is called in the hub and must not block, and so is `on_connected` after each (re)subscription:
    announcements in between are lost, so the head must be read.
    """

    has_channel = True

    def __init__(
        self,
        settings: Settings,
        namespace: str,
        *,
        on_announcement: Callable[[Announcement], None],
        on_connected: Callable[[], None],
    ) -> None:
        """Raises ConfigurationError for an invalid URL of Redis."""
        super().__init__(self._stay_connected)
        self._redis = make_redis(settings.redis_url)
        self._channel = channel_of(namespace)
        self._seal = AnnouncementSeal(settings.secret_key, self._channel)
        self._on_announcement = on_announcement
        self._on_connected = on_connected
        self._refused = metrics.Tally(metrics.announcements_refused)
        self._refusal_logged_at = -math.inf
        self.connection: RedisConnection
        """The present connection, once it was started; another one after each loss."""
        self.is_connected = False

    def announce(self, announcement: Announcement) -> None:
        """See `Announcer`: without a Redis that takes it, the announcement is dropped, which costs only time."""
        if not (self.is_connected and self.connection.publish(self._seal.seal(announcement))):
            metrics.redis_errors.inc()

    def _stay_connected(self) -> None:
        """Keep one connection until it breaks, then wait a little. Each error is one more reason to try again."""
        try:
            self._keep_connection()
        except Exception as error:  # any error: the loop must retry
            logger.warning("Wake-ups through Redis are down: %s", type(error).__name__)
            metrics.redis_errors.inc()
        with self.idle:
            gevent.sleep(RECONNECT_SECONDS)

    def _keep_connection(self) -> None:
        """Make a connection and keep it until it breaks, which raises an error."""
        self.connection = RedisConnection(
            self._redis,
            self._channel,
            on_subscribed=self._subscribed,
            on_message=self._take,
            max_message_bytes=MAX_MESSAGE_BYTES,
            on_oversized=lambda: self._refuse("too long"),
            on_error=self._count_error,
        )
        try:
            self.connection.open()
            self._watch()
        finally:
            self._set_connected(False)
            self.connection.close()

    def _watch(self) -> None:
        """Wait until the connection is of no use any more.

        Raises ConnectionError when it has ended, TimeoutError when Redis is silent although it was asked for something,
        MasterChangedError when its server is no longer the master.
        """
        connection, silent_checks = self.connection, 0
        while True:
            with self.idle:
                if connection.lost.wait(TIMEOUT_SECONDS / CHECKS_PER_TIMEOUT):
                    raise ConnectionError
            connection.check_master()
            silent_checks = 0 if connection.has_received else silent_checks + 1
            connection.has_received = False
            if silent_checks == CHECKS_PER_TIMEOUT:
                if not self.is_connected:
                    raise TimeoutError
                connection.ping()
            elif silent_checks == 2 * CHECKS_PER_TIMEOUT:
                raise TimeoutError

    def _subscribed(self) -> None:
        self._set_connected(True)
        self._on_connected()

    def _count_error(self, code: str) -> None:
        metrics.redis_errors.inc()
        logger.warning("Redis rejected a command: %s", code)

    def _take(self, data: bytes) -> None:
        if self._seal.is_own(data):
            return  # the writer has already given it to the follower
        try:
            announcement = self._seal.open(data)
        except ValueError as error:
            self._refuse(str(error))
            return
        self._on_announcement(announcement)

    def _refuse(self, reason: str) -> None:
        """Count a message that is not an announcement of this gateway. Reading the head finds the entries of a
        suppressed one."""
        self._refused.inc()
        now = time.monotonic()
        if now - self._refusal_logged_at >= REFUSALS_LOGGED_SECONDS:
            self._refusal_logged_at = now
            logger.warning("A message on the Redis channel was rejected (%s); further ones are only counted", reason)

    def _set_connected(self, connected: bool) -> None:
        self.is_connected = connected
        metrics.redis_up.set(1 if connected else 0)

"""Announcements between workers and nodes, over one Redis channel.

Redis is never waited for by a request: what has to be published goes through a bounded queue to a greenlet of its own,
and one subscriber connection per worker brings what others publish. Every failure here fails open: it is counted and
logged, and the follower's own look at the head carries the gateway until Redis is back.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any, cast

import gevent
from gevent.queue import Full, Queue
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from notifygate import metrics
from notifygate.background import Background
from notifygate.errors import ConfigurationError
from notifygate.log.announcement import Announcement, from_bytes, to_bytes
from notifygate.waiting import let_others_go_on

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0
"""Connecting, sending, and how long a silent subscriber connection may stay unanswered when it is pinged."""

QUEUED_ANNOUNCEMENTS = 1000
"""Beyond this the oldest need is gone anyway: followers that miss announcements read the database once."""

RECONNECT_SECONDS = 0.5


def channel_of(namespace: str) -> str:
    """Return the channel of the gateway with this namespace."""
    return f"notifygate:{namespace}:log"


def make_redis(url: str) -> "Redis":
    """Make a client that fails fast: short timeouts and no silent retries (redis-py would retry ten times).

    It speaks RESP2: with RESP3 redis-py writes each announcement into a log line, whether that is wanted or not, which
    takes longer than to read it. Nothing is sent yet. Raises ConfigurationError for a text that is no Redis URL.
    """
    try:
        return Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
    except ValueError:
        # Not chained: the error quotes the URL, which may hold a password.
        raise ConfigurationError("NOTIFYGATE_REDIS_URL is no URL such as redis://127.0.0.1:6379/0.") from None


class RedisAnnouncer:
    """Publishes this worker's commits and offers those of others.

    `on_connected` is called after each (re)subscription: what was published in between is gone, so the log has to be
    looked at.
    """

    def __init__(
        self,
        redis: "Redis",
        channel: str,
        *,
        on_announcement: Callable[[Announcement], None],
        on_connected: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._channel = channel
        self._on_announcement = on_announcement
        self._on_connected = on_connected
        self._sender = secrets.token_bytes(8)
        self._publisher = self._make_connection()
        self._outgoing: Queue[Announcement] = Queue(maxsize=QUEUED_ANNOUNCEMENTS)
        self._publishing = Background(self._publish_next)
        self._listening = Background(self._listen)
        self.is_connected = False

    def start(self) -> None:
        """Begin to publish and to listen."""
        self._publishing.start()
        self._listening.start()

    def stop(self) -> None:
        """Stop both and close the connections."""
        self._publishing.stop()
        self._listening.stop()
        self._publisher.disconnect()

    def announce(self, announcement: Announcement) -> None:
        """Queue an announcement for the others, and let it be sent if that is possible without waiting.

        A full queue drops it, which costs only time.
        """
        try:
            self._outgoing.put_nowait(announcement)
        except Full:
            metrics.redis_errors.inc()
        gevent.sleep(0)  # the others have a long way to go, so they are told before the caller does anything else

    def _publish_next(self) -> None:
        with self._publishing.idle:
            announcement = self._outgoing.get()
        try:
            self._publisher.send_command("PUBLISH", self._channel, self._sender + to_bytes(announcement))
            self._publisher.read_response()
        except Exception as error:  # whatever it is, the next announcement deserves its try
            metrics.redis_errors.inc()
            logger.warning("An announcement could not be published: %s", type(error).__name__)

    def _make_connection(self) -> ConnectionInterface:
        """Make a connection of the announcer's own, which connects when it is used first, or again.

        redis-py's client and PubSub work on connections like this one; a wake-up is quicker without what they add.
        """
        return self._redis.connection_pool.make_connection()

    def _listen(self) -> None:
        """Listen until the connection breaks, then wait a little."""
        subscriber = self._make_connection()
        try:
            subscriber.send_command("SUBSCRIBE", self._channel)
            self._receive(subscriber)
        except Exception as error:  # whatever it is, listening must go on
            logger.warning("Wake-ups through Redis are down: %s", type(error).__name__)
            metrics.redis_errors.inc()
        finally:
            self._set_connected(False)
            subscriber.disconnect()
        with self._listening.idle:
            gevent.sleep(RECONNECT_SECONDS)

    def _receive(self, subscriber: ConnectionInterface) -> None:
        awaits_pong = False
        while True:
            try:
                with self._listening.idle:
                    said = cast(Sequence[Any], subscriber.read_response(push_request=True, disconnect_on_error=False))
            except RedisTimeoutError:
                if awaits_pong or not self.is_connected:
                    raise
                subscriber.send_command("PING")
                awaits_pong = True
                continue
            awaits_pong = False
            if said[0] == b"message":
                self._take(said[2])
                let_others_go_on()  # above all, those who were woken by it are answered
            elif said[0] == b"subscribe":  # only now does nothing get past us any more
                self._set_connected(True)
                self._on_connected()

    def _take(self, data: bytes) -> None:
        if data.startswith(self._sender):
            return  # our own: the writer has told the follower already
        try:
            self._on_announcement(from_bytes(data[len(self._sender) :]))
        except Exception as error:  # from another version, or no announcement at all
            metrics.redis_errors.inc()
            logger.warning("An announcement could not be read, the log itself will tell: %s", type(error).__name__)

    def _set_connected(self, connected: bool) -> None:
        self.is_connected = connected
        metrics.redis_up.set(1 if connected else 0)

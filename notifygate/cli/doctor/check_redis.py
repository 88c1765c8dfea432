"""Redis: its version, and that all a gateway does there is permitted, tried with the gateway's own code."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any, cast

from gevent.event import Event
from limits import RateLimitItemPerMinute
from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from notifygate.announcements.redis_announcer import TIMEOUT_SECONDS, channel_of, make_redis
from notifygate.announcements.redis_connection import RedisConnection
from notifygate.cli.doctor.finding import REDIS, SLOW_SECONDS, Finding, quickest
from notifygate.errors import ConfigurationError
from notifygate.limits.shared_counts import SharedWindows
from notifygate.limits.signed_counts import CountSigner
from notifygate.settings import Settings

OLDEST_REDIS = (6, 2)
"""RESP3 came with 6.0; permissions for channels with 6.2."""

DOCTOR = "doctor"
"""Stands where the keys and the channel of a gateway have its namespace, which is random and never this."""

ACL_REMEDY = "give its user the rules of docs/operations.md, Securing Redis"
"""The remedy for a missing permission."""

CERTIFICATE_REMEDY = "name its authority in ssl_ca_certs, and see docs/operations.md, Securing Redis"
"""The remedy for a certificate that is not trusted."""


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Check the Redis of some settings; yield the findings."""
    if not settings.redis_url:
        yield REDIS.ok("none is set: fine for one worker")
        return
    try:
        redis = make_redis(settings.redis_url)
    except ConfigurationError as error:
        yield REDIS.wrong(str(error))
        return
    try:
        yield _version(redis)
        yield from _password(redis)
        yield _permitted("counts", lambda: _count(redis, settings))
        yield _permitted("wake-ups", lambda: _receive(redis))
    except AuthenticationError:
        yield REDIS.wrong("it refuses the user or the password: correct NOTIFYGATE_REDIS_URL")
    except (RedisError, OSError) as error:
        yield REDIS.wrong(_no_answer(error))
    except Exception as error:  # of any type: redis-py and the checks expect the replies of a Redis
        yield REDIS.wrong(
            f"its replies are not those of a Redis ({type(error).__name__}): correct NOTIFYGATE_REDIS_URL"
        )
    finally:
        redis.close()


def _no_answer(error: Exception) -> str:
    """Return the fault and its remedy; the certificate's, if that is the cause."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message}): {CERTIFICATE_REMEDY}"
    return f"no answer ({type(error).__name__}): start it, or correct NOTIFYGATE_REDIS_URL"


def _version(redis: Redis) -> Finding:
    try:
        # With a version of the protocol: Redis 6.0 requires one.
        answer, seconds = quickest(lambda: cast("list[Any]", redis.execute_command("HELLO", "2")))
    except ResponseError:
        return REDIS.wrong("it does not know HELLO: update it to Redis 6.2 or later, or Valkey")
    facts = {bytes(key).decode(): value for key, value in zip(answer[::2], answer[1::2], strict=True)}
    name, version = bytes(facts["server"]).decode(), bytes(facts["version"]).decode()
    if tuple(map(int, version.split(".")[:2])) < OLDEST_REDIS:
        return REDIS.warning(f"{name} {version} can't restrict channels by ACL: update it to 6.2 or later")
    if seconds > SLOW_SECONDS:
        return REDIS.warning(f"{name} {version} takes {seconds * 1000:.0f} ms to answer: move it closer to the gateway")
    return REDIS.ok(f"{name} {version} answers within {seconds * 1000:.1f} ms")


def _password(redis: Redis) -> Iterator[Finding]:
    options = redis.connection_pool.connection_kwargs
    # Without a host it is a Unix socket, or the master that Sentinels name.
    is_remote = options.get("host", "localhost") not in ("localhost", "127.0.0.1", "::1")
    if is_remote and not options.get("password"):
        yield REDIS.warning(
            "no password is set: every client that reaches it may suppress wake-ups and see the names of recipients."
            " Add a user of its own (docs/operations.md, Securing Redis)"
        )


def _permitted(what: str, work: Callable[[], str | None]) -> Finding:
    """Run a gateway's operations for `what`; `work` returns the fault and its remedy, None without a fault."""
    try:
        fault = work()
    except NoPermissionError:
        fault = f"its user lacks a permission: {ACL_REMEDY}"
    except OutOfMemoryError:
        fault = "it is full: raise its maxmemory, or set maxmemory-policy to allkeys-lru"
    except ReadOnlyError:
        fault = "it is a replica: name the master in NOTIFYGATE_REDIS_URL"
    except ResponseError as error:  # of a script, for example; the text begins with the code
        fault = f"it refuses them ({str(error).partition(' ')[0]}): {ACL_REMEDY}"
    return REDIS.wrong(f"{what} don't work, {fault}") if fault else REDIS.ok(f"{what} work")


def _count(redis: Redis, settings: Settings) -> None:
    """Share one count as a rate limit does. Its key expires after two minutes."""
    windows = SharedWindows(
        "publish",
        RateLimitItemPerMinute(1),
        redis,
        CountSigner(settings.secret_key),
        f"notifygate:{DOCTOR}:counts",
        is_paused=lambda: False,
        on_failure=lambda _: None,
    )
    windows.add_and_share("count")


def _receive(redis: Redis) -> str | None:
    """Publish on a channel that no gateway subscribes to, and receive it as a worker would."""
    subscribed, received = Event(), Event()
    errors: list[str] = []

    def fail(code: str) -> None:
        errors.append(code)
        subscribed.set()
        received.set()

    connection = RedisConnection(
        redis,
        channel_of(DOCTOR),
        on_subscribed=subscribed.set,
        on_message=lambda _: received.set(),
        max_message_bytes=1024,
        on_oversized=received.set,
        on_error=fail,
    )
    try:
        connection.open()
        if not subscribed.wait(TIMEOUT_SECONDS):
            return f"the subscription is not confirmed within {TIMEOUT_SECONDS:g} s: see its log"
        connection.publish(b"is this heard?")
        if not received.wait(TIMEOUT_SECONDS):
            return f"a message does not come back within {TIMEOUT_SECONDS:g} s: see its log"
    finally:
        connection.close()
    return f"its user lacks a permission ({errors[0]}): {ACL_REMEDY}" if errors else None

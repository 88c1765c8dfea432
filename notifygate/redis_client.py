"""Clients of redis-py for the Redis of a URL: one server, or the master that Redis Sentinel names.

With `redis+sentinel://`, or `rediss+sentinel://` for TLS, redis-py asks the Sentinels for the master whenever it opens
a connection (https://redis.io/docs/latest/develop/reference/sentinel-clients/). A connection that is open already has
to be checked with `is_superseded`: a master that hangs, or that the Sentinels can't reach, closes no connection.
"""

from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, parse_url  # pyright: ignore[reportUnknownVariableType]
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection

from notifygate.errors import ConfigurationError

SENTINEL_SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
"""The schemes of URLs that name Sentinels, and those of the servers that they name."""

SENTINEL_PORT = 26379
"""Default port of a Sentinel."""

SENTINEL_CREDENTIALS = {"sentinel_username": "username", "sentinel_password": "password"}
"""Parameters of the URL for the Sentinels' own credentials."""


SENTINEL_TIMEOUT_SECONDS = 0.5
"""Longest wait for one Sentinel, which answers from memory; then the next one is asked. A hanging Sentinel delays each
question that the others can't answer, and during a fail-over they can't."""


class MasterChangedError(RedisConnectionError):
    """The Sentinels name another master than the one of this connection."""


def make_client(url: str, timeout_seconds: float, **options: Any) -> Redis:
    """Return a client for the Redis of a URL that fails fast: redis-py itself would retry ten times. Sends nothing.

    The time-out is for connecting and for each reply; that of the Sentinels is bounded by SENTINEL_TIMEOUT_SECONDS. It
    and `options`, which are redis-py's, are for the servers and for the Sentinels. The URL is redis-py's or
    `redis+sentinel://user:password@host:port,host:port/name/database?option=value`: the hosts are the Sentinels
    (port 26379 by default), name is the master's, all else is for the master. Raises ConfigurationError for any other
    text, and for a parameter that redis-py does not know or whose value it rejects.
    """
    try:
        client = _make_client(url, timeout_seconds, options)
        pool = client.connection_pool
        # redis-py checks most parameters only when it makes a connection. This one is never opened.
        pool.connection_class(**pool.connection_kwargs)
    except Exception:  # of any type: an unknown parameter is a TypeError, for example
        # Not chained: the error quotes the URL, which may contain a password.
        raise ConfigurationError(
            "NOTIFYGATE_REDIS_URL is not a valid URL, or has an unknown or invalid parameter;"
            " expected redis://127.0.0.1:6379/0 or redis+sentinel://host,host/name."
        ) from None
    return client


def _make_client(url: str, timeout_seconds: float, options: dict[str, Any]) -> Redis:
    """Return a client whose parameters are not all checked. Raises ValueError and others for an invalid URL."""
    options |= {"socket_timeout": timeout_seconds, "socket_connect_timeout": timeout_seconds}
    options["retry"] = Retry(NoBackoff(), 0)
    scheme, _, rest = url.partition("://")
    if scheme not in SENTINEL_SCHEMES:
        return Redis.from_url(url, **options)
    authority, _, path = rest.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    # Without the hosts: newer versions of Python refuse an IPv6 address that has other hosts beside it.
    parts = urlsplit(f"//sentinels/{path}")
    name, _, database = parts.path.removeprefix("/").partition("/")
    if not name or not hosts or not (database or "0").isdigit():
        raise ValueError("no hosts, no name of a master, or no number of a database")
    query = dict(parse_qsl(parts.query))
    for_sentinels = {key: query.pop(name) for name, key in SENTINEL_CREDENTIALS.items() if name in query}
    # redis-py parses a URL of one server with the same credentials and parameters, so all of its options work here.
    server = f"{SENTINEL_SCHEMES[scheme]}://{credentials}{at}server/{database or 0}?{urlencode(query)}"
    given = cast(dict[str, Any], parse_url(server))
    for argument in ("host", "port", "connection_class"):
        given.pop(argument, None)
    if scheme.startswith("rediss"):
        given["ssl"] = True
    tls = {key: value for key, value in given.items() if key.startswith("ssl")}
    timeouts = dict.fromkeys(
        ("socket_timeout", "socket_connect_timeout"), min(timeout_seconds, SENTINEL_TIMEOUT_SECONDS)
    )
    sentinels = Sentinel(
        [_address(host) for host in hosts.split(",")], sentinel_kwargs={**options, **timeouts, **tls, **for_sentinels}
    )
    return sentinels.master_for(unquote(name), **{**options, **given})


def is_superseded(connection: AbstractConnection) -> bool:
    """Return whether the Sentinels name another master than the server of a connection.

    Waits for their answer. False where no Sentinel is asked, or none of them answers: they may be away for a while
    without any harm to the connection.
    """
    if not isinstance(connection, SentinelManagedConnection):
        return False
    pool = cast(SentinelConnectionPool, connection.connection_pool)
    try:
        named = cast(tuple[str, int], pool.get_master_address())
    except RedisError:
        return False
    return named != (connection.host, connection.port)


def _address(text: str) -> tuple[str, int]:
    """Read `host` or `host:port`. Raises ValueError."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a Sentinel without a host")
    return parts.hostname, parts.port or SENTINEL_PORT

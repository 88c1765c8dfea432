"""URLs of a Redis, and of Sentinels that name one. The connections are tested in tests/ha/."""

from typing import Any

import pytest
from redis.connection import Connection, SSLConnection
from redis.sentinel import SentinelConnectionPool, SentinelManagedSSLConnection

from notifygate.announcements.redis_announcer import TIMEOUT_SECONDS, make_redis
from notifygate.errors import ConfigurationError
from notifygate.redis_client import SENTINEL_TIMEOUT_SECONDS, is_superseded, make_client


def sentinels_of(url: str) -> tuple[SentinelConnectionPool, list[dict[str, Any]]]:
    """Return a client's pool, and the options of its connections to Sentinels."""
    pool = make_redis(url).connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    return pool, [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]


def test_url_names_sentinels_and_their_master() -> None:
    pool, sentinels = sentinels_of("redis+sentinel://h1,h2:1234,[::1]:99/cache")
    assert pool.service_name == "cache"
    assert [(one["host"], one["port"]) for one in sentinels] == [("h1", 26379), ("h2", 1234), ("::1", 99)]
    assert pool.connection_kwargs.get("db", 0) == 0
    for given, seconds in [
        (pool.connection_kwargs, TIMEOUT_SECONDS),
        *((one, SENTINEL_TIMEOUT_SECONDS) for one in sentinels),
    ]:
        assert (given["socket_timeout"], given["socket_connect_timeout"]) == (seconds, seconds), "each wait is short"
        assert given["retry"].get_retries() == 0


@pytest.mark.parametrize(("seconds", "for_sentinels"), [(0.1, 0.1), (9.0, SENTINEL_TIMEOUT_SECONDS)])
def test_sentinel_has_no_more_time_than_a_server(seconds: float, for_sentinels: float) -> None:
    pool = make_client("redis+sentinel://h1/cache", seconds).connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    (sentinel,) = pool.sentinel_manager.sentinels
    given = sentinel.connection_pool.connection_kwargs
    assert (given["socket_timeout"], given["socket_connect_timeout"]) == (for_sentinels, for_sentinels)


def test_credentials_and_database_are_for_the_master_and_tls_is_for_all() -> None:
    pool, sentinels = sentinels_of(
        "redis+sentinel://me:a%40b%2Fc@h1,h2/my%20cache/3?sentinel_username=s&sentinel_password=two%20words&client_name=n%26m"
    )
    wanted = {"username": "me", "password": "a@b/c", "db": 3, "client_name": "n&m"}
    assert {name: pool.connection_kwargs[name] for name in wanted} == wanted
    assert pool.service_name == "my cache"
    assert [(one["username"], one["password"], one["db"]) for one in sentinels] == [("s", "two words", 0)] * 2
    _, (sentinel,) = sentinels_of("redis+sentinel://:secret@h1/cache")
    assert sentinel["password"] is None
    pool, (sentinel,) = sentinels_of("rediss+sentinel://h1/cache?ssl_ca_certs=/ca.pem")
    assert pool.connection_class is SentinelManagedSSLConnection
    assert pool.connection_kwargs["ssl_ca_certs"] == sentinel["ssl_ca_certs"] == "/ca.pem"
    assert make_client("rediss://h1", 1).connection_pool.connection_class is SSLConnection


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://h1,h2", "redis+sentinel://h1,h2/", "redis+sentinel:///cache", "redis+sentinel://h1,,h2/cache",
        "redis+sentinel://h1:port/cache", "redis+sentinel://h1/cache/first", "redis+sentinel://h1/cache/1/2",
        "sentinel://h1/cache", "h1:6379",
        "rediss://h1?ssl_ca_cert=/ca.pem", "rediss://h1?ssl_cert_reqs=bogus", "redis://h1?ssl_ca_certs=/ca.pem",
        "redis://h1?protocol=9", "redis+sentinel://h1/cache?sentinel_user=me", "rediss+sentinel://h1/cache?ssl_ca_cert=/ca.pem",
    ],
)  # fmt: skip
def test_invalid_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_REDIS_URL is not a valid URL") as caught:
        make_redis(url.replace("//", "//user:secret@"))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_connection_is_not_superseded_without_sentinels_or_while_none_answers() -> None:
    assert not is_superseded(Connection())
    pool = make_redis("redis+sentinel://127.0.0.1:1/cache").connection_pool
    assert not is_superseded(pool.connection_class(**pool.connection_kwargs))

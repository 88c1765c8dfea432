"""The sites on which long polls are tested, from a single process to two nodes."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.support.postgres_server import PostgresServer
from tests.support.processes import running
from tests.support.redis_server import RedisServer
from tests.support.site import RARE_HEAD_READS, Site

KINDS = {
    "sqlite": {"workers": 1, "wakes": True},
    "sqlite, two workers": {"workers": 2, "wakes": False},
    "postgresql and redis, two workers": {"postgres": True, "redis": True, "workers": 2, "wakes": True},
    "two nodes on postgresql and redis": {"postgres": True, "redis": True, "workers": 1, "gateways": 2, "wakes": True},
}
"""`wakes`: wake-ups reach every worker, so that the reads of the head aren't needed."""


@pytest.fixture(scope="session", params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running site of each kind; tests leave it as healthy as they found it.

    Where wake-ups reach every worker, workers read the head only once a minute: a test that ends shows that they were
    woken.
    """
    kind: dict[str, Any] = KINDS[request.param]
    env = {"NOTIFYGATE_WORKERS": str(kind["workers"]), **(RARE_HEAD_READS if kind["wakes"] else {})}
    postgres: PostgresServer | None = request.getfixturevalue("postgres_server") if kind.get("postgres") else None
    if postgres:
        database_url = postgres.create_database()
    else:
        database_url = f"sqlite:///{tmp_path_factory.mktemp('site')}/notifygate.db"
    if kind.get("redis"):
        redis: RedisServer = request.getfixturevalue("redis_server")
        env["NOTIFYGATE_REDIS_URL"] = redis.url
    with running(Site(database_url, env, kind.get("gateways", 1))) as made:
        yield made
    if postgres:
        postgres.drop(database_url)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection beside the gateway's, to another database of the same server."""
    url = make_url(postgres_url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection

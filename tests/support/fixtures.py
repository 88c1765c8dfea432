"""The fixtures that hand out real servers. A server starts when the first test asks for it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.gateway_process import GatewayProcess
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis of the whole run. Tests that stop or pause one take `own_redis_server`."""
    server = RedisServer.from_environment()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """URL of an empty database in the run's Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def own_redis_server() -> Iterator[RedisServer]:
    """A Redis of this test alone, to be stopped, paused and restarted at will."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL of the whole run."""
    server = PostgresServer.from_environment()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of a fresh, empty PostgreSQL database."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite file that doesn't exist yet."""
    return f"sqlite:///{tmp_path / 'notifygate.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh, empty database; the test runs once for each kind."""
    # Asked for by name, so that PostgreSQL isn't started for the sake of SQLite.
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def gateway() -> Iterator[Callable[..., GatewayProcess]]:
    """Return a function that starts a gateway with the given extra environment; all are ended afterwards.

    What they printed is shown when the test fails.
    """
    gateways: list[GatewayProcess] = []

    def start(env: Mapping[str, str] | None = None) -> GatewayProcess:
        process = GatewayProcess()
        gateways.append(process)
        process.start(env)
        return process

    try:
        yield start
    finally:
        for process in gateways:
            print(f"--- gateway on {process.url} ---\n{process.output}")
            process.close()

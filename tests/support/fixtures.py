"""The fixtures for real servers. A server starts when the first test requests it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, text, update
from sqlalchemy.exc import SQLAlchemyError

from notifygate.errors import NotifygateError
from notifygate.storage.migrate import migrate
from notifygate.storage.tables import HEAD, METADATA
from tests.support.gateway_process import GatewayProcess
from tests.support.migrated import begin_history, make_migrated_file, work_on
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.site import MakeSite, Site, running_site


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that are marked `both_databases` on SQLite and on PostgreSQL; the others run on SQLite."""
    if metafunc.definition.get_closest_marker("both_databases"):
        for fixture in {"database_url", "empty_database_url"} & set(metafunc.fixturenames):
            metafunc.parametrize(fixture, ["sqlite", "postgresql"], indirect=True)


def _kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of database that a test requests of a fixture."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis of the whole run. Tests that stop or pause one use `own_redis_server`."""
    with closing(RedisServer.from_environment()) as server:
        server.start()
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """URL of an empty database in the run's Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def shared_redis(redis_server: RedisServer, redis_url: str) -> RedisServer:
    """The run's Redis, without anything in it."""
    return redis_server


@pytest.fixture
def own_redis_server() -> Iterator[RedisServer]:
    """A Redis of this test alone, to be stopped, paused and restarted at will."""
    with closing(RedisServer()) as server:
        server.start()
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL of the whole run."""
    with closing(PostgresServer.from_environment()) as server:
        server.start()
        yield server


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


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh, empty database: see `both_databases`."""
    # Asked for by name, so that PostgreSQL isn't started for the sake of SQLite.
    return request.getfixturevalue("sqlite_url" if _kind(request) == "sqlite" else "postgres_url")


class PostgresDatabases:
    """PostgreSQL databases with the newest migration. Making one takes longer than most tests, so they are used
    again."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._spare: list[str] = []

    def take(self) -> str:
        """Return the URL of an empty one."""
        if self._spare:
            return self._spare.pop()
        url = self._server.create_database()
        work_on(url, migrate)
        return url

    def give_back(self, url: str) -> None:
        """Empty one for the next test; drop it if that fails."""
        try:
            work_on(url, lambda database: database.write(_empty))
        except (SQLAlchemyError, NotifygateError):
            self._server.drop(url)
        else:
            self._spare.append(url)

    def close(self) -> None:
        """Remove them."""
        for url in self._spare:
            self._server.drop(url)


def _empty(connection: Connection) -> None:
    # Connections that a test left open would block the deletion of rows.
    mine = "datname = current_database() AND pid <> pg_backend_pid()"
    connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"))
    tables = [name for name in METADATA.tables if name != HEAD.name]
    connection.execute(text(f"TRUNCATE {', '.join(tables)}"))
    connection.execute(update(HEAD).values(head=0, floor=0, key_fingerprint=None))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer) -> Iterator[PostgresDatabases]:
    """The migrated PostgreSQL databases of the whole run."""
    databases = PostgresDatabases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a fresh database with the newest migration: see `both_databases`.

    The file is a copy, and the database one that another test has used before: migrating takes longer than most tests.
    """
    if _kind(request) == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        make_migrated_file(Path(make_url(url).database or ""))
        yield url
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
    url = databases.take()
    work_on(url, begin_history)
    yield url
    databases.give_back(url)


@pytest.fixture
def gateway() -> Iterator[Callable[..., GatewayProcess]]:
    """Return a function that starts a gateway with the given extra environment; all are ended afterwards.

    Their output is shown when the test fails.
    """
    with ExitStack() as gateways:

        def start(env: Mapping[str, str] | None = None) -> GatewayProcess:
            process = gateways.enter_context(closing(GatewayProcess()))
            gateways.callback(lambda: print(f"--- gateway on {process.url} ---\n{process.output}"))
            process.start(env)
            return process

        yield start


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Return a function that starts a site of this test alone, to be stopped, killed or cut off at will.

    It takes the arguments of `running_site`, except for the folder.
    """
    with ExitStack() as sites:

        def make(database_url: str | None = None, **settings: Any) -> Site:
            return sites.enter_context(running_site(tmp_path, database_url, **settings))

        yield make

"""The fixtures that hand out real servers. A server starts when the first test asks for it."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from notifygate.log.reader import HEAD
from notifygate.storage.database import Database, make_engine
from notifygate.storage.migrate import migrate
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
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh, empty database; the test runs once for each kind."""
    # Asked for by name, so that PostgreSQL isn't started for the sake of SQLite.
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest migration, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "notifygate.db"
    _work_on(f"sqlite:///{file}", migrate)
    return file


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of a PostgreSQL database with the newest migration, to be copied."""
    url = postgres_server.create_database()
    _work_on(url, migrate)
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a fresh database with the newest migration; the test runs once for each kind.

    It is a copy, since the migrations take longer than most tests.
    """
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        shutil.copy(request.getfixturevalue("migrated_sqlite_file"), make_url(url).database or "")
        _work_on(url, _begin_history)
        yield url
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(request.getfixturevalue("migrated_postgres_url"))
    _work_on(url, _begin_history)
    yield url
    server.drop(url)


def _begin_history(database: Database) -> None:
    """Give a copy what the first migration draws at random for each database."""
    values = {"epoch": secrets.randbits(20), "namespace": secrets.token_hex(8)}
    database.write(lambda connection: connection.execute(update(HEAD).values(values)))


def _work_on(url: str, work: Callable[[Database], None]) -> None:
    engine = make_engine(url)
    try:
        work(Database(engine))
    finally:
        engine.dispose()


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

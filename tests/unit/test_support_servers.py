"""The servers that other tests rely on work as documented."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import psycopg
import pytest
import redis
from sqlalchemy.engine import make_url

from tests.support import processes
from tests.support.gateway_process import REPOSITORY, GatewayProcess
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ServerProcess, ServerStartError
from tests.support.redis_server import NotOurServerError, RedisServer


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement on a PostgreSQL database; return its rows."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def can_connect(port: int) -> bool:
    """Tell whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_of(server: RedisServer) -> int:
    port = make_url(server.url).port
    assert port is not None
    return port


# Redis


def test_redis_url_names_an_empty_database(redis_server: RedisServer, request: pytest.FixtureRequest) -> None:
    with redis_server.connect() as client:
        client.set("left", "over")
        assert request.getfixturevalue("redis_url") == redis_server.url
        assert client.dbsize() == 0


def test_paused_redis_accepts_connections_and_answers_nothing(own_redis_server: RedisServer) -> None:
    own_redis_server.pause()
    with own_redis_server.connect(timeout_seconds=0.3) as client, pytest.raises(redis.TimeoutError):
        client.ping()
    assert can_connect(port_of(own_redis_server))


def test_redis_given_by_url_is_used_and_left_alone(own_redis_server: RedisServer) -> None:
    given = RedisServer(own_redis_server.url)
    given.start()
    with given.connect() as client:
        assert client.ping() is True
    with pytest.raises(NotOurServerError, match="own_redis_server"):
        given.pause()
    given.close()
    with own_redis_server.connect() as client:
        assert client.ping() is True


def test_redis_given_by_url_that_does_not_answer_is_an_error(own_redis_server: RedisServer) -> None:
    own_redis_server.stop()
    with pytest.raises(ServerStartError, match="NOTIFYGATE_TEST_REDIS_URL"):
        RedisServer(own_redis_server.url).start()


# PostgreSQL


def test_postgres_given_by_url_is_used_and_left_alone(postgres_server: PostgresServer) -> None:
    given = PostgresServer(postgres_server.url)
    given.start()
    url = given.create_database()
    given.close()
    assert execute(postgres_server.url, "SELECT 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        execute(url, "SELECT 1")


def test_waiting_for_postgres_leaves_other_greenlets_running(postgres_server: PostgresServer) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            time.sleep(0.01)

    ticking = gevent.spawn(tick)
    execute(postgres_server.url, "SELECT pg_sleep(0.3)")
    ticking.kill()
    assert ticks > 5


# Processes


def test_server_that_ends_by_itself_is_reported_with_its_output(tmp_path: Path) -> None:
    process = ServerProcess("a server", ["sh", "-c", "echo no such luck; exit 3"], output_file=tmp_path / "output.txt")
    with pytest.raises(ServerStartError, match=r"a server ended with exit code 3.*\nno such luck"):
        process.wait_until(lambda: False)


def test_server_that_never_gets_ready_is_killed(tmp_path: Path) -> None:
    process = ServerProcess("a server", ["sleep", "60"], output_file=tmp_path / "output.txt")
    with pytest.raises(ServerStartError, match=r"not ready within 0\.1 s"):
        process.wait_until(lambda: False, seconds=0.1)
    assert not process.is_running


def test_server_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    process = ServerProcess("a server", ["sh", "-c", script], output_file=tmp_path / "output.txt")
    process.wait_until(lambda: "ready" in process.output)
    assert process.stop(seconds=0.1) == -signal.SIGKILL


# The gateway


def test_gateway_whose_first_process_was_killed_leaves_no_worker_behind(gateway: Callable[..., GatewayProcess]) -> None:
    running = gateway({"NOTIFYGATE_WORKERS": "2"})
    running.stop(signal.SIGKILL)
    assert not can_connect(running.port)


def test_settings_of_the_developer_do_not_reach_the_gateway(
    gateway: Callable[..., GatewayProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFYGATE_WORKERS", "none of your business")
    assert gateway().is_running


# The guard


START_AND_WAIT = """
from gevent import monkey
monkey.patch_all()
import time
from urllib.parse import urlsplit
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
redis, postgres = RedisServer(), PostgresServer()
redis.start()
redis.pause()
postgres.start()
print(urlsplit(redis.url).port, urlsplit(postgres.url).port, flush=True)
time.sleep(600)
"""


@pytest.fixture
def temporary_folder() -> Iterator[Path]:
    """A folder for temporary files that others than its owner can enter, as they can enter /tmp."""
    folder = processes.make_folder("temporary")
    folder.chmod(0o755)
    yield folder
    processes.remove_folder(folder)


def test_servers_and_folders_go_with_a_killed_run(temporary_folder: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(temporary_folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout is not None
        ports = [int(port) for port in run.stdout.readline().split()]
        assert [can_connect(port) for port in ports] == [True, True]
        assert {path.name.split("-")[1] for path in temporary_folder.iterdir()} == {"redis", "postgres"}
    finally:
        run.kill()
        run.communicate()

    # The reaper has no parent once the run is dead, so its end can't be awaited.
    deadline = time.monotonic() + 10
    while list(temporary_folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(processes.POLL_SECONDS)
    left, served = list(temporary_folder.iterdir()), [can_connect(port) for port in ports]
    assert (left, served) == ([], [False, False])

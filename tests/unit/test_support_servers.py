"""The servers that other tests rely on work as documented."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.support import processes
from tests.support.gateway_process import REPOSITORY, GatewayProcess
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ServerProcess, ServerStartError
from tests.support.redis_server import NotOurServerError, RedisServer
from tests.support.waiting import eventually


def can_connect(port: int) -> bool:
    """Return whether a process listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_servers_given_by_url_are_used_and_neither_paused_nor_stopped(
    own_redis_server: RedisServer, postgres_server: PostgresServer
) -> None:
    given = RedisServer(own_redis_server.url)
    given.start()
    with pytest.raises(NotOurServerError, match="own_redis_server"):
        given.pause()
    given.close()
    with own_redis_server.connect() as client:
        assert client.ping() is True
    own_redis_server.stop()
    with pytest.raises(ServerStartError, match="NOTIFYGATE_TEST_REDIS_URL"):
        RedisServer(own_redis_server.url).start()
    postgres = PostgresServer(postgres_server.url)
    postgres.start()
    url = postgres.create_database()
    postgres.close()
    assert postgres_server.execute("SELECT 1") == [(1,)]
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(plain)


def test_server_that_does_not_get_ready_is_killed_even_if_it_ignores_signals(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    process = ServerProcess("a server", ["sh", "-c", script], output_file=tmp_path / "output.txt")
    process.wait_until(lambda: "ready" in process.output)
    with pytest.raises(ServerStartError, match=r"not ready within 0\.1 s"):
        process.wait_until(lambda: False, seconds=0.1)
    assert process.stop(seconds=0.1) == -signal.SIGKILL


def test_gateway_ignores_settings_of_the_developer_and_leaves_no_worker_behind(
    gateway: Callable[..., GatewayProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFYGATE_DATABASE_URL", "none of your business")
    running = gateway({"NOTIFYGATE_WORKERS": "2"})
    running.stop(signal.SIGKILL)
    assert not can_connect(running.port)


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


def test_servers_and_folders_of_a_killed_run_are_removed(temporary_folder: Path) -> None:
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
    eventually(lambda: not list(temporary_folder.iterdir()), "the folders are removed")
    assert not any(can_connect(port) for port in ports)

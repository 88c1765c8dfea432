"""A gateway that starts without any data, and one that can't start and prints the reason in one line."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import gevent
import pytest

from notifygate.settings import MIN_SECRET_BYTES
from notifygate.settings_reader import load_settings
from notifygate.storage.database import open_database
from notifygate.storage.migrate import migrate
from notifygate.storage.readiness import check_database
from tests.support.gateway_process import REPOSITORY, GatewayProcess
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, ServerStartError, running
from tests.support.site import MakeSite, new_session, worker_pids
from tests.support.waiting import eventually

Refused = Callable[..., str]

SECRETS = ("secret_key", "jwt_secret")


def plain_environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a gateway of its own, without a developer's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYGATE_")}
    env |= {"NOTIFYGATE_DATA_DIR": str(data_dir), "NOTIFYGATE_BIND": f"127.0.0.1:{free_port()}"}
    return env | {f"NOTIFYGATE_{name}": value for name, value in settings.items()}


def migrate_database(env: Mapping[str, str]) -> None:
    """Migrate a database, as `notifygate migrate` does."""
    settings = load_settings(environ=env)
    settings.make_data_dir()
    database = open_database(settings)
    migrate(database)
    check_database(database, settings.secret_key)  # the first use leaves the fingerprint
    database.engine.dispose()


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Return a function that starts a gateway that must fail, and returns the line with the reason."""

    def start(*, migrated: bool = True, **settings: str) -> str:
        folder = tmp_path / "var"
        if migrated:
            migrate_database(plain_environment(folder))
        output = tmp_path / "output.txt"
        process = ServerProcess(
            "the gateway",
            [sys.executable, "-m", "gunicorn", "wsgi:app"],
            output_file=output,
            cwd=REPOSITORY,
            env=plain_environment(folder, **settings),
        )
        with pytest.raises(ServerStartError):
            process.wait_until(lambda: False)
        assert process.stop() not in (0, -signal.SIGKILL), "it ends by itself, with the exit code of a failure"
        print(process.output)
        assert "Traceback" not in process.output
        lines = [line for line in process.output.splitlines() if line.startswith(("notifygate:", "notifygate can't"))]
        assert len(set(lines)) == 1, "one line has the reason, the same in every worker"
        assert "listens on" not in process.output, "a gateway that can't start prints no address"
        return lines[0]

    return start


def test_no_file_that_a_gateway_makes_can_be_read_by_other_users(gateway: Callable[..., GatewayProcess]) -> None:
    process = gateway({"NOTIFYGATE_WORKERS": "2"})
    new_session().get(f"{process.url}/metrics", timeout=30)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in process.data_dir.rglob("*")}
    assert {"notifygate.db", "notifygate.db-wal", "notifygate.db-shm", "metrics", *SECRETS} <= set(made)
    assert any(name.startswith("counter_") for name in made)
    assert {name: oct(mode) for name, mode in made.items() if mode & 0o077} == {}
    assert stat.S_IMODE(process.data_dir.stat().st_mode) == 0o700
    assert "Every user of this machine" not in process.output


def test_gateway_makes_its_secrets_once_and_prints_the_next_commands(gateway: Callable[..., GatewayProcess]) -> None:
    process = gateway()
    secrets = [(process.data_dir / name).read_text().strip() for name in SECRETS]
    process.restart()
    assert [(process.data_dir / name).read_text().strip() for name in SECRETS] == secrets
    assert len(set(secrets)) == 2
    assert all(len(secret) >= MIN_SECRET_BYTES and secret not in process.output for secret in secrets)
    assert f"notifygate listens on {process.url}" in process.output
    for command in ("notifygate key create", "notifygate token", "curl"):
        assert command in process.output


def test_data_folder_that_others_may_enter_is_kept_with_a_warning() -> None:
    process = GatewayProcess()
    process.data_dir.mkdir()
    process.data_dir.chmod(0o755)
    with running(process):
        assert stat.S_IMODE(process.data_dir.stat().st_mode) == 0o755
        assert f"chmod -R go= {process.data_dir}" in process.output


def test_variable_that_is_not_a_setting_has_a_warning() -> None:
    process = GatewayProcess()
    try:
        process.start({"NOTIFYGATE_WORKER": "4"})
        assert (
            "NOTIFYGATE_WORKER is not a setting and has no effect: did you mean NOTIFYGATE_WORKERS?" in process.output
        )
    finally:
        process.close()


def test_secrets_of_several_starts_at_once_are_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    command = [
        sys.executable,
        "-c",
        "from notifygate.settings_reader import load_settings; print(load_settings().secret_key)",
    ]
    env = plain_environment(folder)
    starts = [
        subprocess.Popen(command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(8)
    ]
    outputs = {start.communicate(timeout=60)[0] for start in starts}
    assert len(outputs) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["jwt_secret", "secret_key"]


def test_database_of_a_gateway_with_another_secret_is_refused(refused: Refused) -> None:
    line = refused(SECRET_KEY="another secret of more than thirty-two bytes")
    assert "NOTIFYGATE_SECRET_KEY" in line
    assert "another secret" not in line


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({}, "notifygate migrate"),  # a worker finds it
        # gunicorn.conf.py reads the settings.
        ({"REDIS_URL": "redis://:pass-word@127.0.0.1:port/0", "WORKERS": "2"}, "NOTIFYGATE_REDIS_URL"),
        ({"DATA_DIR": "/dev/null/var"}, "/dev/null"),
    ],
)
def test_the_cause_of_a_failed_start_is_named(refused: Refused, settings: dict[str, str], part: str) -> None:
    line = refused(migrated="REDIS_URL" in settings, **settings)
    assert part in line
    assert "pass-word" not in line


def test_address_in_use_is_reported_in_one_line(refused: Refused, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = "{}:{}".format(*other.getsockname())
        line = refused(BIND=address, LOG_LEVEL="warning")
    assert line == (
        f"notifygate: can't listen on {address}: Address already in use. "
        "NOTIFYGATE_BIND sets another address, such as 127.0.0.1:9000."
    )
    assert capsys.readouterr().out.split("\n") == [line, "", ""]


@pytest.mark.parametrize("address", ["203.0.113.9:8080", "[2001:db8::9]:8080"])
def test_address_of_another_machine_is_reported_in_one_line(refused: Refused, address: str) -> None:
    line = refused(BIND=address)
    assert line.startswith(f"notifygate: can't listen on {address}: ")
    assert "NOTIFYGATE_BIND" in line


def test_database_that_is_away_is_reported_without_its_password(refused: Refused) -> None:
    url = f"postgresql+psycopg://user:pass-word@127.0.0.1:{free_port()}/db"
    line = refused(migrated=False, DATABASE_URL=url)
    assert "database" in line
    assert "pass-word" not in line


def test_worker_that_can_not_start_later_leaves_the_others_serving(make_site: MakeSite) -> None:
    site = make_site(WORKERS=2)
    (process,) = site.gateways
    victim, other = site.await_workers()
    with site.no_worker_starts():
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: process.output.count("notifygate can't start") > 1, "the new worker is tried again")
        assert new_session().get(f"{site.url}/readyz", timeout=20).status_code == 200
    assert other in site.await_workers()


def test_port_is_closed_until_a_worker_serves(make_site: MakeSite) -> None:
    """A balancer sends a refused request elsewhere, but not one that waits."""
    site = make_site()
    (gateway,) = site.gateways
    gateway.stop()
    starting = gevent.spawn(gateway.start, site.env, is_migrated=True)

    def is_refused_while_a_worker_starts() -> bool:
        if not gateway.is_running or not worker_pids(gateway):
            return False
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", gateway.port)) == errno.ECONNREFUSED

    eventually(is_refused_while_a_worker_starts, "connections are refused", seconds=60)
    starting.get(timeout=60)
    assert new_session().get(f"{site.url}/readyz", timeout=60).status_code == 200

"""`notifygate doctor` with things that are wrong, each made wrong in earnest."""

import json
import resource
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from notifygate.cli.doctor import check_machine
from notifygate.cli.doctor.check_settings import read_settings
from notifygate.storage.database import make_engine
from tests.support.command_line import CommandLine
from tests.support.doctor import report, wrong
from tests.support.gateway_process import GatewayProcess
from tests.support.ports import free_port
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

SECRETS = {
    "NOTIFYGATE_SECRET_KEY": "a secret for cursors of more than 32 bytes",
    "NOTIFYGATE_JWT_SECRETS": "a secret for tokens of more than 32 bytes",
}

FSYNC_IS_OFF = "fsync is off, so that it acknowledges what is not on disk and a 201 promises too much: set fsync=on"


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str) -> CommandLine:
    """The command line with a migrated PostgreSQL database and secrets of its own."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    command_line = CommandLine(folder, {"NOTIFYGATE_DATABASE_URL": postgres_url, **SECRETS})
    command_line("migrate")
    return command_line


def test_trial_that_has_not_begun_is_well_and_stays_untouched(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path / "var")
    findings = report(cli)
    assert wrong(findings) == ""
    assert "does not exist yet: 'notifygate serve' makes it" in wrong(findings, "ok")
    assert not (tmp_path / "var").exists()


def test_gateway_on_sqlite_is_well(cli: CommandLine) -> None:
    findings = report(cli)
    assert [finding for finding in findings if finding["level"] != "ok"] == []
    assert {"settings", "machine", "database", "redis"} == {finding["topic"] for finding in findings}
    lines = cli("doctor", env={"NOTIFYGATE_HOLDS_PER_WORKER": "100"}).splitlines()
    assert all(line.startswith("ok       ") for line in lines)


def test_gateway_on_postgresql_and_redis_is_well(on_postgres: CommandLine, redis_url: str) -> None:
    findings = report(on_postgres, env={"NOTIFYGATE_REDIS_URL": redis_url, "NOTIFYGATE_WORKERS": "2"})
    # The tests' own server is in a hurry; another one that is given may not be.
    assert wrong(findings) in ("", FSYNC_IS_OFF)
    assert wrong(findings, "warning") == ""
    for part in (
        "PostgreSQL",
        "belongs to this gateway's secret key",
        "counts work",
        "wake-ups work",
        "agree to within",
    ):
        assert part in wrong(findings, "ok")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"NOTIFYGATE_WORKER": "2"},
            "NOTIFYGATE_WORKER is not a setting and has no effect: did you mean NOTIFYGATE_WORKERS?",
        ),
        ({"NOTIFYGATE_BIND_FILE": "x"}, "NOTIFYGATE_BIND_FILE is not a setting"),
        ({"NOTIFYGATE_WORKERS": "many"}, "NOTIFYGATE_WORKERS: 'many' is not a valid int"),
        (
            {"NOTIFYGATE_DEMO": "1", "NOTIFYGATE_BIND": "0.0.0.0:80"},
            "NOTIFYGATE_DEMO gives credentials to every client",
        ),
        ({"NOTIFYGATE_HOLDS_PER_WORKER": "1000000000"}, "holds need 1000000200: LimitNOFILE="),
        ({"NOTIFYGATE_SECRET_KEY": "another secret of more than 32 bytes"}, "another NOTIFYGATE_SECRET_KEY"),
        ({"NOTIFYGATE_REDIS_URL": "a redis"}, "NOTIFYGATE_REDIS_URL is n"),
    ],
)
def test_wrong_setting(cli: CommandLine, env: dict[str, str], message: str) -> None:
    cli("key", "create", "any")  # from now on the database belongs to this secret key
    found = wrong(report(cli, env=env))
    # A setting that has no effect on another check must not hide it.
    assert message in found
    assert found.count("\n") == 0


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"NOTIFYGATE_WORKERS": "2"}, "on one SQLite file"),
        ({"NOTIFYGATE_WORKERS": "2"}, "without NOTIFYGATE_REDIS_URL"),
        ({"NOTIFYGATE_MAX_WAIT": "120"}, "many proxies cut at 60 s"),
    ],
)
def test_setting_that_deserves_a_warning(cli: CommandLine, env: dict[str, str], message: str) -> None:
    assert message in wrong(report(cli, env=env), "warning")


def test_data_folder_that_others_may_enter(cli: CommandLine) -> None:
    cli.data_dir.chmod(0o755)
    assert f"run 'chmod -R go= {cli.data_dir}'" in wrong(report(cli))


def test_limit_on_open_files_that_leaves_no_room_for_idle_connections(
    monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 15_000))
    settings, _ = read_settings({"NOTIFYGATE_DATA_DIR": str(cli.data_dir)})
    assert settings
    first = next(check_machine.check_machine(settings))
    assert (first.level, "LimitNOFILE=21200" in first.message) == ("warning", True)


def test_sqlite_on_a_network_file_system(monkeypatch: pytest.MonkeyPatch, cli: CommandLine) -> None:
    monkeypatch.setattr(check_machine, "_file_system", lambda _: "nfs4")
    settings, _ = read_settings({"NOTIFYGATE_DATA_DIR": str(cli.data_dir)})
    assert settings
    messages = [finding.message for finding in check_machine.check_machine(settings) if finding.level == "wrong"]
    assert any("network file system (nfs4)" in message for message in messages)


def test_file_system_of_a_folder_is_known() -> None:
    if shutil.which("findmnt"):  # util-linux, on every Linux
        assert check_machine._file_system(Path("/proc")) == "proc"


def test_database_that_is_not_migrated(tmp_path: Path, postgres_url: str) -> None:
    cli = CommandLine(tmp_path / "var", {"NOTIFYGATE_DATABASE_URL": postgres_url, **SECRETS})
    assert "run 'notifygate migrate'" in wrong(report(cli))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"port": None}, "nothing listens there"),
        ({"database": "missing"}, "its database does not exist"),
        ({"username": "nobody-of-that-name"}, "its user does not exist"),
        ({"host": "no-such-host.invalid"}, "its host name is unknown"),
    ],
)
def test_database_that_cannot_be_reached(on_postgres: CommandLine, change: dict[str, str], message: str) -> None:
    url = make_url(on_postgres.env["NOTIFYGATE_DATABASE_URL"]).set(password="a-password")
    url = url.set(port=free_port()) if "port" in change else url.set(**change)
    done = on_postgres.run("doctor", env={"NOTIFYGATE_DATABASE_URL": url.render_as_string(hide_password=False)})
    assert done.returncode == 1
    assert message in done.stdout
    assert "a-password" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["synchronous_commit", "max_connections"])
def test_postgresql_that_would_break_a_promise(
    on_postgres: CommandLine, postgres_server: PostgresServer, name: str
) -> None:
    if name == "max_connections":
        assert "raise max_connections" in wrong(report(on_postgres, env={"NOTIFYGATE_WORKERS": "50"}))
        return
    engine = make_engine(on_postgres.env["NOTIFYGATE_DATABASE_URL"])
    database = engine.url.database
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{database}" SET synchronous_commit = off')
            connection.commit()
    finally:
        engine.dispose()
    assert "set synchronous_commit=on" in wrong(report(on_postgres))


def test_standby(cli: CommandLine) -> None:
    primary = PostgresServer()
    standby = PostgresServer(primary=primary)
    try:
        primary.start()
        standby.start()
        env = {"NOTIFYGATE_DATABASE_URL": standby.url}
        assert "the server is a standby, which can't be written" in wrong(report(cli, env=env))
    finally:
        standby.close()
        primary.close()


def test_redis_that_is_away(cli: CommandLine) -> None:
    url = f"redis://user:a-password@127.0.0.1:{free_port()}/0"
    findings = report(cli, env={"NOTIFYGATE_REDIS_URL": url})
    assert "start it, or correct NOTIFYGATE_REDIS_URL" in wrong(findings)
    assert "a-password" not in json.dumps(findings)


def test_redis_that_hangs(cli: CommandLine, own_redis_server: RedisServer) -> None:
    own_redis_server.pause()
    assert "no answer (TimeoutError)" in wrong(report(cli, env={"NOTIFYGATE_REDIS_URL": own_redis_server.url}))


RULES = "resetkeys resetchannels -@all ~notifygate:* &notifygate:*:log +hello +client|setinfo +ping +publish +subscribe +evalsha +script|load +type +hset +expire +hlen +hgetall"
"""As docs/operations.md has them; tests/api/test_redis_acl.py compares that line with what a gateway does."""


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        ("", ""),
        ("+hset", "counts don't work"),
        ("+evalsha", "counts don't work, its user lacks a permission"),
        ("~notifygate:*", "counts don't work"),
        ("+subscribe", "wake-ups don't work, its user lacks a permission"),
        ("+publish", "wake-ups don't work, its user lacks a permission"),
        ("&notifygate:*:log", "wake-ups don't work, its user lacks a permission"),
    ],
)
def test_permissions_in_redis(cli: CommandLine, own_redis_server: RedisServer, taken: str, message: str) -> None:
    rules = [rule for rule in RULES.split() if rule != taken]
    with own_redis_server.connect() as client:
        client.execute_command("ACL", "SETUSER", "gateway", "on", ">a-password", *rules)
    port = urlsplit(own_redis_server.url).port
    findings = report(cli, env={"NOTIFYGATE_REDIS_URL": f"redis://gateway:a-password@127.0.0.1:{port}/0"})
    assert message in wrong(findings)
    assert bool(wrong(findings)) == bool(taken)
    if message:
        assert "docs/operations.md, Securing Redis" in wrong(findings)


def test_redis_with_a_wrong_password(cli: CommandLine, own_redis_server: RedisServer) -> None:
    port = urlsplit(own_redis_server.url).port
    url = f"redis://nobody:a-password@127.0.0.1:{port}/0"
    assert "it refuses the user or the password" in wrong(report(cli, env={"NOTIFYGATE_REDIS_URL": url}))


def test_way_to_a_gateway_without_a_proxy_is_well(running: GatewayProcess, beside: CommandLine) -> None:
    env = {"NOTIFYGATE_BIND": f"127.0.0.1:{running.port}"}
    findings = report(beside, "--url", running.url, "--hold", "2", env=env)
    assert wrong(findings) == ""
    assert wrong(findings, "warning") == ""
    assert "a request may wait for 2 s" in wrong(findings, "ok")


def test_doctor_begins_no_inbox(running: GatewayProcess, beside: CommandLine) -> None:
    def inboxes() -> int:
        return json.loads(beside("log", "status", "--json"))["inboxes"]

    before = inboxes()
    report(beside, "--url", running.url, "--hold", "0")
    assert inboxes() == before


@pytest.mark.parametrize("url", ["ftp://host", "http://user:password@host", "notify.example.org", "http://host?x=1"])
def test_url_that_is_none(cli: CommandLine, url: str) -> None:
    done = cli.run("doctor", "--url", url)
    assert done.returncode == 1
    assert done.stderr == "notifygate: --url must be http://HOST or https://HOST, with a path at most.\n"


def test_nothing_answers_at_the_url(cli: CommandLine) -> None:
    assert "Connection refused: correct --url" in wrong(report(cli, "--url", f"http://127.0.0.1:{free_port()}"))


def test_tokens_that_only_another_program_signs(cli: CommandLine) -> None:
    env = {"NOTIFYGATE_JWT_ALGORITHMS": "EdDSA"}
    assert "give one of a recipient as NOTIFYGATE_TOKEN" in wrong(report(cli, "--url", "http://127.0.0.1:1", env=env))

"""`notifygate doctor` with faults, each of them real."""

import json
import resource
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
from sqlalchemy import make_url

from notifygate.cli.doctor import check_machine, command
from notifygate.cli.doctor.check_settings import read_settings
from notifygate.settings_reader import load_settings
from notifygate.storage.database import make_engine
from tests.support.command_line import CommandLine
from tests.support.doctor import report, wrong
from tests.support.gateway_process import REPOSITORY, GatewayProcess
from tests.support.not_redis import NotRedis
from tests.support.ports import free_port
from tests.support.postgres_server import PostgresServer
from tests.support.processes import make_folder, remove_folder
from tests.support.processes import running as running_server
from tests.support.redis_server import RedisServer
from tests.support.unprivileged import hand_over, unprivileged

SECRETS = {
    "NOTIFYGATE_SECRET_KEY": "a secret for cursors of more than 32 bytes",
    "NOTIFYGATE_JWT_SECRETS": "a secret for tokens of more than 32 bytes",
}

PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""
"""The example of RFC 8410 section 10.1."""

FSYNC_IS_OFF = "fsync is off, so that it acknowledges what is not on disk and a 201 promises too much: set fsync=on"


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str) -> CommandLine:
    """The command line with a migrated PostgreSQL database and secrets of its own."""
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    command_line = CommandLine(folder, {"NOTIFYGATE_DATABASE_URL": postgres_url, **SECRETS})
    command_line("migrate")
    return command_line


def test_new_installation_has_no_fault_and_stays_untouched(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path / "var")
    findings = report(cli)
    assert wrong(findings) == ""
    assert "does not exist yet: 'notifygate serve' makes it" in wrong(findings, "ok")
    assert not (tmp_path / "var").exists()


def test_gateway_on_sqlite_has_no_fault(cli: CommandLine) -> None:
    findings = report(cli)
    assert [finding for finding in findings if finding["level"] != "ok"] == []
    assert {"settings", "machine", "database", "redis"} == {finding["topic"] for finding in findings}
    lines = cli("doctor", env={"NOTIFYGATE_HOLDS_PER_WORKER": "100"}).splitlines()
    assert all(line.startswith("ok       ") for line in lines)


def test_gateway_on_postgresql_and_redis_has_no_fault(on_postgres: CommandLine, redis_url: str) -> None:
    findings = report(on_postgres, env={"NOTIFYGATE_REDIS_URL": redis_url, "NOTIFYGATE_WORKERS": "2"})
    # The tests' own server doesn't sync to the disk; a given one may.
    assert wrong(findings) in ("", FSYNC_IS_OFF)
    assert wrong(findings, "warning") == ""
    passed = wrong(findings, "ok")
    parts = ("PostgreSQL", "belongs to this gateway's secret key", "counts work", "wake-ups work", "agree to within")
    assert [part for part in parts if part not in passed] == []


@pytest.mark.parametrize(
    ("env", "message", "level"),
    [
        ({"WORKER": "2"}, "NOTIFYGATE_WORKER is not a setting and has no effect: did you mean NOTIFYGATE_WORKERS?", "wrong"),
        ({"BIND_FILE": "x"}, "NOTIFYGATE_BIND_FILE is not a setting", "wrong"),
        ({"WORKERS": "many"}, "NOTIFYGATE_WORKERS: 'many' is invalid; expected a whole number", "wrong"),
        ({"DEMO": "1", "BIND": "0.0.0.0:80"}, "NOTIFYGATE_DEMO gives credentials to every client", "wrong"),
        ({"HOLDS_PER_WORKER": "1000000000"}, "holds need 1000000200: LimitNOFILE=", "wrong"),
        ({"SECRET_KEY": "another secret of more than 32 bytes"}, "another NOTIFYGATE_SECRET_KEY", "wrong"),
        ({"REDIS_URL": "a redis"}, "NOTIFYGATE_REDIS_URL is n", "wrong"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0?ssl_ca_cert=/etc/ca.pem"}, "NOTIFYGATE_REDIS_URL is n", "wrong"),
        ({"WORKERS": "2"}, "on one SQLite file", "warning"),
        ({"WORKERS": "2"}, "without NOTIFYGATE_REDIS_URL", "warning"),
        ({"MAX_WAIT": "120"}, "many proxies cut at 60 s", "warning"),
    ],
)  # fmt: skip
def test_wrong_setting_and_setting_with_a_warning(
    cli: CommandLine, env: dict[str, str], message: str, level: str
) -> None:
    cli("key", "create", "any")  # from now on the database belongs to this secret key
    messages = wrong(report(cli, env={f"NOTIFYGATE_{name}": value for name, value in env.items()}), level)
    assert message in messages
    if level == "wrong":  # a setting that has no effect on another check must not hide it
        assert messages.count("\n") == 0


def test_machine_with_faults(monkeypatch: pytest.MonkeyPatch, cli: CommandLine) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 15_000))
    monkeypatch.setattr(check_machine, "_file_system", lambda _: "nfs4")
    settings, _ = read_settings({"NOTIFYGATE_DATA_DIR": str(cli.data_dir)})
    assert settings
    first, *others = check_machine.check_machine(settings)
    assert (first.level, "LimitNOFILE=21200" in first.message) == ("warning", True), "no room for idle connections"
    assert any(one.level == "wrong" and "network file system (nfs4)" in one.message for one in others)
    monkeypatch.undo()
    cli.data_dir.chmod(0o755)
    assert f"run 'chmod -R go= {cli.data_dir}'" in wrong(report(cli)), "others may enter it"
    if shutil.which("findmnt"):  # util-linux, on every Linux
        assert check_machine._file_system(Path("/proc")) == "proc"


def test_file_of_a_secret_that_others_may_read_has_a_warning(cli: CommandLine) -> None:
    folder = make_folder("doctor")  # below a folder that all users may enter, which tmp_path is not
    file = folder / "jwt_secrets"
    file.write_text(SECRETS["NOTIFYGATE_JWT_SECRETS"])
    try:
        for folder_mode, mode, is_open in ((0o755, 0o644, True), (0o755, 0o640, False), (0o700, 0o644, False)):
            folder.chmod(folder_mode)
            file.chmod(mode)
            warnings = wrong(report(cli, env={"NOTIFYGATE_JWT_SECRETS_FILE": str(file)}), "warning")
            assert (
                f"(mode 0644), which NOTIFYGATE_JWT_SECRETS_FILE names: run 'chmod o= {file}'" in warnings
            ) == is_open
    finally:
        remove_folder(folder)


def test_database_that_is_not_migrated(tmp_path: Path, postgres_url: str) -> None:
    cli = CommandLine(tmp_path / "var", {"NOTIFYGATE_DATABASE_URL": postgres_url, **SECRETS})
    assert "run 'notifygate migrate'" in wrong(report(cli))


def test_database_that_cannot_be_reached(on_postgres: CommandLine) -> None:
    good = make_url(on_postgres.env["NOTIFYGATE_DATABASE_URL"]).set(password="a-password")
    for url, message in (
        (good.set(port=free_port()), "nothing listens there"),
        (good.set(database="missing"), "its database does not exist"),
        (good.set(username="nobody-of-that-name"), "its user does not exist"),
        (good.set(host="no-such-host.invalid"), "its host name is unknown"),
    ):
        done = on_postgres.run("doctor", env={"NOTIFYGATE_DATABASE_URL": url.render_as_string(hide_password=False)})
        assert done.returncode == 1
        assert message in done.stdout
        assert "a-password" not in done.stdout + done.stderr


def test_postgresql_whose_settings_break_a_guarantee(on_postgres: CommandLine) -> None:
    assert "raise max_connections" in wrong(report(on_postgres, env={"NOTIFYGATE_WORKERS": "50"}))
    engine = make_engine(on_postgres.env["NOTIFYGATE_DATABASE_URL"])
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{engine.url.database}" SET synchronous_commit = off')
            connection.commit()
    finally:
        engine.dispose()
    assert "set synchronous_commit=on" in wrong(report(on_postgres))


def test_standby(cli: CommandLine) -> None:
    with running_server(PostgresServer()) as primary, running_server(PostgresServer(primary=primary)) as standby:
        env = {"NOTIFYGATE_DATABASE_URL": standby.url}
        assert "the server is a standby, which can't be written" in wrong(report(cli, env=env))


RULES = "resetkeys resetchannels -@all ~notifygate:* &notifygate:*:log +hello +client|setinfo +ping +publish +subscribe +evalsha +script|load +type +hset +expire +hlen +hgetall"
"""Those of docs/operations.md; tests/api/test_redis_acl.py compares that line with a gateway's commands."""

LACKS = "its user lacks a permission"


def test_server_that_is_not_a_redis(cli: CommandLine) -> None:
    with closing(NotRedis()) as server:
        assert "not those of a Redis" in wrong(report(cli, env={"NOTIFYGATE_REDIS_URL": server.url}))


def test_redis_of_another_machine_needs_a_password(cli: CommandLine, own_redis_server: RedisServer) -> None:
    with own_redis_server.connect() as client:
        client.execute_command("ACL", "SETUSER", "gateway", "on", ">a-password", *RULES.split())
    url = f"redis://127.1:{urlsplit(own_redis_server.url).port}/0"  # an address that only this test knows to be local

    def warnings_of(url: str) -> str:
        return wrong(report(cli, env={"NOTIFYGATE_REDIS_URL": url}), "warning")

    assert "no password is set" in warnings_of(url)
    for with_password in (url.replace("//", "//gateway:a-password@"), f"{url}?username=gateway&password=a-password"):
        assert "password" not in warnings_of(with_password)


def test_redis_that_does_not_work(cli: CommandLine, own_redis_server: RedisServer) -> None:
    address = f"127.0.0.1:{urlsplit(own_redis_server.url).port}/0"

    def faults_of(url: str, rules: list[str] | None = None) -> str:
        if rules is not None:
            with own_redis_server.connect() as client:
                client.execute_command("ACL", "SETUSER", "gateway", "on", ">a-password", *rules)
        findings = report(cli, env={"NOTIFYGATE_REDIS_URL": url})
        assert "a-password" not in json.dumps(findings)
        return wrong(findings)

    as_the_user = f"redis://gateway:a-password@{address}"
    assert faults_of(as_the_user, RULES.split()) == ""
    for missing, message in {
        "+hset": "counts don't work",
        "+evalsha": f"counts don't work, {LACKS}",
        "~notifygate:*": "counts don't work",
        "+subscribe": f"wake-ups don't work, {LACKS}",
        "+publish": f"wake-ups don't work, {LACKS}",
        "&notifygate:*:log": f"wake-ups don't work, {LACKS}",
    }.items():
        faults = faults_of(as_the_user, [rule for rule in RULES.split() if rule != missing])
        assert message in faults, missing
        assert "docs/operations.md, Securing Redis" in faults, missing
    with own_redis_server.connect() as client:
        client.config_set("maxmemory", 1)
        assert "counts don't work, it is full: raise its maxmemory" in faults_of(own_redis_server.url)
        client.config_set("maxmemory", 0)
        client.replicaof("127.0.0.1", free_port())
        assert "counts don't work, it is a replica: name the master" in faults_of(own_redis_server.url)
        client.replicaof("NO", "ONE")
    assert "it refuses the user or the password" in faults_of(f"redis://nobody:a-password@{address}")
    assert "start it, or correct NOTIFYGATE_REDIS_URL" in faults_of(
        f"redis://user:a-password@127.0.0.1:{free_port()}/0"
    )
    own_redis_server.pause()
    assert "no answer (TimeoutError)" in faults_of(own_redis_server.url)


def test_gateway_without_a_proxy_has_no_fault(running: GatewayProcess, beside: CommandLine) -> None:
    def inboxes() -> int:
        return json.loads(beside("log", "status", "--json"))["inboxes"]

    before = inboxes()
    env = {"NOTIFYGATE_BIND": f"127.0.0.1:{running.port}"}
    findings = report(beside, "--url", running.url, "--hold", "2", env=env)
    as_a_proxy = report(beside, "--url", running.url, "--hold", "0")
    assert "bodies reach the gateway as they arrive" in wrong(as_a_proxy, "ok")
    assert "open to all clients: /metrics, /openapi.json" in wrong(as_a_proxy, "warning")
    assert inboxes() == before
    assert wrong(findings) == ""
    assert wrong(findings, "warning") == ""
    assert "a request may wait for 2 s" in wrong(findings, "ok")


def test_url_without_an_answer_and_settings_without_a_token(cli: CommandLine) -> None:
    assert "Connection refused: correct --url" in wrong(report(cli, "--url", f"http://127.0.0.1:{free_port()}"))
    env = {"NOTIFYGATE_JWT_ALGORITHMS": "EdDSA", "NOTIFYGATE_JWT_SECRETS": PUBLIC_KEY}
    assert "give one of a recipient as NOTIFYGATE_TOKEN" in wrong(report(cli, "--url", "http://127.0.0.1:1", env=env))


def test_empty_file_of_secrets_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    findings = report(CommandLine(tmp_path / "var", {"NOTIFYGATE_JWT_SECRETS_FILE": str(tmp_path / "empty")}))
    assert not (tmp_path / "var").exists()
    assert wrong(findings) != ""
    assert wrong(report(CommandLine(tmp_path / "var", {"NOTIFYGATE_JWT_SECRETS": " , "}))) == ""
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIMIT_POLL", "many"),
        ("CORS_ORIGINS", "https://\N{CJK UNIFIED IDEOGRAPH-4F8B}.example"),
        ("JWT_ALGORITHMS", "RS256"),
        ("DATABASE_URL", "postgresql+psycopg://u:password@127.0.0.1:1/x?sslmod=require"),
        ("DATABASE_URL", "postgresql+psycopg://u:password@127.0.0.1/x?port=none"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:////nowhere/notifygate.db"),
    ],
)
def test_value_with_which_no_gateway_works_is_wrong(cli: CommandLine, name: str, value: str) -> None:
    assert wrong(report(cli, env={f"NOTIFYGATE_{name}": value})) != ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        *((url, "has no scheme or host;") for url in ("ftp://host", "notify.example.org")),
        *((url, "is not a valid URL;") for url in ("http://[::1", "http://localhost:99999", "http://a..b")),
        *((url, "must not contain a user name,") for url in ("http://user:password@host", "http://host?x=1")),
        *((url, "must contain printable ASCII") for url in ("http://host/a b", "http://host/\N{TRADE MARK SIGN}")),
    ],
)
def test_invalid_url_is_one_line(cli: CommandLine, url: str, fault: str) -> None:
    done = cli.run("doctor", "--url", url, env={"NOTIFYGATE_HOLDS_PER_WORKER": "100"})
    assert done.returncode == 1
    assert done.stderr.startswith(f"notifygate: --url {fault}")
    assert done.stderr.count("\n") == 1
    assert "password@" not in done.stderr


@pytest.mark.parametrize("token", ["a secret\ntoken", "a secret \N{TRADE MARK SIGN} token"])
def test_token_that_no_header_can_carry_is_not_shown(cli: CommandLine, token: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = cli.run("doctor", "--url", url, env={"NOTIFYGATE_TOKEN": token, "NOTIFYGATE_HOLDS_PER_WORKER": "100"})
    assert done.returncode == 1
    assert "a secret" not in done.stdout + done.stderr
    assert done.stderr.startswith("notifygate: NOTIFYGATE_TOKEN is invalid")
    assert done.stderr.count("\n") == 1


def test_public_key_in_the_place_of_a_secret_is_wrong(cli: CommandLine) -> None:
    env = {"NOTIFYGATE_JWT_ALGORITHMS": "HS256,EdDSA", "NOTIFYGATE_JWT_SECRETS": PUBLIC_KEY}
    assert "NOTIFYGATE_JWT_SECRETS can't sign" in wrong(report(cli, "--url", "http://127.0.0.1:1", env=env))


@pytest.mark.parametrize(("most", "life"), [("30", 30), ("3600", 70), ("0", 70)])
def test_token_of_the_doctor_does_not_exceed_the_longest_life(most: str, life: int) -> None:
    settings = load_settings(environ={**SECRETS, "NOTIFYGATE_JWT_MAX_LIFETIME": most})
    claims = jwt.decode(command._issue_token(settings, 10) or "", SECRETS["NOTIFYGATE_JWT_SECRETS"], ["HS256"])
    assert claims["exp"] - claims["iat"] == life


def test_sqlite_file_that_is_damaged_is_wrong(cli: CommandLine) -> None:
    cli.replace_database(b"not a database" * 100)
    assert "database" in {finding["topic"] for finding in report(cli) if finding["level"] == "wrong"}


def test_sqlite_file_that_can_not_be_written_is_wrong(migrated: Path) -> None:
    folder = make_folder("doctor")
    try:
        cli = CommandLine(Path(shutil.copytree(migrated, folder / "var")))
        prefix = unprivileged(folder)
        hand_over(folder, prefix)
        (cli.data_dir / "notifygate.db").chmod(0o400)
        command = [*prefix, sys.executable, "-m", "notifygate.cli", "doctor"]
        done = subprocess.run(command, cwd=REPOSITORY, env=cli.environment(), capture_output=True, text=True)
    finally:
        remove_folder(folder)
    assert done.returncode == 1
    assert f"{cli.data_dir / 'notifygate.db'} can't be written" in done.stdout

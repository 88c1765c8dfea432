"""deploy/Dockerfile and deploy/compose.yml, as far as they can be tested without Docker.

tests/install/ runs the Dockerfile's steps and the image's command.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from notifygate.open_files import OTHER_FILES
from notifygate.settings import Settings
from notifygate.settings_reader import load_settings
from tests.support.binaries import find_program, find_redis
from tests.support.packaging import DOCKERFILE, copy_context, stages_of
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder
from tests.support.proxies import ADDRESSES, CERTIFICATE
from tests.support.source import REPOSITORY, number_in

DEPLOY = REPOSITORY / "deploy"
BIN = Path(sys.prefix) / "bin"

CONNECTIONS = 2 * Settings().holds_per_worker + 1000 + OTHER_FILES
"""Open files of a worker, according to gunicorn.conf.py."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/ after the steps in compose.yml's head, except for the last."""
    copy = tmp_path_factory.mktemp("machine") / "deploy"
    shutil.copytree(DEPLOY, copy)
    shutil.copy(copy / ".env.example", copy / ".env")
    subprocess.run([copy / "make-secrets"], check=True, capture_output=True)
    return copy


@pytest.fixture(scope="module")
def compose(machine: Path) -> dict[str, Any]:
    """The file as Compose reads it."""
    return json.loads(run_compose(machine / "compose.yml", "--format", "json").stdout)


def run_compose(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "docker-compose", "--file", file, "config", *arguments]
    # Compose needs no daemon, but searches for one.
    env = {**os.environ, "DOCKER_HOST": "unix:///nonexistent"}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def gateways(compose: dict[str, Any]) -> list[dict[str, Any]]:
    return [service for name, service in compose["services"].items() if name.startswith("gateway")]


def test_dockerfile_has_no_findings() -> None:
    done = subprocess.run([BIN / "hadolint", DOCKERFILE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_linter_of_dockerfiles_finds_faults(tmp_path: Path) -> None:
    poor = tmp_path / "Dockerfile"
    poor.write_text("FROM python\nRUN cd / && pip install flask\n")
    done = subprocess.run([BIN / "hadolint", poor], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "DL3042" in done.stdout


def test_every_dependency_of_the_image_has_a_hash() -> None:
    installing = [step for step in stages_of(DOCKERFILE.read_text())[0].arguments("RUN") if " install " in step]
    assert len(installing) == 3
    for step in installing:
        assert "--require-hashes" in step or "--no-deps --no-index" in step


def test_image_is_built_from_few_files(tmp_path: Path) -> None:
    (tmp_path / "notifygate").mkdir()
    context = copy_context(tmp_path / "context")
    names = {path.relative_to(context).parts[0] for path in context.rglob("*") if path.is_file()}
    assert names == {
        "notifygate", "migrations", "scripts", "LICENSE", "README.md", "gunicorn.conf.py", "pyproject.toml", "wsgi.py",
        "requirements.in", "requirements.txt", "requirements-build.in", "requirements-build.txt", "requirements-dev.in",
        "requirements-dev.txt",
    }  # fmt: skip
    assert [path.name for path in (context / "scripts").iterdir()] == ["hatch_build.py"]


def test_compose_accepts_its_file(machine: Path) -> None:
    done = run_compose(machine / "compose.yml", "--quiet")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("cap_drop: [ALL]", "cap_dropp: [ALL]"),
        ('["postgres:/var/lib', '["postgress:/var/lib'),
        ("  redis_url: { file", "  redis_urls: { file"),
        ("<<: *gateway", "<<: *gatewayy"),
    ],
)
def test_compose_refuses_a_file_with_a_mistake(tmp_path: Path, right: str, wrong: str) -> None:
    text = (DEPLOY / "compose.yml").read_text()
    assert right in text
    file = tmp_path / "compose.yml"
    file.write_text(text)
    assert run_compose(file, "--quiet").returncode == 0
    file.write_text(text.replace(right, wrong))
    assert run_compose(file, "--quiet").returncode != 0


def test_gateways_of_compose_have_few_permissions(compose: dict[str, Any]) -> None:
    assert len(gateways(compose)) == 2
    for service in [*gateways(compose), compose["services"]["migrate"]]:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["ulimits"]["nofile"] >= CONNECTIONS
        assert not service["ulimits"]["core"], "Compose prints 0 as an empty object"
        assert "ports" not in service, "nginx alone is reached from outside"


def test_gateways_of_compose_get_time_to_stop(compose: dict[str, Any]) -> None:
    for service in gateways(compose):
        assert seconds(service["stop_grace_period"]) > 20 + 1


def seconds(text: str) -> int:
    match = re.fullmatch(r"(?:(\d+)m)?(\d+)s", text)
    assert match, text
    return 60 * int(match[1] or 0) + int(match[2])


def test_postgresql_of_compose_is_healthy_only_when_gateways_can_reach_it(compose: dict[str, Any]) -> None:
    """The image's server for making the database listens on no address."""
    assert "--host=127.0.0.1" in compose["services"]["postgres"]["healthcheck"]["test"]


def test_log_of_compose_is_rotated(compose: dict[str, Any]) -> None:
    assert [gateway["logging"]["driver"] for gateway in gateways(compose)] == ["local", "local"]


def test_connections_of_compose_fit_into_postgresql(compose: dict[str, Any]) -> None:
    workers = sum(int(service["environment"]["NOTIFYGATE_WORKERS"]) for service in gateways(compose))
    assert workers * Settings().database_pool + 10 < 100, "the default of max_connections"


def test_gateways_have_the_addresses_in_nginxs_configuration(compose: dict[str, Any]) -> None:
    given = [f"{service['networks']['inside']['ipv4_address']}:8080" for service in gateways(compose)]
    assert tuple(given) == ADDRESSES
    mounted = {volume["target"]: Path(volume["source"]).name for volume in compose["services"]["nginx"]["volumes"]}
    assert mounted["/etc/nginx/conf.d/notifygate.conf"] == "notifygate.conf"
    assert CERTIFICATE in mounted
    assert CERTIFICATE.replace(".pem", ".key") in mounted


def test_example_of_the_environment_lists_every_variable_with_its_default() -> None:
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (DEPLOY / "compose.yml").read_text()))
    lines = [line for line in (DEPLOY / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    assert dict(line.split("=", 1) for line in lines) == used
    assert "${" not in re.sub(r"\$\{\w+:-[^}]*\}", "", (DEPLOY / "compose.yml").read_text()), (
        "every variable has a default"
    )


def test_secrets_are_files_that_a_gateway_can_read(machine: Path, compose: dict[str, Any]) -> None:
    assert stat.S_IMODE((machine / "secrets").stat().st_mode) == 0o700
    named = {name: Path(secret["file"]) for name, secret in compose["secrets"].items()}
    assert {path.name for path in (machine / "secrets").iterdir()} == {path.name for path in named.values()}
    given = gateways(compose)[0]
    env = {
        name: str(named[Path(value).name]) if name.endswith("_FILE") else value
        for name, value in given["environment"].items()
    }
    assert {secret["source"] for secret in given["secrets"]} == {
        Path(value).name for name, value in given["environment"].items() if name.endswith("_FILE")
    }
    settings = load_settings(environ=env)
    assert len({*settings.secret_key, *settings.jwt_secrets}) == 2
    assert f":{named['postgres_password'].read_text().strip()}@postgres/" in settings.database_url
    assert f":{named['valkey_password'].read_text().strip()}@valkey:" in settings.redis_url
    for path in named.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644, "the user in the container is another one"
        assert len(path.read_text().strip()) >= 48


def test_existing_secrets_are_kept(machine: Path) -> None:
    before = {path: path.read_bytes() for path in (machine / "secrets").iterdir()}
    (machine / "secrets" / "secret_key").unlink()
    done = subprocess.run([machine / "make-secrets"], check=True, capture_output=True, text=True)
    assert done.stdout == "made secrets/secret_key\n"
    after = {path: path.read_bytes() for path in (machine / "secrets").iterdir()}
    assert {path for path in before if before[path] != after[path]} == {machine / "secrets" / "secret_key"}


def test_secrets_are_in_no_environment_and_no_command(machine: Path, compose: dict[str, Any]) -> None:
    text = json.dumps(compose)
    for path in (machine / "secrets").iterdir():
        assert path.read_text().strip() not in text


@pytest.fixture
def valkey(machine: Path, compose: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Valkey, started with the command of compose.yml: its port and its password."""
    folder, port = make_folder("compose-valkey"), free_port()
    command = [part.replace("$$", "$") for part in compose["services"]["valkey"]["command"]]
    script = command[-1].replace("/tmp/", f"{folder}/").replace("/run/secrets/", f"{machine}/secrets/")  # noqa: S108 - in the container
    script = (
        script.replace("exec valkey-server", f"exec {find_redis()}").rstrip()
        + f" --port {port} --bind 127.0.0.1 --dir {folder}"
    )
    process = ServerProcess("Valkey", [*command[:-1], script], output_file=folder / "output.txt", cwd=folder)
    password = (machine / "secrets" / "valkey_password").read_text().strip()

    def answers() -> bool:
        try:
            return bool(redis.Redis(port=port, password=password).ping())
        except redis.RedisError:
            return False

    try:
        process.wait_until(answers)
        yield port, password
    finally:
        process.kill()
        remove_folder(folder)


def test_valkey_of_compose_requires_its_password_and_stores_nothing_on_disk(valkey: tuple[int, str]) -> None:
    port, password = valkey
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    client = redis.Redis(port=port, password=password, decode_responses=True)
    assert client.config_get("save", "appendonly", "maxmemory", "maxmemory-policy") == {
        "save": "", "appendonly": "no", "maxmemory": str(64 * 1024 * 1024), "maxmemory-policy": "allkeys-lru",
    }  # fmt: skip


def test_nginx_accepts_its_own_configuration_with_the_gateways_in_it(tmp_path: Path) -> None:
    """The second file is tested by test_proxies.py, with real requests."""
    text = (DEPLOY / "nginx" / "nginx.conf").read_text()
    assert "include /etc/nginx/conf.d/notifygate.conf;" in text
    user = "root" if os.geteuid() == 0 else "nobody"
    for there, here in (
        ("user nginx;", f"user {user};"),
        ("/run/nginx.pid", str(tmp_path / "nginx.pid")),
        (
            "include /etc/nginx/conf.d/notifygate.conf;",
            "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
            + f"client_body_temp_path {tmp_path}/body; server {{ listen 127.0.0.1:{free_port()}; }}",
        ),
    ):
        assert there in text
        text = text.replace(there, here)
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    done = subprocess.run(
        [find_program("nginx", "nginx"), "-t", "-p", tmp_path, "-c", file], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_connections_of_nginx_suffice_for_the_holds_of_both_gateways() -> None:
    file = DEPLOY / "nginx" / "nginx.conf"
    connections = number_in(file, r"worker_connections (\d+);")
    assert number_in(file, r"worker_rlimit_nofile (\d+);") >= 2 * connections
    # Each core has a process of its own; with one alone, one gateway can still be full.
    assert connections >= 2 * Settings().holds_per_worker

"""The installed gateway, in an environment and a folder without the repository."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifygate import __version__
from scripts.release_check import check_licences, make_sbom
from tests.install.conftest import Installed
from tests.support.documents import run_document
from tests.support.gateway_process import GatewayProcess
from tests.support.packaging import DOCKERFILE, stages_of
from tests.support.requirement_files import locked, normal, wanted
from tests.support.site import worker_pids
from tests.support.source import REPOSITORY
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(900)
"""The first test waits for the installation of all dependencies."""


@pytest.fixture
def served(installed: Installed) -> Iterator[GatewayProcess]:
    """`notifygate serve` of that environment, not started."""
    process = GatewayProcess(program=installed.program)
    try:
        yield process
    finally:
        print(process.output)
        process.close()


def test_environment_has_the_wheel_and_not_the_repository(installed: Installed) -> None:
    script = "import notifygate, notifygate.program_files as files; print(notifygate.__file__, files.PROGRAM_FILES)"
    done = subprocess.run(
        [installed.folder / "bin" / "python", "-c", script], cwd="/", capture_output=True, text=True, check=True
    )
    for path in done.stdout.split():
        assert Path(path).is_relative_to(installed.folder)


def test_commands_of_the_readmes_first_minute_work(
    installed: Installed, served: GatewayProcess, tmp_path: Path
) -> None:
    served.start()
    minute = (REPOSITORY / "README.md").read_text().partition("\n## Sixty seconds\n")[2].partition("\n## ")[0]
    assert minute.count("```sh") >= 4
    run_document(minute, served, tmp_path, installed.folder)


def test_served_version_is_the_installed_one(served: GatewayProcess) -> None:
    served.start()
    done = subprocess.run(["curl", "-fsS", f"{served.url}/openapi.json"], capture_output=True, check=True)
    assert json.loads(done.stdout)["info"]["version"] == __version__
    subprocess.run(["curl", "-fsS", f"{served.url}/static/notifygate/notifygate.js"], capture_output=True, check=True)


def test_gateway_serves_in_a_folder_with_another_application(served: GatewayProcess) -> None:
    """Also after a reload, for which gunicorn imports the application again."""
    served.data_dir.parent.joinpath("wsgi.py").write_text("raise SystemExit('another application')\n")
    served.start()
    before = set(worker_pids(served))
    served.send(signal.SIGHUP)
    eventually(lambda: not before & set(worker_pids(served)), "the workers are new ones")
    assert "another application" not in served.output


def test_gateway_writes_only_where_the_image_allows_it(installed: Installed, tmp_path: Path) -> None:
    """The file system of the image is read-only, except for the data folder and /tmp, and its user is not root."""
    env = {
        name: value
        for text in stages_of(DOCKERFILE.read_text())[1].arguments("ENV")
        for name, _, value in (pair.partition("=") for pair in text.split())
    }
    process = GatewayProcess(program=installed.program, is_unprivileged=True)
    modes = {
        path: path.stat().st_mode for path in (installed.folder, *installed.folder.rglob("*")) if not path.is_symlink()
    }
    try:
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        process.data_dir.mkdir(mode=0o700)
        process.data_dir.parent.chmod(0o500)
        process.start({"PYTHONDONTWRITEBYTECODE": env["PYTHONDONTWRITEBYTECODE"], "NOTIFYGATE_WORKERS": "2"})
        assert process.stop() == 0
        written = {path.name for path in process.data_dir.iterdir()}
        assert {"notifygate.db", "secret_key", "metrics"} <= written
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
        process.data_dir.parent.chmod(0o700)
        print(process.output)
        process.close()


def test_health_check_of_the_image_fails_unless_the_gateway_serves(
    installed: Installed, served: GatewayProcess
) -> None:
    (text,) = stages_of(DOCKERFILE.read_text())[1].arguments("HEALTHCHECK")
    assert "--interval=10s --timeout=5s" in text
    command = json.loads(text.partition("CMD ")[2])
    assert command[0] == "python"
    command[0] = str(installed.folder / "bin" / "python")
    command[-1] = command[-1].replace("http://127.0.0.1:8080", served.url)

    def is_healthy() -> bool:
        return subprocess.run(command, capture_output=True).returncode == 0

    assert not is_healthy()
    served.start()
    assert is_healthy()


def test_list_of_installed_packages_is_complete_and_all_licences_are_accepted(installed: Installed) -> None:
    sbom = make_sbom(installed.folder)
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    root = sbom["metadata"]["component"]
    assert (root["name"], root["version"]) == ("notifygate", __version__)
    installed_versions = {normal(component["name"]): component["version"] for component in sbom["components"]}
    pinned = locked("requirements.txt")
    assert set(installed_versions) - {"notifygate"} <= set(pinned)
    assert {name: installed_versions.get(name) for name in wanted("requirements.in")} == wanted("requirements.in")
    assert "MIT" in check_licences(sbom)


def test_image_runs_the_tested_command(installed: Installed) -> None:
    image = stages_of(DOCKERFILE.read_text())[1]
    assert json.loads(image.arguments("CMD")[0]) == ["notifygate", "serve"]
    assert image.arguments("USER") == ["65532:65532"]
    assert image.arguments("COPY") == ["--from=build /opt/notifygate /opt/notifygate"]
    assert re.search(r"\bPATH=/opt/notifygate/bin:\$PATH\b", " ".join(image.arguments("ENV")))

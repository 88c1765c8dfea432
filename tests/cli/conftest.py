"""The command line as its users run it, and a gateway beside it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.command_line import Ask, CommandLine
from tests.support.gateway_process import GatewayProcess


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with secrets and a migrated database, to be copied."""
    folder = tmp_path_factory.mktemp("migrated") / "var"
    CommandLine(folder)("migrate")
    return folder


@pytest.fixture
def cli(migrated: Path, tmp_path: Path) -> CommandLine:
    """The command line on a migrated database of its own, without a gateway."""
    shutil.copytree(migrated, tmp_path / "var")
    return CommandLine(tmp_path / "var")


@pytest.fixture(scope="session")
def running() -> Iterator[GatewayProcess]:
    """A gateway on SQLite beside which commands are run; tests leave it healthy."""
    process = GatewayProcess()
    try:
        # Tests that wait for a refusal send many requests, and clients poll again quickly.
        process.start({"NOTIFYGATE_LIMIT_FAILED_AUTH": "", "NOTIFYGATE_POLL_AFTER": "1"})
        yield process
    finally:
        print(f"--- gateway on {process.url} ---\n{process.output[-5000:]}")
        process.close()


@pytest.fixture(scope="session")
def key(running: GatewayProcess) -> str:
    """A key that may do everything, for tests that are not about keys."""
    return CommandLine(running.data_dir)(
        "key", "create", "everything", "--scope", "publish", "--scope", "admin"
    ).strip()


@pytest.fixture
def beside(running: GatewayProcess) -> CommandLine:
    """The command line beside the running gateway, on its database and with its URL."""
    return CommandLine(running.data_dir, {"NOTIFYGATE_URL": running.url})


@pytest.fixture
def ask(running: GatewayProcess) -> Iterator[Ask]:
    """Return a function that sends a request with a credential to the running gateway."""
    with requests.Session() as session:
        session.trust_env = False

        def send(credential: str, method: str, path: str, **options: Any) -> requests.Response:
            headers = {"Authorization": f"Bearer {credential}"}
            return session.request(method, running.url + path, headers=headers, timeout=60, **options)

        yield send

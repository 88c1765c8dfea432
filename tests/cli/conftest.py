"""The command line as its users run it, and a gateway that it works beside."""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from notifygate.auth.keys import create_key
from notifygate.cli import main
from notifygate.log.writer import run_transaction
from notifygate.storage.database import Database, make_engine
from tests.support.gateway_process import REPOSITORY, GatewayProcess


@dataclass(frozen=True)
class CommandLine:
    """Runs `notifygate` with the settings of one gateway: a data folder, and whatever `env` adds."""

    data_dir: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a command, without what a developer may have set."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYGATE_")}
        return {**plain, "NOTIFYGATE_DATA_DIR": str(self.data_dir), **self.env, **(extra or {})}

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start a command that goes on until it is stopped."""
        return subprocess.Popen(
            [sys.executable, "-m", "notifygate.cli", *arguments],
            cwd=REPOSITORY,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, whatever that is. In this process: starting Python takes longer than most commands."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in os.environ.keys() - self.environment(env).keys():
                patch.delenv(name)
            for name, value in self.environment(env).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(args=list(arguments), prog_name="notifygate")
        printed = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), *printed)

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a command, expect that it ends well and without a word on stderr, and return what it printed."""
        done = self.run(*arguments, env=env)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refusal(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a command, expect that it fails as all commands fail, and return its one line."""
        done = self.run(*arguments, env=env)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert re.fullmatch(r"notifygate: .+\n", done.stderr), done.stderr
        return done.stderr.rstrip("\n")


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
    """A gateway on SQLite beside which commands are run; tests leave it as healthy as they found it."""
    process = GatewayProcess()
    try:
        # Tests that wait for a refusal ask often, and clients come back quickly.
        process.start({"NOTIFYGATE_LIMIT_FAILED_AUTH": "", "NOTIFYGATE_POLL_AFTER": "1"})
        yield process
    finally:
        print(f"--- gateway on {process.url} ---\n{process.output[-5000:]}")
        process.close()


@pytest.fixture(scope="session")
def key(running: GatewayProcess) -> str:
    """A key that may do everything, for tests that are not about keys."""
    engine = make_engine(f"sqlite:///{running.data_dir}/notifygate.db")
    try:
        change = create_key("everything", ["publish", "admin"], ["*"], ["*"], None)
        return run_transaction(Database(engine), [change])[0][0]
    finally:
        engine.dispose()


@pytest.fixture
def beside(running: GatewayProcess) -> CommandLine:
    """The command line beside the running gateway, on its database and with its URL."""
    return CommandLine(running.data_dir, {"NOTIFYGATE_URL": running.url})


Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(running: GatewayProcess) -> Iterator[Ask]:
    """Return a function that sends a request with a credential to the running gateway."""
    with requests.Session() as session:
        session.trust_env = False

        def send(credential: str, method: str, path: str, **options: Any) -> requests.Response:
            headers = {"Authorization": f"Bearer {credential}"}
            return session.request(method, running.url + path, headers=headers, timeout=60, **options)

        yield send

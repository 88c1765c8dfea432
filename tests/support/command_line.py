"""The command line as its users run it."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from notifygate.cli import main
from tests.support.gateway_process import REPOSITORY

Ask = Callable[..., requests.Response]
"""Sends a request with a credential: see the fixture `ask`."""


@dataclass(frozen=True)
class CommandLine:
    """Runs `notifygate` with the settings of one gateway: a data folder, and whatever `env` adds."""

    data_dir: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a command, without a developer's settings."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYGATE_")}
        return {**plain, "NOTIFYGATE_DATA_DIR": str(self.data_dir), **self.env, **(extra or {})}

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start a command that runs until it is stopped."""
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
        """Run a command to its end, with any exit code. In this process: starting Python would take longer."""
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
        """Run a command, expect success and nothing on stderr, and return its output."""
        done = self.run(*arguments, env=env)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def replace_database(self, content: bytes) -> None:
        """Replace the content of the SQLite file."""
        for log in self.data_dir.glob("notifygate.db-*"):  # it may have all pages of the file
            log.unlink()
        (self.data_dir / "notifygate.db").write_bytes(content)

    def refusal(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a command, expect that it fails with one line, and return the line."""
        done = self.run(*arguments, env=env)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert re.fullmatch(r"notifygate: .+\n", done.stderr), done.stderr
        return done.stderr.rstrip("\n")

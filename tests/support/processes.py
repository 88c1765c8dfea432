"""A server process of a test run: started, waited for, signalled and ended without leaving traces.

Independent of the served protocol; see `redis_server`, `postgres_server` and `gateway_process`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from tests.support import reaper

READY_WITHIN_SECONDS = 120.0
# Readiness has no event that all servers share, so it is polled.
POLL_SECONDS = 0.02


class ServerStartError(RuntimeError):
    """A server did not start. Its message ends with the server's output."""


def make_folder(name: str) -> Path:
    """Return a fresh folder for one server's files, removed with the test run at the latest.

    It is outside of pytest's `tmp_path`, whose long names don't fit into the 107 bytes of a socket's path.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"notifygate-{name}-"))
    reaper.watch_folder(folder)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder of `make_folder` and everything in it, if it is still there."""
    shutil.rmtree(folder, ignore_errors=True)


class Server(Protocol):
    """An object with a start and a close."""

    def start(self) -> object: ...
    def close(self) -> object: ...


S = TypeVar("S", bound=Server)


@contextmanager
def running(server: S) -> Generator[S]:
    """Start a server for the length of a block."""
    try:
        server.start()
        yield server
    finally:
        server.close()


class ServerProcess:
    """One run of a command in a process group of its own, its output in a file.

    - `name`: its name in messages
    - `command`: program and arguments; no shell
    - `output_file`: standard output and error are appended here, so that no full pipe can stop the server
    - `env`: the whole environment; None for the test run's own
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        *,
        output_file: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._output_file = output_file
        with output_file.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                # Ctrl-C at the terminal goes to the test run, which then ends its servers in order.
                start_new_session=True,
            )
        reaper.watch_process(self.pid)
        self._is_watched = True

    @property
    def pid(self) -> int:
        """Number of the process and of its group."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended. A paused one runs."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """Everything that this run, and earlier ones with the same file, have printed."""
        return self._output_file.read_text(errors="replace")

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float = READY_WITHIN_SECONDS) -> None:
        """Return as soon as `is_ready()` is true.

        Raises ServerStartError, with the process ended, when it ended by itself or took longer than `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running:
                code = self.stop()
                raise ServerStartError(f"{self.name} ended with exit code {code}. {self._printed()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerStartError(f"{self.name} was not ready within {seconds:g} s. {self._printed()}")
            time.sleep(POLL_SECONDS)

    def send(self, number: int) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, *, seconds: float = 20.0) -> int:
        """Send a signal, wait for the end and return the exit code (negative: the signal that ended it).

        A paused process is resumed. One that has ended already keeps its exit code. A process that still runs after
        `seconds` is killed, with the exit code -9.
        """
        self.send(number)
        self.send(signal.SIGCONT)
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pass  # Killed below, like children that outlived their parent.
        return self.kill()

    def kill(self) -> int:
        """End the process and its children at once, as a power cut would; return the exit code."""
        if self._is_watched:
            self._kill_group()
            reaper.forget_process(self.pid)
            # From here on the number may belong to another process.
            self._is_watched = False
        return self._process.wait()

    def _kill_group(self) -> None:
        """Kill the process and its children, and wait until they have released their ports and files.

        This process can't wait for children that outlived their parent, so it searches for them.
        """
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # They have ended, and been reaped.
        self._process.wait()
        while reaper.is_group_alive(self.pid):
            time.sleep(POLL_SECONDS)

    def _printed(self) -> str:
        return f"It printed:\n{self.output or '(nothing)'}"

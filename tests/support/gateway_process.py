"""The gateway as its users run it: gunicorn, its own process, a port, a data directory."""

import os
import signal
import ssl
import sys
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from notifygate.settings_reader import load_settings
from notifygate.storage.database import open_database
from notifygate.storage.migrate import migrate
from tests.support.migrated import make_migrated_file
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder
from tests.support.unprivileged import hand_over, unprivileged

REPOSITORY = Path(__file__).resolve().parents[2]


def changed_configuration(folder: Path, *lines: str) -> dict[str, str]:
    """Return the environment of a gateway whose workers run more lines, such as those that shorten a time-out."""
    file = folder / "changed.conf.py"
    unchanged = f"globals().update(runpy.run_path({str(REPOSITORY / 'gunicorn.conf.py')!r}))"
    file.write_text("\n".join(("import runpy", unchanged, *lines, "")))
    return {"GUNICORN_CMD_ARGS": f"--config {file}"}


class GatewayProcess:
    """A gunicorn with the gateway, on a port and with a data directory that survive restarts."""

    def __init__(
        self, certificate: Path | None = None, *, is_unprivileged: bool = False, program: Path | None = None
    ) -> None:
        """`certificate`: trusted by the client of a gateway with TLS. `is_unprivileged`: file modes apply to the gateway,
        also where the tests run as root. `program`: the `notifygate` of another environment, which
        serves from a folder outside of the repository."""
        self.port = free_port()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self._certificate = certificate
        self._folder = make_folder("gateway")
        self._output_file = self._folder / "output.txt"
        self._prefix = unprivileged(self._folder) if is_unprivileged else []
        self._program = program
        self.root = REPOSITORY
        """The checkout whose gateway is started next; another checkout has an environment of its own."""
        self._env: dict[str, str] = {}
        self._process: ServerProcess | None = None

    @property
    def data_dir(self) -> Path:
        """The folder of the gateway's database and secrets unless its environment names another."""
        return self._folder / "var"

    @property
    def output(self) -> str:
        """Everything that the gateway printed, over all starts."""
        return self._output_file.read_text(errors="replace") if self._output_file.exists() else ""

    @property
    def is_running(self) -> bool:
        """Whether gunicorn's first process runs."""
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int:
        """Process number of gunicorn's first process, the parent of its workers."""
        return self._started().pid

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the gateway, without a developer's settings."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYGATE_")}
        own = {"NOTIFYGATE_BIND": f"127.0.0.1:{self.port}", "NOTIFYGATE_DATA_DIR": str(self.data_dir)}
        return {**given, **own, **env}

    def start(self, env: Mapping[str, str] | None = None, *, is_migrated: bool = False) -> None:
        """Apply the migrations, start gunicorn and wait until `GET /healthz` answers 200. A `program` does all that itself.

        `is_migrated` leaves the first out, for one of several gateways on a database. `env` is added to the environment
        of the test run, of which no NOTIFYGATE_ variable is passed on.

        Raises ServerStartError with all that was printed, ConfigurationError for invalid settings.
        """
        assert not self.is_running, "the gateway is running already"
        self._env = self.environment(env or {})
        if not is_migrated and not self._program:
            self._migrate()
        hand_over(self._folder, self._prefix)
        python = sys.executable if self.root == REPOSITORY else self.root / ".venv/bin/python"
        self._process = ServerProcess(
            "the gateway",
            [*self._prefix, *([self._program, "serve"] if self._program else [python, "-m", "gunicorn", "wsgi:app"])],
            output_file=self._output_file,
            cwd=self._folder if self._program else self.root,
            env=self._env,
        )
        self._process.wait_until(self._is_healthy)

    def send(self, number: int) -> None:
        """Send a signal to gunicorn's first process, without waiting for its effect."""
        self._started().send(number)

    def stop(self, sig: int = signal.SIGTERM, *, seconds: float = 60.0) -> int:
        """Send a signal, wait for the end of all its processes and return the exit code, 0 when all went well.

        After `seconds`, longer than any hold, it is killed (exit code -9).
        """
        return self._started().stop(sig, seconds=seconds)

    def kill(self) -> None:
        """End gunicorn and its workers at once, as a power cut would."""
        self._started().kill()

    def restart(self, env: Mapping[str, str] | None = None) -> None:
        """Stop the gateway, if it runs, and start it on the same port with the same data and environment.

        `env` is added to the environment of the last start.
        """
        if self.is_running:
            self.stop()
        self.start({**self._env, **(env or {})})

    def close(self) -> None:
        """End the running processes and remove the folder; the object can't be used again."""
        if self._process is not None:
            self._process.kill()
        remove_folder(self._folder)

    def _migrate(self) -> None:
        """Migrate, as `notifygate migrate` does, in this process: another one would take a second to start."""
        database = open_database(load_settings(environ=self._env))
        file = Path(database.engine.url.database or "")
        try:
            if database.is_sqlite and not file.exists():
                make_migrated_file(file)
            else:
                migrate(database)
        finally:
            database.engine.dispose()

    def _is_healthy(self) -> bool:
        # A session of requests takes milliseconds to find that nothing listens yet, many times in each start.
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        if self._certificate:
            context = ssl.create_default_context(cafile=self._certificate)
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=2, context=context)
        with closing(connection):
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            except (OSError, HTTPException):
                return False

    def _started(self) -> ServerProcess:
        assert self._process is not None, "the gateway has not been started"
        return self._process

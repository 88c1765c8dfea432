"""What the peers have in common: a process on a port of its own, on the server's core."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from benchmarks import loadgen
from benchmarks.http_files import MARKED_TITLE, get, post, slot
from benchmarks.loadgen import BUILD, HERE, HoldPlan
from benchmarks.machine import SERVER_CORE, children, favour, on_core
from benchmarks.servers.gateway import recipient_name
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder

ENVIRONMENT = BUILD / "peers"
"""The virtual environment of benchmarks/requirements.txt; `make bench` makes it."""
APPS = HERE / "peers"


class Peer:
    """A server to compare the gateway with."""

    name = ""
    missing = ""
    """What is missing on this machine and how it is had; "" where nothing is."""
    core = SERVER_CORE

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._own_folder = make_folder("peer")
        self._process: ServerProcess | None = None

    def command(self) -> Sequence[str | os.PathLike[str]]:
        """Return the command that serves on `self.port`."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Start it and wait until it takes connections. Raises ServerStartError."""
        with on_core(self.core):
            self._process = ServerProcess(
                self.name, self.command(), output_file=self._own_folder / "output.txt", cwd=APPS
            )
        favour(self._process.pid)
        self._process.wait_until(self._listens)
        return self

    def __exit__(self, *_: object) -> None:
        """End all its processes."""
        if self._process is not None:
            self._process.kill()
        remove_folder(self._own_folder)

    @property
    def pids(self) -> list[int]:
        """The processes that do the work: the workers where there are any, else the process itself."""
        assert self._process is not None, f"{self.name} has not been started"
        return children(self._process.pid) or [self._process.pid]

    @property
    def own_folder(self) -> Path:
        """Where its configuration lies."""
        return self._own_folder

    def hold_plan(self, recipients: range) -> HoldPlan:
        """Return what the load generator needs to let these recipients wait."""
        raise NotImplementedError

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class MinimalPoll(Peer):
    """Peers with GET /poll?user=&cursor= and POST /publish?to=."""

    def hold_plan(self, recipients: range) -> HoldPlan:
        """As `Peer.hold_plan`; cursors are numbers."""
        names = [recipient_name(number) for number in recipients]
        return HoldPlan(
            addresses=[self.address],
            polls=[get(f"/poll?user={name}&cursor={slot('0')}", {}) for name in names],
            publish_address=self.address,
            publications=[post(f"/publish?to={name}", MARKED_TITLE, {}) for name in [*names, "all"]],
            carry=['"cursor":"'],
            watch=self.pids,
        )


class AiohttpPoll(MinimalPoll):
    """peers/aiohttp_poll.py."""

    name = "aiohttp"

    def command(self) -> Sequence[str | os.PathLike[str]]:
        """As `Peer.command`."""
        return [ENVIRONMENT / "bin/python", "aiohttp_poll.py", str(self.port)]


def gunicorn(app: str, port: int) -> list[str | os.PathLike[str]]:
    """Return the command that serves an application with one worker as the gateway is served, without its own class."""
    return [
        ENVIRONMENT / "bin/python", "-m", "gunicorn", "-k", "gevent", "--worker-connections", "30000",
        "--keep-alive", "600", "--no-control-socket", "--bind", f"127.0.0.1:{port}", app,
    ]  # fmt: skip


class FlaskView(MinimalPoll):
    """peers/flask_view.py."""

    name = "Flask view"

    def command(self) -> Sequence[str | os.PathLike[str]]:
        """As `Peer.command`."""
        return gunicorn("flask_view:app", self.port)


class FlaskSocketIO(Peer):
    """peers/socketio_app.py: every client has a session, whose id is in the URL of its polls."""

    name = "Flask-SocketIO"

    def command(self) -> Sequence[str | os.PathLike[str]]:
        """As `Peer.command`."""
        return gunicorn("socketio_app:app", self.port)

    def hold_plan(self, recipients: range) -> HoldPlan:
        """As `Peer.hold_plan`, after a handshake for each client."""
        path = "/socket.io/?EIO=4&transport=polling"
        names = [recipient_name(number) for number in recipients]
        opened = loadgen.once(self.address, [get(f"{path}&user={name}", {}) for name in names], self.folder)
        sessions = [answer.body.decode().partition('"sid":"')[2].partition('"')[0] for answer in opened]
        polls = [get(f"{path}&sid={session}", {}) for session in sessions]
        connect = [post(f"{path}&sid={session}", "40", {"Content-Type": "text/plain"}) for session in sessions]
        loadgen.once(self.address, connect, self.folder)
        # The first poll brings the confirmation (40{"sid":...}); the next ones wait.
        loadgen.once(self.address, polls, self.folder, contain='40{"sid"')
        return HoldPlan(
            addresses=[self.address],
            polls=polls,
            publish_address=self.address,
            publications=[post(f"/publish?to={name}", MARKED_TITLE, {}) for name in [*names, "all"]],
            watch=self.pids,
        )

"""gunicorn's master, changed in three points.

The first two make sure that connections are accepted if and only if a worker serves.

1. A worker ends when another one serves in its place. gunicorn's own master ends old workers as soon as new ones are
   forked, which need seconds until they serve; if they can't start, or the configuration is invalid, the gateway ends.
2. The port opens when the first worker serves. gunicorn's own master opens it before it forks the workers: a balancer
   would send requests there that wait for seconds, while another gateway could answer them.
3. An address that can't be bound ends the start with one line. gunicorn's own master logs eleven, which don't name the
   setting.
"""

import errno
import logging
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.sock import BaseSocket

from notifygate.server.lifecycle import WorkerState

logger = logging.getLogger(__name__)

ADDRESS_SECONDS = 3.0
"""Time for which an address may be in use: workers whose master was killed end at their next heartbeat, in a second."""

PAUSE_SECONDS = 0.1
"""Pause between two attempts to bind an address."""


def take_over(arbiter: Arbiter) -> None:
    """Turn gunicorn's master into a GatewayArbiter, before it has sockets or workers: gunicorn has no setting for
    it."""
    arbiter.__class__ = GatewayArbiter
    # gunicorn binds its sockets, and the workers call listen (`GatewayWorker.run`).
    BaseSocket._is_listening = staticmethod(_needs_no_listening)  # pyright: ignore[reportAttributeAccessIssue] - not in its types
    # Not called for sockets that systemd or another master hands over.
    BaseSocket.bind = _bind  # pyright: ignore[reportAttributeAccessIssue] - the parameter has another name


def _needs_no_listening(_: object) -> bool:
    return True


def _bind(listener: Any, sock: socket.socket) -> None:
    """Bind a socket to its configured address; end the gateway if that is not possible."""
    ends_at = time.monotonic() + ADDRESS_SECONDS
    while True:
        try:
            sock.bind(listener.cfg_addr)
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > ends_at:
                host, port = listener.cfg_addr[:2]
                address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                sys.exit(
                    f"notifygate: can't listen on {address}: {error.strerror}. "
                    "NOTIFYGATE_BIND sets another address, such as 127.0.0.1:9000."
                )
        time.sleep(PAUSE_SECONDS)


class GatewayArbiter(Arbiter):
    """Replaces workers one for one, on SIGHUP and when a worker asks for a successor. See gunicorn.conf.py."""

    _oldest_current_age = 1
    """Workers are numbered by `age`; those below this were started before the last reload."""

    def reload(self) -> None:
        """Read the configuration and start new workers (SIGHUP). An invalid configuration changes nothing."""
        config = self.app.cfg
        try:
            self.app.reload()
        except SystemExit:  # gunicorn has printed the reason
            self.app.cfg = config
            logger.error("The configuration can't be read; the workers continue with the old one")
            return
        self._oldest_current_age = self.worker_age + 1
        # Hidden from gunicorn's method, which waits for the old workers to end and ignores signals meanwhile.
        workers = dict(self.WORKERS)
        self.WORKERS.clear()
        super().reload()
        self.WORKERS.update(workers)

    def manage_workers(self) -> None:
        """Start missing workers, and end replaced ones. Called every second."""
        for _ in range(self.num_workers - len(self._current_workers())):
            self.spawn_worker()
        wanted = _youngest(self._current_workers(), self.num_workers)
        replaced = [worker for worker in self._by_age() if worker not in wanted]
        starting = sum(worker.lifecycle.state is WorkerState.STARTING for worker in wanted)
        serving = [worker for worker in replaced if worker.lifecycle.state is not WorkerState.STARTING]
        needed = _youngest(serving, starting)
        for worker in replaced:
            if worker not in needed:
                # Repeated each second: the signal is lost on a worker that was forked just before.
                self.kill_worker(worker.pid, signal.SIGTERM)

    def stop(self, graceful: bool = True) -> None:
        """End the workers, and with them the listening sockets, unless systemd or another master shares them."""
        if self.reexec_pid == self.master_pid == 0 and not self.systemd:
            for worker in self._by_age():
                worker.lifecycle.closes_listeners = True
        super().stop(graceful)

    def _by_age(self) -> list[Any]:
        return sorted(self.WORKERS.values(), key=lambda worker: worker.age)

    def _current_workers(self) -> list[Any]:
        """Return the workers that need no successor, oldest first."""
        return [
            worker
            for worker in self._by_age()
            if worker.age >= self._oldest_current_age and worker.lifecycle.state is not WorkerState.NEEDS_SUCCESSOR
        ]


def _youngest(workers: Sequence[Any], count: int) -> Sequence[Any]:
    """Return the last `count` of workers that are sorted by age."""
    return workers[max(0, len(workers) - count) :]

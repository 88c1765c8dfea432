"""What runs beside the requests: a greenlet that repeats one step until it is told to stop."""

from collections.abc import Callable

import gevent

KILL_SECONDS = 1.0
"""How long a greenlet may take to die before it is told again."""


class Background:
    """Repeats a step. The step waits where it has to, and deals with its own errors."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._step = step
        self._stopping = False
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        self._stopping = False
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Stop, and return when it has. Being killed is not enough: a driver may turn that into an error of its own,
        which the step would take for an ordinary one."""
        self._stopping = True
        while self._greenlet is not None and not self._greenlet.dead:
            self._greenlet.kill(timeout=KILL_SECONDS)

    def _run(self) -> None:
        while not self._stopping:
            self._step()

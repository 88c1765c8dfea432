"""Background work: a greenlet that repeats one step until it is stopped."""

import logging
import time
from collections.abc import Callable

import gevent

logger = logging.getLogger(__name__)

STOP_SECONDS = 15.0
"""How long a step may take to end what it has begun: a little longer than the database is waited for."""

KILL_SECONDS = 1.0
"""Time for a greenlet to end before it is killed again."""

RETRY_SECONDS = 1.0
"""Pause after a step that failed because of a defect: repeated at once, it could take all of the processor's time."""


class _Mark:
    """A context manager that reports whether it is entered."""

    __slots__ = ("is_set",)

    def __init__(self) -> None:
        self.is_set = False

    def __enter__(self) -> None:
        self.is_set = True

    def __exit__(self, *_: object) -> None:
        self.is_set = False


class Background:
    """Repeats a step. The step waits where it has to, and handles its own errors; a defect in it is logged."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._step = step
        self._stopping = False
        self.idle = _Mark()
        """Marks where a step waits for something to do: there it may be killed without leaving anything half done."""
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        self._stopping = False
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Stop, and return when it has.

        A step in the middle of its work may end it: killed there, it would leave a database connection open, and a
        driver may turn the kill into an error of its own, which the step would take for an ordinary one.
        """
        self._stopping = True
        patience_ends = time.monotonic() + STOP_SECONDS
        while self._greenlet is not None and not self._greenlet.dead:
            if self.idle.is_set or time.monotonic() > patience_ends:
                self._greenlet.kill(timeout=KILL_SECONDS)
            else:
                gevent.sleep(0.005)

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._step()
            except Exception:  # a defect must not end the work for the rest of the process's life
                logger.exception("A step of background work failed")
                with self.idle:
                    gevent.sleep(RETRY_SECONDS)

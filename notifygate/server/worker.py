"""gunicorn's gevent worker, taught to stop quickly and without an error for anyone who is held."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

LINGER_SECONDS = 1.0
"""How long idle keep-alive connections stay open after the gateway was told to stop: time for a client that was just
answered to ask once more on its connection, and to be told there when to come back."""

_on_stop: list[Callable[[], None]] = []


def call_when_told_to_stop(drain: Callable[[], None]) -> None:
    """Have `drain` called, in the hub, at the moment at which this worker process is told to stop."""
    _on_stop.append(drain)


class GatewayWorker(GeventWorker):
    """Ends every hold when it is told to stop, lets go of idle connections, and leaves the rest to gunicorn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._idle: dict[Any, gevent.Timeout] = {}
        self._is_quitting = False

    @contextmanager
    def timeout_ctx(self) -> Generator[None]:  # pyright: ignore[reportIncompatibleMethodOverride] - gunicorn has no types
        """Bound the wait for a connection's next request (gunicorn's hook)."""
        seconds = self.cfg.keepalive if self.alive else LINGER_SECONDS
        greenlet = gevent.getcurrent()
        with gevent.Timeout(seconds, False) as timeout:  # pyright: ignore[reportArgumentType] - False: it ends quietly
            self._idle[greenlet] = timeout
            try:
                yield
            finally:
                del self._idle[greenlet]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully (SIGTERM)."""
        self._drain_soon()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once (SIGINT, SIGQUIT): holds are answered, but nothing else is waited for.

        Ctrl-C reaches a worker twice, from the terminal and from gunicorn's master; the second time would interrupt
        the first one's work with a stack trace.
        """
        if not self._is_quitting:
            self._is_quitting = True
            self._drain_soon()
            super().handle_quit(sig, frame)

    def _drain_soon(self) -> None:
        # A signal handler must not switch greenlets: the hub does the work right after.
        gevent.get_hub().loop.run_callback_threadsafe(self._drain)

    def _drain(self) -> None:
        for drain in _on_stop:
            drain()
        linger = gevent.get_hub().loop.timer(LINGER_SECONDS)
        linger.start(self._close_idle)

    def _close_idle(self) -> None:
        """End the waits for a next request. Without this each would hold the worker back for its keep-alive time."""
        for greenlet, timeout in list(self._idle.items()):
            if greenlet in self._idle:
                greenlet.throw(timeout)

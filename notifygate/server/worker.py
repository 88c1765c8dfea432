"""gunicorn's gevent worker, taught to stop without an error for anyone who is held."""

from collections.abc import Callable
from types import FrameType

import gevent
from gunicorn.workers.ggevent import GeventWorker

_on_stop: list[Callable[[], None]] = []


def call_when_told_to_stop(drain: Callable[[], None]) -> None:
    """Have `drain` called, in the hub, at the moment at which this worker process is told to stop."""
    _on_stop.append(drain)


class GatewayWorker(GeventWorker):
    """Ends every hold when it is told to stop, then lets gunicorn finish what is under way."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully (SIGTERM)."""
        self._drain()
        super().handle_exit(sig, frame)

    def _drain(self) -> None:
        # A signal handler must not switch greenlets: the hub does the work right after.
        for drain in _on_stop:
            gevent.get_hub().loop.run_callback_threadsafe(drain)

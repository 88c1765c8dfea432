"""The life of a worker, as it is shared between the worker and gunicorn's master.

| state | meaning | entered by | next |
|---|---|---|---|
| STARTING | loads the application | the master, before the fork | SERVING |
| SERVING | accepts connections | the worker, when its servers have started | WORN_OUT |
| WORN_OUT | accepts connections, asks for a successor (`max_requests`) | the worker | – |

A worker of any state ends when it gets SIGTERM; `server.arbiter` decides when. The worker then has to know whether the
gateway ends, or just this worker while others go on with the same listening sockets: `closes_listeners`.
"""

import mmap
from enum import IntEnum


class WorkerState(IntEnum):
    """See above."""

    STARTING = 0
    SERVING = 1
    WORN_OUT = 2


_STATE, _CLOSES_LISTENERS = 0, 1


class Lifecycle:
    """Two bytes of memory that the master and one worker share: made before the fork, written by either of them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2)

    @property
    def state(self) -> WorkerState:
        """What the worker does. Written by the worker."""
        return WorkerState(self._memory[_STATE])

    @state.setter
    def state(self, state: WorkerState) -> None:
        """Write it."""
        self._memory[_STATE] = state

    @property
    def closes_listeners(self) -> bool:
        """Whether the listening sockets end with the workers. Written by the master, before its signal to stop."""
        return bool(self._memory[_CLOSES_LISTENERS])

    @closes_listeners.setter
    def closes_listeners(self, closes: bool) -> None:
        """Write it."""
        self._memory[_CLOSES_LISTENERS] = closes

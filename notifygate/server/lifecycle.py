"""The states of a worker, in memory that the worker shares with gunicorn's master.

| state | meaning | entered by | next |
|---|---|---|---|
| STARTING | loads the application | the master, before the fork | SERVING |
| SERVING | accepts connections | the worker, when its servers have started | NEEDS_SUCCESSOR |
| NEEDS_SUCCESSOR | accepts connections, asks for a successor (`max_requests`) | the worker | – |

A worker of any state ends with SIGTERM; `server.arbiter` decides when. `closes_listeners` then shows whether the
gateway ends, or just this worker while others continue with the same listening sockets.
"""

import mmap
from enum import IntEnum


class WorkerState(IntEnum):
    """The states of the module's table."""

    STARTING = 0
    SERVING = 1
    NEEDS_SUCCESSOR = 2


_STATE, _CLOSES_LISTENERS = 0, 1


class Lifecycle:
    """Two bytes of memory that the master and one worker share, created before the fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2)

    @property
    def state(self) -> WorkerState:
        """The state. Written by the worker."""
        return WorkerState(self._memory[_STATE])

    @state.setter
    def state(self, state: WorkerState) -> None:
        """Set the state."""
        self._memory[_STATE] = state

    @property
    def closes_listeners(self) -> bool:
        """Whether the listening sockets end with the workers. Written by the master, before its signal to stop."""
        return bool(self._memory[_CLOSES_LISTENERS])

    @closes_listeners.setter
    def closes_listeners(self, closes: bool) -> None:
        """Set the flag."""
        self._memory[_CLOSES_LISTENERS] = closes

"""Rules for code that runs in gevent's hub, which must not block since it runs all callbacks.

The server answers from memory inside the hub. The same code also runs in greenlets, where it may read the database.
Code that may block calls `require_greenlet` first; in the hub that raises, before any change, and the caller repeats
the call in a greenlet. Long work in the hub is done in slices, with other work in between.
"""

from collections.abc import Callable

import gevent


class WouldWaitError(Exception):
    """The call would block, and the hub must not. Not an error of the domain: the caller repeats it in a greenlet."""


def require_greenlet() -> None:
    """Return in a greenlet. Raises WouldWaitError in the hub."""
    if gevent.getcurrent() is gevent.get_hub():
        raise WouldWaitError


def in_next_turn(work: Callable[[], None]) -> None:
    """Run `work` in the hub after its other due work: timers, readable connections.

    `run_callback` doesn't do that: gevent runs callbacks that callbacks add some 50 times in a row before it polls
    connections.
    """
    gevent.get_hub().loop.timer(0).start(work)

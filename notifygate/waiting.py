"""Where waiting is possible, and where it isn't: in gevent's hub, which runs everybody's callbacks.

The server answers from memory inside the hub. The same code also runs in greenlets, where it may read the database.
Whatever may wait calls `may_wait` first; in the hub that raises, before anything was changed, and whoever asked there
asks again from a greenlet. And what takes long there is done in slices, with everybody else's turn in between.
"""

from collections.abc import Callable

import gevent


class WouldWaitError(Exception):
    """Memory alone doesn't have it, and the hub can't wait for more. Not an error of the domain: nobody is told."""


def may_wait() -> None:
    """Return in a greenlet. Raises WouldWaitError in the hub."""
    if gevent.getcurrent() is gevent.get_hub():
        raise WouldWaitError


def in_next_turn(work: Callable[[], None]) -> None:
    """Have the hub do some work when everybody else has had a turn: due timers, readable connections.

    `run_callback` is no such thing: gevent calls what callbacks add to its list right after them, many times over,
    before it looks at a connection again.
    """
    gevent.get_hub().loop.timer(0).start(work)

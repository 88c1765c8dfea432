"""Nothing waits in the hub."""

import gevent
import pytest
from gevent.event import AsyncResult

from notifygate.waiting import WouldWaitError, require_greenlet


def test_a_greenlet_may_wait() -> None:
    gevent.spawn(require_greenlet).get(timeout=5)


def test_the_hub_may_not() -> None:
    found: AsyncResult[bool] = AsyncResult()

    def in_the_hub() -> None:
        with pytest.raises(WouldWaitError):
            require_greenlet()
        found.set(True)

    gevent.get_hub().loop.run_callback(in_the_hub)
    assert found.get(timeout=5)

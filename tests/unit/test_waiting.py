"""Nothing waits in the hub."""

import gevent
import pytest
from gevent.event import AsyncResult

from notifygate.waiting import WouldWaitError, let_others_go_on, may_wait


def test_a_greenlet_may_wait() -> None:
    gevent.spawn(may_wait).get(timeout=5)


def test_the_hub_may_not() -> None:
    found: AsyncResult[bool] = AsyncResult()

    def in_the_hub() -> None:
        with pytest.raises(WouldWaitError):
            may_wait()
        found.set(True)

    gevent.get_hub().loop.run_callback(in_the_hub)
    assert found.get(timeout=5)


def test_who_lets_others_go_on_comes_after_all_that_follows() -> None:
    loop = gevent.get_hub().loop
    done: list[int] = []

    def do(steps_left: int) -> None:
        done.append(steps_left)
        if steps_left:
            loop.run_callback(do, steps_left - 1)

    loop.run_callback(do, 3)
    let_others_go_on()
    assert done == [3, 2, 1, 0]

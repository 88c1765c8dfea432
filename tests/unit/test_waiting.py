"""No code waits in the hub."""

import gevent
import pytest

from notifygate.waiting import WouldWaitError, require_greenlet
from tests.support.fast_path import in_hub


def test_a_greenlet_may_wait_and_the_hub_may_not() -> None:
    gevent.spawn(require_greenlet).get(timeout=5)
    with pytest.raises(WouldWaitError):
        in_hub(require_greenlet)

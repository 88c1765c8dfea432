"""What is kept of answers until the metrics have it."""

import pytest

from notifygate import metrics
from notifygate.api.desk.accounts import Accounts


def test_what_can_not_be_counted_is_given_up() -> None:
    accounts = Accounts()
    accounts.woken(["now"])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        accounts.tell()
    before = metrics.wake_seconds._sum.get()
    accounts.woken([0.0])
    accounts.tell()
    assert metrics.wake_seconds._sum.get() > before

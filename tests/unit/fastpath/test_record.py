"""The record of responses, until the metrics have it."""

import pytest

from notifygate import metrics
from notifygate.fastpath.record import FastPathRecord


def test_what_can_not_be_counted_is_dropped() -> None:
    record = FastPathRecord()
    record.woken(["now"])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        record.flush()
    before = metrics.wake_seconds._sum.get()
    record.woken([0.0])
    record.flush()
    assert metrics.wake_seconds._sum.get() > before

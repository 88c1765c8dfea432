"""The record of responses, until it is flushed to the metrics."""

import pytest

from notifygate.fastpath.record import FastPathRecord
from tests.support.metric_values import metric


def test_an_invalid_record_is_dropped() -> None:
    record = FastPathRecord()
    record.woken(["now"])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        record.flush()
    before = metric("wake_seconds_sum")
    record.woken([0.0])
    record.flush()
    assert metric("wake_seconds_sum") > before

"""Updating metrics in bulk gives the same as updating them one by one."""

import collections

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from notifygate.metrics import Tally, flush, observe_all
from tests.support.waiting import eventually

VALUES = [0.0, 0.0005, 0.0006, 0.1, 0.1, 3.0, 100.0]


def test_observing_many_values_equals_observing_each() -> None:
    texts: list[bytes] = []
    for at_once in (False, True):
        registry = CollectorRegistry()
        histogram = Histogram("h", "Help.", buckets=(0.0005, 0.1, 5), registry=registry)
        if at_once:
            observe_all(histogram, collections.Counter(VALUES))
        else:
            for value in VALUES:
                histogram.observe(value)
        texts.append(b"\n".join(line for line in generate_latest(registry).splitlines() if b"created" not in line))
    assert texts[0] == texts[1]
    assert b"h_count 7.0" in texts[0]


def test_a_tally_is_flushed_to_its_counter_soon_and_on_demand() -> None:
    registry = CollectorRegistry()
    tally = Tally(Counter("c", "Help.", registry=registry))
    for counted in (3, 6, 9):
        for _ in range(3):
            tally.inc()
        assert registry.get_sample_value("c_total") == counted - 3, "not yet"
        if counted == 3:
            eventually(lambda: registry.get_sample_value("c_total"), "the flush")
        else:
            flush()
        assert registry.get_sample_value("c_total") == counted

"""Updating metrics in bulk gives the same as updating them one by one."""

import collections

import gevent
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from notifygate.metrics import FLUSH_SECONDS, Tally, flush, observe_all

VALUES = [0.0, 0.0005, 0.0006, 0.1, 0.1, 3.0, 100.0]


def test_observing_many_values_is_observing_each() -> None:
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


def test_a_tally_flushes_its_counter_soon_and_when_it_is_asked_for() -> None:
    registry = CollectorRegistry()
    tally = Tally(Counter("c", "Help.", registry=registry))
    told = 0
    for wait in (lambda: gevent.sleep(2 * FLUSH_SECONDS), flush, flush):
        for _ in range(3):
            tally.inc()
        assert registry.get_sample_value("c_total") == told, "not yet"
        wait()
        told += 3
        assert registry.get_sample_value("c_total") == told

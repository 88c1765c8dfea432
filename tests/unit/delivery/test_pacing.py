"""The pacing of clients: the interval of their polls, and the longest hold that they may request."""

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from notifygate.delivery.hold import Hold
from notifygate.delivery.pacing import (
    BUSY_DELAY_SECONDS,
    MAX_STRETCH,
    MEASURE_SECONDS,
    START_SPREAD_SECONDS,
    PollPacing,
)
from notifygate.delivery.registry import HoldRegistry
from tests.support.fake_view import FakeView
from tests.support.manual_clock import ManualClock

AFTER_SECONDS = 20

Measure = Callable[..., None]


@pytest.fixture
def holds() -> HoldRegistry:
    return HoldRegistry(3, 1)


@pytest.fixture
def pacing(holds: HoldRegistry, clock: ManualClock) -> Iterator[PollPacing]:
    """The pacing of a gateway that was started just now."""
    pacing = PollPacing(holds, AFTER_SECONDS, 55, clock)
    pacing.start()
    wait_for_measurements(clock, 1)
    yield pacing
    pacing.stop()


@pytest.fixture
def measure(pacing: PollPacing, clock: ManualClock) -> Measure:
    """Return a function that runs some measurements in which the hub is late; the gateway was started long ago."""

    def measure(*, late_seconds: float, times: int = 1) -> None:
        for _ in range(times):
            begun = clock.waits
            clock.advance(MEASURE_SECONDS + late_seconds)
            wait_for_measurements(clock, begun + 1)

    measure(late_seconds=START_SPREAD_SECONDS)
    measure(late_seconds=0.0, times=100)
    return measure


def wait_for_measurements(clock: ManualClock, count: int) -> None:
    while clock.waits < count:
        gevent.sleep(0)


def test_busy_gateway_stretches_the_interval_up_to_a_bound(pacing: PollPacing, measure: Measure) -> None:
    assert {pacing.poll_after() for _ in range(50)} == {AFTER_SECONDS}, "the configured interval while it is idle"
    measure(late_seconds=BUSY_DELAY_SECONDS)
    assert pacing.poll_after() == round(1.2 * AFTER_SECONDS), "one late turn has a fifth of the effect of many"
    measure(late_seconds=0.0, times=20)
    assert pacing.poll_after() == AFTER_SECONDS
    intervals: list[int] = []
    for late_seconds in (0.0, 0.02, BUSY_DELAY_SECONDS, 0.1, 1.0, 100.0):
        measure(late_seconds=late_seconds, times=50)
        intervals.append(pacing.poll_after())
    assert intervals == sorted(intervals)
    assert intervals[2] == 2 * AFTER_SECONDS
    assert intervals[-1] == MAX_STRETCH * AFTER_SECONDS


def test_after_a_start_clients_are_spread(pacing: PollPacing) -> None:
    intervals = {pacing.poll_after() for _ in range(200)}
    assert len(intervals) > 3
    assert intervals <= set(range(AFTER_SECONDS, AFTER_SECONDS * 3 // 2 + 1))


def test_a_stopping_gateway_has_clients_return_soon_and_spread(
    pacing: PollPacing, measure: Measure, holds: HoldRegistry
) -> None:
    measure(late_seconds=100.0)
    holds.drain()
    intervals = {pacing.poll_after() for _ in range(200)}
    assert len(intervals) > 1
    assert intervals <= set(range(1, 6))


def test_no_hold_is_offered_while_the_registry_is_full_or_drained(pacing: PollPacing, holds: HoldRegistry) -> None:
    hold, offered = Hold[Any](deadline=0.0), [pacing.longest_wait()]
    hold.view = FakeView("alice")
    for act in (lambda: holds.arm(hold), lambda: holds.leave(hold, "gone"), holds.drain):
        act()
        offered.append(pacing.longest_wait())
    assert offered == [55, 0, 55, 0]

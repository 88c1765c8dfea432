"""The timing wheel: each deadline fires once, in time, after any number of changes."""

from collections.abc import Iterator
from itertools import pairwise

import gevent
import pytest

from notifygate.server.deadlines import ACTED_ON_PER_TURN, TICKS_PER_SECOND, Deadlines, Timed
from tests.support.manual_clock import ManualClock
from tests.support.waiting import eventually

FAR_TICKS = 10_000


class Wheel:
    """A wheel, its clock, and the expired items."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.expired: list[Timed] = []
        self.deadlines: Deadlines[Timed] = Deadlines(self.expired.append, self.clock)
        # To the middle of a tick: at its edge, sums of fractions are inexact.
        self.clock.advance((self.tick + 1.5) / TICKS_PER_SECOND - self.clock.monotonic())
        self.pass_ticks(1)

    @property
    def tick(self) -> int:
        return int(self.clock.monotonic() * TICKS_PER_SECOND)

    def pass_ticks(self, ticks: int) -> list[Timed]:
        """Advance the clock; return the items that expired by then."""
        self.clock.advance(ticks / TICKS_PER_SECOND)
        eventually(lambda: self.deadlines.next_tick > self.tick, "the turn of the wheel")
        return self.expired


@pytest.fixture
def wheel() -> Iterator[Wheel]:
    wheel = Wheel()
    yield wheel
    wheel.deadlines.stop()


@pytest.mark.parametrize(
    ("settings", "fires_after"),
    [
        pytest.param([4], 4, id="set once"),
        pytest.param([2, 10], 10, id="moved back"),
        pytest.param([FAR_TICKS, 2], 2, id="moved forward"),
        pytest.param([6, 2], 2, id="in two places"),
        pytest.param([-100], 1, id="of the past"),
    ],
)
def test_a_deadline_fires_once_and_not_before_its_tick(wheel: Wheel, settings: list[int], fires_after: int) -> None:
    timed, tick = Timed(), wheel.tick
    for ticks in settings:
        wheel.deadlines.set(timed, tick + ticks)
    if fires_after > 1:
        assert wheel.pass_ticks(fires_after - 1) == []
    assert wheel.pass_ticks(1) == [timed]
    assert wheel.pass_ticks(10) == [timed]


def test_a_forgotten_deadline_never_fires_unless_it_is_set_again(wheel: Wheel) -> None:
    forgotten, again, other, tick = Timed(), Timed(), Timed(), wheel.tick + 2
    for timed in (forgotten, again):
        wheel.deadlines.set(timed, tick)
        wheel.deadlines.forget(timed)
    wheel.deadlines.set(again, tick + 1)
    wheel.deadlines.set(other, tick + 2)
    assert wheel.pass_ticks(10) == [again, other]


def test_a_deadline_that_fired_may_be_set_again_at_once() -> None:
    expired: list[Timed] = []

    def set_again(timed: Timed) -> None:
        expired.append(timed)
        if len(expired) == 1:
            deadlines.set(timed, deadlines.next_tick + 2)

    deadlines: Deadlines[Timed] = Deadlines(set_again)
    deadlines.set(Timed(), 0)
    eventually(lambda: len(expired) == 2, "its second expiry")
    deadlines.stop()


def test_many_deadlines_at_once_leave_turns_to_other_work(wheel: Wheel) -> None:
    for _ in range(3 * ACTED_ON_PER_TURN):
        wheel.deadlines.set(Timed(), wheel.tick + 2)
    wheel.clock.advance(2 / TICKS_PER_SECOND)
    turns = [0]
    while len(wheel.expired) < 3 * ACTED_ON_PER_TURN:
        turns.append(len(wheel.expired))
        gevent.sleep(0)
    # On a busy machine the wheel's next tick is due in the same turn as the rest of this one.
    assert max(b - a for a, b in pairwise([*turns, len(wheel.expired)])) <= 2 * ACTED_ON_PER_TURN

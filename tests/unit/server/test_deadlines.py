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
    """A wheel, its clock, and what is over."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.over: list[Timed] = []
        self.deadlines: Deadlines[Timed] = Deadlines(self.over.append, self.clock)
        # To the middle of a tick: at its edge, sums of fractions are inexact.
        self.clock.advance((self.tick + 1.5) / TICKS_PER_SECOND - self.clock.monotonic())
        self.pass_ticks(1)

    @property
    def tick(self) -> int:
        return int(self.clock.monotonic() * TICKS_PER_SECOND)

    def pass_ticks(self, ticks: int) -> list[Timed]:
        """Let time pass; return what is over by then."""
        self.clock.advance(ticks / TICKS_PER_SECOND)
        eventually(lambda: self.deadlines.next_tick > self.tick, "the turn of the wheel")
        return self.over


@pytest.fixture
def wheel() -> Iterator[Wheel]:
    wheel = Wheel()
    yield wheel
    wheel.deadlines.stop()


@pytest.mark.parametrize(
    ("settings", "over_after"),
    [
        pytest.param([4], 4, id="set once"),
        pytest.param([2, 10], 10, id="moved back"),
        pytest.param([FAR_TICKS, 2], 2, id="moved forward"),
        pytest.param([6, 2], 2, id="in two places"),
        pytest.param([-100], 1, id="of the past"),
    ],
)
def test_time_is_over_once_and_not_before_the_tick(wheel: Wheel, settings: list[int], over_after: int) -> None:
    timed, tick = Timed(), wheel.tick
    for ticks in settings:
        wheel.deadlines.set(timed, tick + ticks)
    if over_after > 1:
        assert wheel.pass_ticks(over_after - 1) == []
    assert wheel.pass_ticks(1) == [timed]
    assert wheel.pass_ticks(10) == [timed]


def test_what_is_forgotten_is_never_over_unless_it_is_set_again(wheel: Wheel) -> None:
    forgotten, again, other, tick = Timed(), Timed(), Timed(), wheel.tick + 2
    for timed in (forgotten, again):
        wheel.deadlines.set(timed, tick)
        wheel.deadlines.forget(timed)
    wheel.deadlines.set(again, tick + 1)
    wheel.deadlines.set(other, tick + 2)
    assert wheel.pass_ticks(10) == [again, other]


def test_what_is_over_may_be_set_again_at_once() -> None:
    over: list[Timed] = []

    def set_again(timed: Timed) -> None:
        over.append(timed)
        if len(over) == 1:
            deadlines.set(timed, deadlines.next_tick + 2)

    deadlines: Deadlines[Timed] = Deadlines(set_again)
    deadlines.set(Timed(), 0)
    eventually(lambda: len(over) == 2, "its time is over once more")
    deadlines.stop()


def test_many_deadlines_at_once_leave_the_others_a_turn(wheel: Wheel) -> None:
    for _ in range(3 * ACTED_ON_PER_TURN):
        wheel.deadlines.set(Timed(), wheel.tick + 2)
    wheel.clock.advance(2 / TICKS_PER_SECOND)
    turns = [0]
    while len(wheel.over) < 3 * ACTED_ON_PER_TURN:
        turns.append(len(wheel.over))
        gevent.sleep(0)
    # On a busy machine the wheel's next tick is due in the same turn as the rest of this one.
    assert max(b - a for a, b in pairwise([*turns, len(wheel.over)])) <= 2 * ACTED_ON_PER_TURN

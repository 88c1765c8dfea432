"""The timing wheel: each deadline fires once, in time, after any number of changes."""

import time
from collections.abc import Iterator
from itertools import pairwise

import gevent
import pytest

from notifygate.server.deadlines import ACTED_ON_PER_TURN, TICKS_PER_SECOND, Deadlines, Timed
from tests.support.waiting import eventually

FAR_TICKS = 10_000

Wheel = tuple[Deadlines[Timed], list[tuple[Timed, float]]]


@pytest.fixture
def wheel() -> Iterator[Wheel]:
    """A wheel, and what was over with the moment of it, in ticks."""
    over: list[tuple[Timed, float]] = []
    deadlines: Deadlines[Timed] = Deadlines(lambda timed: over.append((timed, now())))
    yield deadlines, over
    deadlines.stop()


def now() -> float:
    return time.monotonic() * TICKS_PER_SECOND


def ended(wheel: Wheel, count: int = 1) -> list[Timed]:
    """Return what is over when so much is, and a little later nothing more."""
    deadlines, over = wheel
    eventually(lambda: len(over) >= count, "the time of what was set is over")
    last = deadlines.next_tick
    eventually(lambda: deadlines.next_tick > last + 3, "the wheel goes on")
    return [timed for timed, _ in over]


def test_time_is_over_once_and_not_before_the_tick(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed, tick = Timed(), int(now()) + 4
    deadlines.set(timed, tick)
    assert ended(wheel) == [timed]
    assert over[0][1] >= tick


def test_a_deadline_may_move_back(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed, tick = Timed(), int(now()) + 2
    deadlines.set(timed, tick)
    deadlines.set(timed, tick + 8)
    assert ended(wheel) == [timed]
    assert over[0][1] >= tick + 8


def test_a_deadline_may_move_forward(wheel: Wheel) -> None:
    deadlines, _ = wheel
    timed, tick = Timed(), int(now()) + 6
    deadlines.set(timed, tick + FAR_TICKS)
    deadlines.set(timed, tick - 4)
    assert ended(wheel) == [timed]


def test_what_stands_in_two_places_is_over_once(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed, tick = Timed(), int(now()) + 6
    deadlines.set(timed, tick)
    deadlines.set(timed, tick - 4)
    eventually(lambda: deadlines.next_tick > tick + 1, "the wheel has come past both")
    assert [one for one, _ in over] == [timed]


def test_a_deadline_of_the_past_is_over_with_the_next_tick(wheel: Wheel) -> None:
    timed = Timed()
    wheel[0].set(timed, int(now()) - 100)
    assert ended(wheel) == [timed]


def test_what_is_forgotten_is_never_over_unless_it_is_set_again(wheel: Wheel) -> None:
    deadlines, _ = wheel
    forgotten, again, other, tick = Timed(), Timed(), Timed(), int(now()) + 2
    for timed in (forgotten, again):
        deadlines.set(timed, tick)
        deadlines.forget(timed)
    deadlines.set(again, tick + 1)
    deadlines.set(other, tick + 2)
    assert ended(wheel, 2) == [again, other]


def test_what_is_over_may_be_set_again_at_once() -> None:
    over: list[Timed] = []

    def set_again(timed: Timed) -> None:
        over.append(timed)
        if len(over) == 1:
            deadlines.set(timed, deadlines.next_tick + 2)

    deadlines: Deadlines[Timed] = Deadlines(set_again)
    try:
        deadlines.set(Timed(), 0)
        eventually(lambda: len(over) == 2, "its time is over once more")
    finally:
        deadlines.stop()


def test_many_deadlines_at_once_leave_the_others_a_turn(wheel: Wheel) -> None:
    deadlines, over = wheel
    tick = int(now()) + 2
    for _ in range(3 * ACTED_ON_PER_TURN):
        deadlines.set(Timed(), tick)
    turns = [0]
    while len(over) < 3 * ACTED_ON_PER_TURN:
        turns.append(len(over))
        gevent.sleep(0)
    # On a busy machine the wheel's next tick is due in the same turn as the rest of this one.
    assert max(b - a for a, b in pairwise([*turns, len(over)])) <= 2 * ACTED_ON_PER_TURN

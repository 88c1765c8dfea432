"""The wheel of deadlines: each is acted on once, in time, whatever was said before."""

import time
from collections.abc import Iterator

import gevent
import pytest

from notifygate.server.deadlines import ACTED_ON_PER_TURN, TICKS_PER_SECOND, Deadlines, Timed

TICK_SECONDS = 1 / TICKS_PER_SECOND

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


def test_time_is_over_once_at_the_tick(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed, tick = Timed(), int(now()) + 4
    deadlines.set(timed, tick)
    gevent.sleep(10 * TICK_SECONDS)
    ((ended, at),) = over
    assert ended is timed
    assert tick <= at


def test_a_deadline_may_move_either_way(wheel: Wheel) -> None:
    deadlines, over = wheel
    back, forward, tick = Timed(), Timed(), int(now()) + 3
    deadlines.set(back, tick)
    deadlines.set(back, tick + 8)
    deadlines.set(forward, tick + 1000)
    deadlines.set(forward, tick)
    gevent.sleep(7 * TICK_SECONDS)
    assert [timed for timed, _ in over] == [forward]
    gevent.sleep(10 * TICK_SECONDS)
    assert [timed for timed, _ in over] == [forward, back]
    assert over[1][1] >= tick + 8


def test_what_stands_in_two_places_is_over_once(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed, tick = Timed(), int(now()) + 6
    deadlines.set(timed, tick)
    deadlines.set(timed, tick - 4)
    gevent.sleep(12 * TICK_SECONDS)
    assert [ended for ended, _ in over] == [timed]


def test_a_deadline_of_the_past_is_over_with_the_next_tick(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed = Timed()
    deadlines.set(timed, int(now()) - 100)
    gevent.sleep(5 * TICK_SECONDS)
    assert [ended for ended, _ in over] == [timed]


def test_what_is_forgotten_is_never_over(wheel: Wheel) -> None:
    deadlines, over = wheel
    timed = Timed()
    deadlines.set(timed, int(now()) + 2)
    deadlines.forget(timed)
    gevent.sleep(8 * TICK_SECONDS)
    assert over == []
    deadlines.set(timed, int(now()) + 2)
    gevent.sleep(8 * TICK_SECONDS)
    assert [ended for ended, _ in over] == [timed]


def test_many_deadlines_at_once_leave_the_others_a_turn(wheel: Wheel) -> None:
    deadlines, over = wheel
    tick = int(now()) + 2
    for _ in range(3 * ACTED_ON_PER_TURN):
        deadlines.set(Timed(), tick)
    turns: set[int] = set()
    while len(over) < 3 * ACTED_ON_PER_TURN:
        turns.add(len(over))
        gevent.sleep(0)
    assert {ACTED_ON_PER_TURN, 2 * ACTED_ON_PER_TURN} <= turns

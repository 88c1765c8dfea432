"""Fixed windows in memory."""

import pytest
from limits import parse

from notifygate.limits.windows import FixedWindows
from tests.support.manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=600.0)


def test_so_many_pass_and_no_more(clock: ManualClock) -> None:
    windows = FixedWindows("poll", parse("3/minute"), clock=clock)
    outcomes = [(windows.take("alice"), windows.left("alice")[0]) for _ in range(5)]
    assert outcomes == [(True, 2), (True, 1), (True, 0), (False, 0), (False, 0)]
    assert windows.take("bob")
    assert windows.left("bob")[0] == 2


def test_an_amount_is_counted_as_a_whole_or_not_at_all(clock: ManualClock) -> None:
    windows = FixedWindows("audiences", parse("10/minute"), clock=clock)
    outcomes = [(windows.take("key", amount), windows.left("key")[0]) for amount in (4, 7, 6, 1)]
    assert outcomes == [(True, 6), (False, 6), (True, 0), (False, 0)]
    assert windows.counted("key") == 10


def test_a_window_begins_with_its_first_count(clock: ManualClock) -> None:
    windows = FixedWindows("poll", parse("2/minute"), clock=clock)
    clock.advance(59)
    assert [windows.take("alice") for _ in range(3)] == [True, True, False]
    clock.advance(59)
    assert not windows.take("alice")
    assert windows.left("alice") == (0, 1)
    clock.advance(1)
    assert windows.take("alice")
    assert windows.left("alice") == (1, 60)


def test_a_shared_window_ends_on_the_clock_and_with_it_all_counts(clock: ManualClock) -> None:
    windows = FixedWindows("poll", parse("2/minute"), is_on_the_clock=True, clock=clock)
    clock.advance(59)
    assert [windows.take("alice") for _ in range(3)] == [True, True, False]
    assert windows.left("alice") == (0, 1)
    clock.advance(1)
    assert windows.counted("alice") == 0
    assert windows.take("alice")
    assert windows.left("alice") == (1, 60)


def test_a_sum_counts_in_its_own_window_alone(clock: ManualClock) -> None:
    windows = FixedWindows("poll", parse("5/minute"), is_on_the_clock=True, clock=clock)
    windows.take("alice")
    ends_at = windows.ends_at
    windows.correct("alice", 3, ends_at)
    assert windows.take("alice")
    assert windows.left("alice")[0] == 0
    clock.advance(ends_at - clock.wall())  # the answer from Redis comes when its window is over
    windows.correct("alice", 5, ends_at)
    assert windows.take("alice")
    assert windows.left("alice")[0] == 4


def test_what_others_counted_is_replaced_and_never_added_twice(clock: ManualClock) -> None:
    windows = FixedWindows("poll", parse("9/minute"), is_on_the_clock=True, clock=clock)
    windows.take("alice")
    for others in (2, 3, 3):
        windows.correct("alice", others, windows.ends_at)
    assert (windows.counted("alice"), windows.own("alice")) == (4, 1)
    windows.take("alice")
    windows.correct("alice", 0, windows.ends_at)
    assert (windows.counted("alice"), windows.own("alice")) == (2, 2)

"""Fixed windows in memory."""

import pytest
from limits import parse

from notifygate.limits.windows import FixedWindows
from tests.support.manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=600.0)


def windows_of(limit: str, clock: ManualClock, *, is_on_the_clock: bool = False) -> FixedWindows:
    return FixedWindows("poll", parse(limit), is_on_the_clock=is_on_the_clock, clock=clock)


@pytest.mark.parametrize(
    ("limit", "amounts", "taken", "left"),
    [
        pytest.param("3/minute", [1] * 5, [True] * 3 + [False] * 2, [2, 1, 0, 0, 0], id="one by one"),
        pytest.param("10/minute", [4, 7, 6, 1], [True, False, True, False], [6, 6, 0, 0], id="as a whole or not at all"),
    ],
)  # fmt: skip
def test_requests_pass_up_to_the_limit_and_no_further(
    clock: ManualClock, limit: str, amounts: list[int], taken: list[bool], left: list[int]
) -> None:
    windows = windows_of(limit, clock)
    outcomes = [(windows.take("alice", amount), windows.left("alice")[0]) for amount in amounts]
    assert outcomes == list(zip(taken, left, strict=True))
    assert windows.take("bob")
    assert windows.left("bob") == (int(limit.partition("/")[0]) - 1, 60)


@pytest.mark.parametrize("is_on_the_clock", [False, True], ids=["begins with its first count", "ends on the clock"])
def test_the_end_of_a_window_resets_all_counts(clock: ManualClock, is_on_the_clock: bool) -> None:
    windows = windows_of("2/minute", clock, is_on_the_clock=is_on_the_clock)
    clock.advance(59)
    assert [windows.take("alice") for _ in range(3)] == [True, True, False]
    clock.advance(0 if is_on_the_clock else 59)
    assert not windows.take("alice")
    assert windows.left("alice") == (0, 1)
    clock.advance(1)
    assert windows.counted("alice") == 0
    assert windows.take("alice")
    assert windows.left("alice") == (1, 60)


def test_a_sum_from_redis_applies_to_its_own_window_alone(clock: ManualClock) -> None:
    windows = windows_of("5/minute", clock, is_on_the_clock=True)
    windows.take("alice")
    ends_at = windows.ends_at
    windows.correct("alice", 3, ends_at)
    assert windows.take("alice")
    assert windows.left("alice")[0] == 0
    clock.advance(ends_at - clock.wall())  # the answer from Redis arrives after the end of its window
    windows.correct("alice", 5, ends_at)
    assert windows.take("alice")
    assert windows.left("alice")[0] == 4


def test_counts_of_others_are_replaced_and_never_added_twice(clock: ManualClock) -> None:
    windows = windows_of("9/minute", clock, is_on_the_clock=True)
    windows.take("alice")
    for others in (2, 3, 3):
        windows.correct("alice", others, windows.ends_at)
    assert (windows.counted("alice"), windows.own("alice")) == (4, 1)
    windows.take("alice")
    windows.correct("alice", 0, windows.ends_at)
    assert (windows.counted("alice"), windows.own("alice")) == (2, 2)


@pytest.mark.parametrize("is_on_the_clock", [False, True], ids=["begins with its first count", "ends on the clock"])
def test_a_window_ends_also_if_the_clock_was_set_back(clock: ManualClock, is_on_the_clock: bool) -> None:
    windows = windows_of("2/minute", clock, is_on_the_clock=is_on_the_clock)
    assert [windows.take("alice") for _ in range(3)] == [True, True, False]
    clock._wall -= 300  # pyright: ignore[reportPrivateUsage] - as NTP sets a machine's clock that was ahead
    clock.advance(61)
    assert windows.left("alice")[1] <= 60
    assert windows.take("alice"), "more than a minute has passed"


def test_a_time_from_just_before_a_window_is_counted_in_it(clock: ManualClock) -> None:
    """The reactor reads the clock once for many requests; one of them may begin a window in between."""
    windows, read_before = windows_of("2/minute", clock, is_on_the_clock=False), clock.wall()
    clock.advance(0.3)
    windows.take("alice")
    assert windows.add("alice", read_before) == 2

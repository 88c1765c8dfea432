"""The bounded memory of what was used lately."""

from notifygate.recent import Recent


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    recent: Recent[int, str] = Recent(10)
    recent.put(0, "kept")
    for n in range(1, 100):
        recent.put(n, str(n))
        assert recent.get(0) == "kept"
        assert len(recent) <= 10
    assert recent.get(1) is None
    assert recent.get(99) == "99"


def test_half_of_the_capacity_is_kept_for_certain() -> None:
    recent: Recent[int, int] = Recent(10)
    for n in range(23):
        recent.put(n, n)
    assert [recent.get(n) for n in range(18, 23)] == [18, 19, 20, 21, 22]


def test_a_value_is_replaced_in_both_generations() -> None:
    recent: Recent[int, str] = Recent(4)
    recent.put(0, "old")
    recent.put(1, "x")
    recent.put(2, "x")  # now 0 is of the older generation
    recent.put(0, "new")
    assert recent.get(0) == "new"
    recent.drop(0, "old")
    assert recent.get(0) == "new"
    recent.drop(0, "new")
    assert recent.get(0) is None


def test_what_is_not_used_for_long_goes_before_the_capacity_is_reached() -> None:
    now = 0.0
    recent: Recent[int, int] = Recent(1000, idle_seconds=10, clock=lambda: now)
    for second in range(100):
        now = float(second)
        recent.put(second, second)
        assert recent.get(0) == 0, "it is used all the time"
        assert len(recent) <= 22
    assert all(recent.get(second) == second for second in range(90, 100)), "they were put in within the time"


def test_everything_can_be_forgotten() -> None:
    recent: Recent[int, int] = Recent(4)
    for n in range(4):
        recent.put(n, n)
    recent.clear()
    assert len(recent) == 0

"""The bounded cache of values used lately."""

from notifygate.recent import Recent


def of_texts(capacity: int) -> Recent[int, str]:
    """Return a cache in which each value weighs its length."""
    return Recent(capacity, lambda key, value: len(value))


def test_used_values_are_kept_and_others_dropped() -> None:
    recent: Recent[int, int] = Recent(10)
    recent.put(0, 0)
    for n in range(1, 100):
        recent.put(n, n)
        assert recent.get(0) == 0
        assert len(recent) <= 10
    assert (recent.get(1), recent.get(99)) == (None, 99)
    for n in range(123):
        recent.put(n, n)
    assert [recent.get(n) for n in range(118, 123)] == [118, 119, 120, 121, 122], "half is always kept"
    recent.clear()
    assert (len(recent), recent.get(122)) == (0, None)


def test_a_value_is_replaced_in_both_generations() -> None:
    recent: Recent[int, str] = Recent(4)
    for n, value in enumerate(("old", "x", "x")):
        recent.put(n, value)  # with the last, 0 is of the older generation
    recent.put(0, "new")
    for dropped, left in (("old", "new"), ("new", None)):
        recent.drop(0, dropped)
        assert recent.get(0) == left


def test_unused_values_are_dropped_before_the_capacity_is_reached() -> None:
    now = 0.0
    recent: Recent[int, int] = Recent(1000, idle_seconds=10, clock=lambda: now)
    for second in range(100):
        now = float(second)
        recent.put(second, second)
        assert recent.get(0) == 0, "it is used all the time"
        assert len(recent) <= 22
    assert all(recent.get(second) == second for second in range(90, 100)), "they were put in within the time"


def test_values_together_weigh_no_more_than_the_capacity() -> None:
    recent = of_texts(100)
    for n in range(1000):
        recent.put(n % 50, "x" * (n * 7 % 23))
        assert sum(len(recent.get(key) or "") for key in range(50)) <= 100
    recent.put(1, "x" * 30)
    recent.put(2, "x" * 20)
    assert (recent.get(1), recent.get(2)) == ("x" * 30, "x" * 20), "half of the capacity is always kept"


def test_a_value_heavier_than_half_of_the_capacity_is_not_kept() -> None:
    recent = of_texts(100)
    recent.put(1, "x" * 50)
    recent.put(2, "x" * 51)
    assert (recent.get(1), recent.get(2)) == ("x" * 50, None)
    recent.put(1, "x" * 51)
    assert recent.get(1) is None, "the earlier value is dropped too"


def test_a_dropped_value_has_no_weight() -> None:
    recent = of_texts(100)
    for n in range(100):
        value = str(n)
        recent.put(n, value)
        recent.drop(n, value)
        recent.put(-1, "x" * 48)
    assert (recent.get(-1), len(recent)) == ("x" * 48, 1)

"""The tail: its entries, its memory of evicted ones, and positions that it can't answer."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifygate.domain.entry import Entry, EntryKind
from notifygate.log import tail as tail_module
from notifygate.log.tail import Tail

AUDIENCES = ("user:alice", "user:bob", "role:admin", "topic:deploys", "all")


def entry(seq: int, *audiences: str) -> Entry:
    return Entry(seq, EntryKind.VIEW, audiences)


def fill(tail: Tail, *audiences: str) -> None:
    """Append one entry for each audience, in order."""
    for audience in audiences:
        tail.extend(tail.end + 1, [entry(tail.end + 1, audience)])


def seqs(entries: Sequence[Entry] | None) -> list[int] | None:
    return None if entries is None else [found.seq for found in entries]


def test_what_lies_after_a_position_is_found_in_order_and_once() -> None:
    tail = Tail(10)
    tail.extend(3, [entry(1, "all", "user:alice"), entry(2, "user:bob"), entry(3, "user:alice")])
    assert seqs(tail.after(["user:alice", "all"], 0)) == [1, 3]
    assert seqs(tail.after(["user:alice", "all"], 1)) == [3]
    assert seqs(tail.after(["user:alice", "all"], 3)) == []
    assert seqs(tail.after(["role:admin"], 0)) == []


def test_nothing_lies_after_the_end_or_beyond_it() -> None:
    tail = Tail(10)
    fill(tail, "all", "all")
    assert seqs(tail.after(["all"], 2)) == []
    assert seqs(tail.after(["all"], 99)) == []


def test_the_newest_entry_is_the_one_at_the_end() -> None:
    tail = Tail(10)
    assert tail.newest is None
    fill(tail, "all", "user:a", "all")
    assert tail.newest is not None
    assert tail.newest.seq == 3
    tail.extend(5, ())
    assert tail.newest is None, "what lies at the end is nobody's"


def test_it_holds_no_more_than_its_capacity() -> None:
    tail = Tail(3)
    fill(tail, *["all"] * 10)
    assert (tail.start, tail.end) == (7, 10)
    assert seqs(tail.after(["all"], 7)) == [8, 9, 10]


def test_a_position_before_what_was_let_go_is_not_known() -> None:
    tail = Tail(3)
    fill(tail, *["all"] * 10)
    assert tail.after(["all"], 6) is None


def test_nothing_for_me_is_known_long_after_the_rest_was_let_go() -> None:
    """Of evicted entries it remembers the last position for each audience."""
    tail = Tail(3)
    fill(tail, "user:alice", *["all"] * 10)
    assert seqs(tail.after(["user:alice"], 1)) == []
    assert seqs(tail.after(["user:bob"], 0)) == []
    assert tail.after(["user:alice"], 0) is None
    assert tail.after(["user:alice", "all"], 1) is None
    fill(tail, "user:alice")
    assert seqs(tail.after(["user:alice"], 1)) == [12]


def test_what_lay_before_it_began_is_not_known() -> None:
    tail = Tail(3)
    tail.restart(7, 100)
    assert tail.after(["user:alice"], 99) is None
    assert seqs(tail.after(["user:alice"], 100)) == []
    fill(tail, *["all"] * 5)
    assert tail.after(["user:alice"], 99) is None
    assert seqs(tail.after(["user:alice"], 100)) == []


def test_a_restart_forgets_everything() -> None:
    tail = Tail(3)
    fill(tail, *["user:alice"] * 5)
    tail.restart(7, 4)
    assert (tail.epoch, tail.start, tail.end) == (7, 4, 4)
    assert seqs(tail.after(["user:alice"], 4)) == []
    fill(tail, "user:alice")
    assert seqs(tail.after(["user:alice"], 4)) == [5]


def test_when_it_remembers_too_many_audiences_it_says_that_it_cannot_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "MAX_REMEMBERED_AUDIENCES", 5)
    tail = Tail(3)
    fill(tail, *(f"user:{n}" for n in range(20)))
    assert len(tail._let_go) <= 5
    for position in range(20):
        found = tail.after(["user:somebody"], position)
        assert found is None if position < tail._known_from else found == []


def test_what_it_let_go_costs_no_memory() -> None:
    tail = Tail(3)
    fill(tail, *(f"user:{n}" for n in range(50)))
    assert len(tail._entries) == 3
    assert len(tail._by_audience) == 3


def test_pruned_entries_may_be_missing() -> None:
    tail = Tail(10)
    tail.extend(6, [entry(2, "all"), entry(5, "all")])
    assert tail.end == 6
    assert seqs(tail.after(["all"], 2)) == [5]


def test_a_position_in_the_oldest_quarter_of_a_full_tail_is_ageing() -> None:
    tail = Tail(8)
    fill(tail, *["all"] * 6)
    assert not tail.is_ageing(0), "there is room yet"
    fill(tail, "all", "all")
    assert [position for position in range(9) if tail.is_ageing(position)] == [0, 1, 2]
    fill(tail, "all")
    assert [position for position in range(10) if tail.is_ageing(position)] == [0, 1, 2, 3]


def test_a_position_is_ageing_before_it_is_lost() -> None:
    """So that an idle client, which gets a fresh cursor in time, never costs a read of the database."""
    tail = Tail(40)
    fill(tail, *["all"] * 40)
    ageing = [position for position in range(tail.end + 1) if tail.is_ageing(position)]
    known = [position for position in range(tail.end + 1) if tail.after(["all"], position) is not None]
    assert set(known) & set(ageing), "some positions are known yet and ageing already"


entries_to_come = st.lists(st.sets(st.sampled_from(AUDIENCES), min_size=1, max_size=3), max_size=60)


@given(
    capacity=st.integers(1, 12),
    begin=st.integers(0, 20),
    to_come=entries_to_come,
    chunk=st.integers(1, 7),
    remembered=st.sampled_from([1, 2, 3, 200]),
    wanted=st.lists(st.sampled_from(AUDIENCES), min_size=1, max_size=4, unique=True),
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_it_never_says_anything_but_the_truth(
    capacity: int, begin: int, to_come: list[set[str]], chunk: int, remembered: int, wanted: list[str]
) -> None:
    """Against a list of all entries: each answer is exactly right, and all entries of the tail are known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail_module, "MAX_REMEMBERED_AUDIENCES", remembered)
        tail = Tail(capacity)
        tail.restart(1, begin)
        everything = [entry(begin + n, *sorted(audiences)) for n, audiences in enumerate(to_come, 1)]
        for first in range(0, len(everything), chunk):
            some = everything[first : first + chunk]
            tail.extend(some[-1].seq, some)
        for position in range(begin + len(everything) + 2):
            truth = [e.seq for e in everything if e.seq > position and set(e.audiences) & set(wanted)]
            found = seqs(tail.after(wanted, position))
            assert found is None or (found == truth and position >= begin)
            if position >= tail.start:
                assert found == truth

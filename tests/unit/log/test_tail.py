"""The tail: its entries, its memory of evicted ones, and positions that it can't answer."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifygate.domain.entry import Entry, EntryKind
from notifygate.log.tail import Tail

AUDIENCES = ("user:alice", "user:bob", "role:admin", "topic:deploys", "all")


def entry(seq: int, *audiences: str) -> Entry:
    return Entry(seq, EntryKind.VIEW, audiences)


def fill(tail: Tail, *audiences: str) -> None:
    """Append one entry for each audience, in order."""
    for audience in audiences:
        tail.extend(tail.end + 1, [entry(tail.end + 1, audience)])


def seqs(entries: Sequence[Entry] | None) -> list[int] | None:
    return None if entries is None else [entry.seq for entry in entries]


def test_the_newest_entry_is_that_at_the_end() -> None:
    tail = Tail(10)
    assert tail.newest is None
    fill(tail, "all", "user:a", "all")
    assert tail.newest is not None
    assert tail.newest.seq == 3
    tail.extend(5, ())
    assert tail.newest is None, "there is no entry at the end"


def test_an_audience_without_entries_is_answered_long_after_the_others_were_evicted() -> None:
    """Of evicted entries it remembers the last position for each audience."""
    tail = Tail(3)
    fill(tail, "user:alice", *["all"] * 10)
    assert (tail.start, tail.end) == (8, 11)
    assert seqs(tail.after(["user:alice"], 1)) == seqs(tail.after(["user:bob"], 0)) == []
    assert tail.after(["user:alice"], 0) is tail.after(["user:alice", "all"], 1) is None
    fill(tail, "user:alice")
    assert seqs(tail.after(["user:alice"], 1)) == [12]


def test_a_restart_drops_all_entries() -> None:
    tail = Tail(3)
    fill(tail, *["user:alice"] * 5)
    tail.restart(7, 4)
    assert (tail.epoch, tail.start, tail.end) == (7, 4, 4)
    assert tail.after(["user:bob"], 3) is None, "the entries before are unknown"
    assert seqs(tail.after(["user:alice"], 4)) == []
    fill(tail, "user:alice")
    assert seqs(tail.after(["user:alice"], 4)) == [5]


def test_memory_of_evicted_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifygate.log.tail.MAX_REMEMBERED_AUDIENCES", 5)
    tail = Tail(3)
    fill(tail, *(f"user:{n}" for n in range(50)))
    assert (len(tail._entries), len(tail._by_audience)) == (3, 3)
    assert len(tail._evicted) <= 5


def test_final_states_of_removed_notifications_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The states of the newest entries are kept, and all that were added by one call."""
    monkeypatch.setattr("notifygate.log.tail.MAX_LAST_STATES", 20)
    tail = Tail(10)
    fill(tail, *["all"] * 5)
    entries = tail.after(["all"], 0)
    assert entries
    for number in range(50):
        tail.keep_states(f"{number}", dict.fromkeys(entries))
        assert sum(len(entry.last_states) for entry in entries) <= 20
        assert all(f"{number}" in entry.last_states for entry in entries)
    for entry, count in zip(entries, (8, 0, 8, 0, 2), strict=True):
        entry.last_states = dict.fromkeys(map(str, range(count)))
    tail.evict_states_for(10)
    tail.evict_states_for(10)
    assert [len(entry.last_states) for entry in entries] == [0, 0, 8, 0, 2]


def test_pruned_entries_may_be_missing() -> None:
    tail = Tail(10)
    tail.extend(6, [entry(2, "all"), entry(5, "all")])
    assert tail.end == 6
    assert seqs(tail.after(["all"], 2)) == [5]


def test_a_position_in_the_oldest_quarter_of_a_full_tail_is_ageing() -> None:
    """So that an idle client gets a fresh cursor in time and never needs a read of the database."""
    tail = Tail(8)
    fill(tail, *["all"] * 6)
    assert not tail.is_ageing(0), "the tail is not full"
    for ageing in ([0, 1, 2], [0, 1, 2, 3]):
        fill(tail, *["all"] * (8 - tail.end or 1))
        assert [position for position in range(10) if tail.is_ageing(position)] == ageing
        assert tail.after(["all"], ageing[-1]) is not None, "it can still be answered"


@given(
    capacity=st.integers(1, 12),
    begin=st.integers(0, 20),
    to_come=st.lists(st.sets(st.sampled_from(AUDIENCES), min_size=1, max_size=3), max_size=60),
    chunk=st.integers(1, 7),
    remembered=st.sampled_from([1, 2, 3, 200]),
    wanted=st.lists(st.sampled_from(AUDIENCES), min_size=1, max_size=4, unique=True),
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_every_answer_of_the_tail_is_true(
    capacity: int, begin: int, to_come: list[set[str]], chunk: int, remembered: int, wanted: list[str]
) -> None:
    """Compared to a list of all entries: each answer is exact, and each position that can be answered is.

    With memory for all audiences, those are all but the positions before its beginning or before an evicted entry.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("notifygate.log.tail.MAX_REMEMBERED_AUDIENCES", remembered)
        tail = Tail(capacity)
        tail.restart(1, begin)
        entries = [entry(begin + n, *sorted(audiences)) for n, audiences in enumerate(to_come, 1)]
        for first in range(0, len(entries), chunk):
            some = entries[first : first + chunk]
            tail.extend(some[-1].seq, some)
        assert (tail.start, tail.end) == (begin + max(0, len(to_come) - capacity), begin + len(to_come))
        for position in range(begin + len(entries) + 2):
            expected = [e.seq for e in entries if e.seq > position and set(e.audiences) & set(wanted)]
            has_evicted = any(seq <= tail.start for seq in expected)
            answer = seqs(tail.after(wanted, position))
            if position >= tail.start or (remembered == 200 and position >= begin and not has_evicted):
                assert answer == expected
            else:
                assert answer is None or (answer == expected and position >= begin)

"""The tail: the newest entries of the log in memory, indexed by audience.

It covers one contiguous range of the log, (start, end]: within it, entries that the tail lacks don't exist. Of evicted
entries it remembers the last position for each audience, so that a recipient without changes for a long time is still
answered from memory.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.domain.entry import Entry, ItemState

MAX_REMEMBERED_AUDIENCES = 200_000
"""Maximum of remembered audiences of evicted entries, about 100 bytes each. With more, all are dropped, and older
positions are read from the database."""

MAX_LAST_STATES = 100_000
"""Maximum of final states of removed notifications (`Entry.last_states`), one for each recipient of each, 40 to 250
bytes each. Past it only the newest entries keep theirs, up to half as many; the others are read again when needed."""


class Tail:
    """A bounded, contiguous run of entries up to `end`, the newest position that this worker knows of."""

    def __init__(self, capacity: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._monotonic = clock.monotonic
        self.epoch = 0
        self.start = 0
        self.end = 0
        self.checked_at = -math.inf
        """`Clock.monotonic` of the last read of the head in the database; -inf if a read is due at once. Not 0, which
        is a moment ago on a machine that has just booted."""
        self._capacity = capacity
        self._entries: deque[Entry] = deque()
        self._by_audience: dict[str, deque[Entry]] = {}
        self._evicted: dict[str, int] = {}
        self._known_from = 0
        self._ageing_below = 0
        self._states_added = 0
        """Final states that were added since old ones were last dropped."""

    def restart(self, epoch: int, at: int) -> None:
        """Forget everything and begin at a position of an epoch."""
        self.epoch, self.start, self.end, self._known_from, self._ageing_below = epoch, at, at, at, at
        self._entries.clear()
        self._by_audience.clear()
        self._evicted.clear()

    def forget(self) -> None:
        """Forget all entries, and know nothing of what lies before the end: it has to be read from the database."""
        self.restart(self.epoch, self.end)

    def extend(self, until: int, entries: Iterable[Entry]) -> None:
        """Add the entries in (end, until], in order, without a switch of greenlets in between: readers see all or
        none."""
        for entry in entries:
            self._entries.append(entry)
            for audience in entry.audiences:
                self._by_audience.setdefault(audience, deque()).append(entry)
        self.end = until
        while len(self._entries) > self._capacity:
            self._evict(self._entries.popleft())
        is_filling_up = len(self._entries) * 4 > self._capacity * 3
        self._ageing_below = self._entries[len(self._entries) // 4].seq if is_filling_up else self.start

    def evict_states_for(self, count: int) -> None:
        """Drop old final states if `count` more, half of MAX_LAST_STATES at most, would exceed their bound.

        None is dropped later, so those that are added now are there until the caller waits.
        """
        self._states_added += count
        if self._states_added <= MAX_LAST_STATES // 2:
            return
        self._states_added, left = count, MAX_LAST_STATES // 2
        for entry in reversed(self._entries):
            left -= len(entry.last_states)
            if left < 0:
                entry.last_states.clear()

    def keep_states(self, recipient: str, states: Mapping[Entry, ItemState | None]) -> None:
        """Keep one recipient's final states with their entries."""
        self.evict_states_for(len(states))
        for entry, state in states.items():
            entry.last_states[recipient] = state

    def _evict(self, entry: Entry) -> None:
        self.start = entry.seq
        for audience in entry.audiences:
            line = self._by_audience[audience]
            line.popleft()
            if not line:
                del self._by_audience[audience]
            self._evicted[audience] = entry.seq
        if len(self._evicted) > MAX_REMEMBERED_AUDIENCES:
            self._evicted.clear()
            self._known_from = self.start

    @property
    def newest(self) -> Entry | None:
        """The entry at the tail's end; None if none of the entries that are kept here lies there."""
        newest = self._entries[-1] if self._entries else None
        return newest if newest is not None and newest.seq == self.end else None

    def after(self, audiences: Sequence[str], seq: int) -> list[Entry] | None:
        """Return the entries after a position that have one of these audiences, in order; None if the tail can't know.

        Nothing after the position is the common case and costs one look-up per audience.
        """
        if seq >= self.end:
            return []
        if seq < self.start:
            if seq < self._known_from:
                return None
            for audience in audiences:
                if self._evicted.get(audience, 0) > seq:
                    return None
        by_seq: dict[int, Entry] = {}
        for audience in audiences:
            for entry in reversed(self._by_audience.get(audience, ())):
                if entry.seq <= seq:
                    break
                by_seq[entry.seq] = entry
        return [by_seq[position] for position in sorted(by_seq)] if len(by_seq) > 1 else list(by_seq.values())

    def is_ageing(self, seq: int) -> bool:
        """Return whether a position is about to leave the tail, so that its client needs a fresh one."""
        return seq < self._ageing_below

    def seconds_since_check(self) -> float:
        """Return the seconds since the last read of the head in the database."""
        return self._monotonic() - self.checked_at

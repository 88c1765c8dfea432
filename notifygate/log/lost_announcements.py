"""The count of lost announcements: commits that only a read of the head found, although they should be announced."""

from collections import deque

from notifygate import metrics
from notifygate.clock import Clock

GRACE_SECONDS = 1.0
"""An announcement that arrives up to this much later than the worker's own read of the head was slow, not lost."""


class LostAnnouncements:
    """The positions that reads of the head found, until they are announced or counted as lost."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._expected: deque[tuple[int, float]] = deque()
        self.are_counted = False
        """Whether there is a channel for announcements."""

    @property
    def are_expected(self) -> bool:
        """Whether announcements of entries that are known already may still arrive."""
        return bool(self._expected)

    def expect(self, seq: int) -> None:
        """Expect the announcement of entries up to a position that a read of the head found."""
        self._expected.append((seq, self._monotonic()))

    def announced(self, seq: int) -> None:
        """Note that the entries up to a position are announced: no sooner than the read, but not lost."""
        while self._expected and self._expected[0][0] <= seq:
            self._expected.popleft()

    def count(self) -> None:
        """Count the positions that were not announced in time."""
        patience_ends = self._monotonic() - GRACE_SECONDS
        while self._expected and self._expected[0][1] < patience_ends:
            self._expected.popleft()
            if self.are_counted:
                metrics.lost_wake_rescues.inc()

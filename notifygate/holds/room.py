"""The waiting room: every held request of this worker, indexed by audience.

A hold is a small record; how its request waits is not known here. Today a greenlet waits (`holds.in_place`); a server
that detaches the socket gives another `on_end`. The room decides whom an entry concerns, and ends holds in slices so
that a broadcast to ten thousand does not stop everything else.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

import gevent

from notifygate import metrics
from notifygate.domain.entry import Entry

Reason = Literal["news", "timeout", "gone", "crowded", "drained", "raced"]
"""Why a hold ended: something to tell, its time was over, the client left, a newer hold of the same recipient, the
gateway stops, or there was something to tell before it began to wait."""

ENDED_PER_TURN = 256
"""Holds that are ended before the hub gets to do something else, about 2 ms' worth."""


class HoldView(Protocol):
    """What the room needs to know of a recipient's view."""

    recipient: str
    audiences: tuple[str, ...]

    def tells(self, entry: Entry) -> bool:
        """Tell whether the recipient would be told of an entry."""
        ...


class Hold:
    """A held request."""

    __slots__ = ("committed_at", "on_end", "reason", "view")

    def __init__(self, view: HoldView, on_end: Callable[[], None]) -> None:
        self.view = view
        self.on_end = on_end
        """Called once, from the hub or any greenlet; must not block."""
        self.reason: Reason | None = None
        """None while it is held."""
        self.committed_at: float | None = None
        """When what woke it was committed (`time.time()`), where that is known."""


class WaitingRoom:
    """All holds of a worker."""

    def __init__(self, per_recipient: int, per_worker: int) -> None:
        self._per_recipient = per_recipient
        self._per_worker = per_worker
        self._count = 0
        self._by_audience: dict[str, dict[Hold, None]] = {}  # dicts as ordered sets: the oldest comes first
        self._by_recipient: dict[str, dict[Hold, None]] = {}
        self._ending: deque[Hold] = deque()
        self.is_draining = False

    @property
    def accepts(self) -> bool:
        """Whether a further request may be held."""
        return not self.is_draining and self._count < self._per_worker

    def enter(self, hold: Hold) -> None:
        """Register a hold. Past the recipient's number the oldest of theirs is ended in its place."""
        mine = self._by_recipient.setdefault(hold.view.recipient, {})
        if len(mine) >= self._per_recipient:
            self._end(next(iter(mine)), "crowded", None)
        self._by_recipient.setdefault(hold.view.recipient, {})[hold] = None
        for audience in hold.view.audiences:
            self._by_audience.setdefault(audience, {})[hold] = None
        self._count += 1
        metrics.holds.inc()
        if self.is_draining:  # it was on its way when the room was drained
            self._end(hold, "drained", None)

    def leave(self, hold: Hold, reason: Reason) -> None:
        """Take a hold out that ends for a reason of its own; one that was ended already stays ended as it was."""
        if hold.reason is None:
            self._take_out(hold, reason)

    def wake(self, entries: Sequence[Entry], committed_at: float | None) -> None:
        """End the holds that new entries are to be told to. `committed_at`: see Hold."""
        for entry in entries:
            for audience in entry.audiences:
                for hold in list(self._by_audience.get(audience, ())):
                    if hold.view.tells(entry):
                        self._end(hold, "news", committed_at)

    def wake_all(self) -> None:
        """End every hold: whatever its client knows counts no longer."""
        for hold in self._all():
            self._end(hold, "news", None)

    def drain(self) -> None:
        """End every hold as if its time were over, and accept no more: the gateway is about to stop."""
        self.is_draining = True
        for hold in self._all():
            self._end(hold, "drained", None)

    def recipients_of(self, audiences: Iterable[str]) -> set[str]:
        """Return the recipients who wait for something to one of these audiences."""
        return {hold.view.recipient for audience in audiences for hold in self._by_audience.get(audience, ())}

    def _all(self) -> list[Hold]:
        return [hold for holds in self._by_recipient.values() for hold in holds]

    def _end(self, hold: Hold, reason: Reason, committed_at: float | None) -> None:
        """Take a hold out and have it told, in its turn."""
        hold.committed_at = committed_at
        self._take_out(hold, reason)
        self._ending.append(hold)
        if len(self._ending) == 1:
            gevent.get_hub().loop.run_callback(self._end_some)

    def _end_some(self) -> None:
        for _ in range(min(ENDED_PER_TURN, len(self._ending))):
            self._ending.popleft().on_end()
        if self._ending:
            gevent.get_hub().loop.run_callback(self._end_some)

    def _take_out(self, hold: Hold, reason: Reason) -> None:
        hold.reason = reason
        _discard(self._by_recipient, hold.view.recipient, hold)
        for audience in hold.view.audiences:
            _discard(self._by_audience, audience, hold)
        self._count -= 1
        metrics.holds.dec()
        metrics.hold_ends.labels(reason).inc()
        if reason == "news":
            metrics.wakes.inc()


def _discard(index: dict[str, dict[Hold, None]], key: str, hold: Hold) -> None:
    holds = index[key]
    del holds[hold]
    if not holds:
        del index[key]

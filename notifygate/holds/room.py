"""The waiting room: every held request of this worker, indexed by audience.

A hold is a small record; how its request waits is not known here: in its greenlet (`holds.in_place`), or as nothing
but a detached socket (`api.desk`). The room decides whom an entry concerns, and looks through the holds in
slices so that a broadcast to ten thousand doesn't stop everything else.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal, NamedTuple, Protocol

import gevent

from notifygate import metrics
from notifygate.domain.audience import ALL, recipient_of, user
from notifygate.domain.entry import Entry
from notifygate.waiting import in_next_turn

logger = logging.getLogger(__name__)

Reason = Literal["news", "timeout", "gone", "crowded", "drained", "raced"]
"""Why a hold ended: something to tell, its time was over, the client left, a newer hold of the same recipient, the
gateway stops, or there was something to tell before it began to wait."""

LOOKED_AT_PER_TURN = 256
"""Holds that are looked at, and ended, before the hub gets to do something else: some milliseconds' worth."""


class HoldView(Protocol):
    """What the room needs to know of a recipient's view."""

    recipient: str
    audiences: tuple[str, ...]
    """The recipient's own audience first, `all` last."""

    def tells(self, entry: Entry) -> bool:
        """Tell whether the recipient would be told of an entry."""
        ...


class Hold:
    """A held request."""

    __slots__ = ("committed_at", "reason", "view")

    def __init__(self, view: HoldView) -> None:
        self.view = view
        self.reason: Reason | None = None
        """None while it is held."""
        self.committed_at: float | None = None
        """When what woke it was committed (`time.time()`), where that is known."""

    def ended(self) -> None:
        """Act on the end that the room has given this hold. Called once; must not wait."""
        raise NotImplementedError


class _Call(NamedTuple):
    """Holds that are still to be looked at, and why."""

    holds: Iterable[Hold]
    reason: Reason
    entry: Entry | None
    """What they may be told; None ends them all."""
    committed_at: float | None


class WaitingRoom:
    """All holds of a worker."""

    def __init__(self, per_recipient: int, per_worker: int) -> None:
        self._per_recipient = per_recipient
        self._per_worker = per_worker
        self._count = 0
        # One recipient has few holds and there are many recipients: a tuple, the oldest first, takes a third of what a
        # dictionary does. An audience that some share needs one (an ordered set); `all` is everybody in the room.
        self._by_recipient: dict[str, tuple[Hold, ...]] = {}
        self._by_audience: dict[str, dict[Hold, None]] = {}
        self._calls: deque[_Call] = deque()
        self._ends: dict[Reason, int] = {}
        self._is_accounting = False
        self.is_draining = False

    @property
    def accepts(self) -> bool:
        """Whether a further request may be held."""
        return not self.is_draining and self._count < self._per_worker

    def enter(self, hold: Hold) -> None:
        """Register a hold. Past the recipient's number the oldest of theirs is ended in its place."""
        view = hold.view
        hold.reason = None
        mine = self._by_recipient.get(view.recipient, ())
        self._by_recipient[view.recipient] = (*mine, hold)
        for audience in view.audiences[1:-1]:
            self._by_audience.setdefault(audience, {})[hold] = None
        self._count += 1
        if not self._is_accounting:
            self._account()
        if len(mine) >= self._per_recipient:
            self._end_now(mine[0], "crowded")
        if self.is_draining:  # it was on its way when the room was drained
            self._end_now(hold, "drained")

    def leave(self, hold: Hold, reason: Reason) -> None:
        """Take a hold out that ends for a reason of its own; one that was ended already stays ended as it was."""
        if hold.reason is None:
            self._take_out(hold, reason)
            self._count_ends(reason, 1)

    def wake(self, entries: Sequence[Entry], committed_at: float | None) -> None:
        """End the holds that new entries are to be told to. `committed_at`: see Hold."""
        calls = [
            _Call(iter(holds), "news", entry, committed_at)
            for entry in entries
            for audience in entry.audiences
            if (holds := self._holds_of(audience))
        ]
        self._call(calls)

    def wake_recipient(self, recipient: str) -> None:
        """End every hold of a recipient, so that the token of each is checked again."""
        self._call([_Call(iter(self._holds_of(user(recipient))), "news", None, None)])

    def wake_all(self) -> None:
        """End every hold: whatever its client knows counts no longer."""
        self._call_all("news")

    def drain(self) -> None:
        """End every hold as if its time were over, and accept no more: the gateway is about to stop."""
        self.is_draining = True
        self._call_all("drained")

    def recipients_of(self, audiences: Iterable[str]) -> set[str]:
        """Return the recipients who wait for something to one of these audiences."""
        return {hold.view.recipient for audience in audiences for hold in self._holds_of(audience)}

    def _holds_of(self, audience: str) -> Sequence[Hold]:
        """Return who waits for something to an audience: a copy, which stays as it is while they are looked at."""
        if audience == ALL:
            return [hold for holds in self._by_recipient.values() for hold in holds]
        recipient = recipient_of(audience)
        if recipient is None:
            return tuple(self._by_audience.get(audience, ()))
        return self._by_recipient.get(recipient, ())

    def _call_all(self, reason: Reason) -> None:
        self._call([_Call(iter(self._holds_of(ALL)), reason, None, None)])

    def _call(self, calls: Sequence[_Call]) -> None:
        """Have holds looked at: the first of them right now, the others in their turn."""
        is_free = not self._calls
        self._calls.extend(calls)
        if is_free:
            self._look_at_some()

    def _end_now(self, hold: Hold, reason: Reason) -> None:
        self._take_out(hold, reason)
        self._count_ends(reason, 1)
        gevent.get_hub().loop.run_callback(hold.ended)

    def _look_at_some(self) -> None:
        left = LOOKED_AT_PER_TURN
        while self._calls and left:
            holds, reason, entry, committed_at = self._calls[0]
            count = self._count
            some = list(islice(holds, left))
            left -= len(some)
            for hold in some:
                if hold.reason is not None:
                    continue
                try:
                    is_concerned = entry is None or hold.view.tells(entry)
                except Exception:  # a defect: the poll has to look, and logs what is wrong
                    is_concerned = True
                try:
                    if is_concerned:
                        hold.committed_at = committed_at
                        self._take_out(hold, reason)
                        hold.ended()
                except Exception:  # a defect that must not keep the others from being told
                    logger.exception("A hold could not be ended")
            if ended := count - self._count:  # after them, so that their answers come before the metrics
                self._count_ends(reason, ended)
            if left:
                self._calls.popleft()
        if self._calls:
            in_next_turn(self._look_at_some)

    def _take_out(self, hold: Hold, reason: Reason) -> None:
        hold.reason = reason
        view = hold.view
        mine = self._by_recipient.pop(view.recipient)
        if len(mine) > 1:
            self._by_recipient[view.recipient] = tuple(other for other in mine if other is not hold)
        if len(view.audiences) > 2:  # else just the recipient's own and `all`, which are not indexed here
            for audience in view.audiences[1:-1]:
                holds = self._by_audience[audience]
                del holds[hold]
                if not holds:
                    del self._by_audience[audience]
        self._count -= 1

    def _count_ends(self, reason: Reason, count: int) -> None:
        self._ends[reason] = self._ends.get(reason, 0) + count
        if not self._is_accounting:
            self._account()

    def _account(self) -> None:
        """Have the metrics told after this turn's answers, once for all that it changes: each takes a lock.

        No later (`metrics.tell_later`): the workers' holds are to add up to what is held now.
        """
        self._is_accounting = True
        in_next_turn(self._tell_metrics)

    def _tell_metrics(self) -> None:
        self._is_accounting = False
        metrics.holds.set(self._count)
        ends, self._ends = self._ends, {}
        for reason, count in ends.items():
            metrics.hold_ends.labels(reason).inc(count)
            if reason == "news":
                metrics.wakes.inc(count)

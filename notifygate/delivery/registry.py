"""The registry of holds: every held request of this worker, indexed by audience.

The registry decides which holds an entry ends; their transports decide how they wait. It checks the holds in slices, so
that a broadcast to ten thousand does not stop all other work.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import gevent

from notifygate import metrics
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.delivery.hold import REGISTERED, Hold, Reason, Transport
from notifygate.domain.audience import ALL, recipient_of, user
from notifygate.domain.entry import Entry
from notifygate.waiting import in_next_turn

logger = logging.getLogger(__name__)

CHECKED_PER_TURN = 256
"""Holds that are checked, and ended, before the hub gets to do something else: some milliseconds' worth."""

R = TypeVar("R")
AnyHold = Hold[Any]
"""A hold with any kind of response."""


class _Call(NamedTuple):
    """Holds that are still to be checked, with the reason."""

    holds: Iterable[AnyHold]
    reason: Reason
    entry: Entry | None
    """The entry that may end them; None ends them all."""
    committed_at: float | None
    kept: list[AnyHold]
    """Gets the holds that the entry does not end; the next entry of its audience is checked for these alone."""


class HoldRegistry:
    """All holds of a worker."""

    def __init__(self, per_recipient: int, per_worker: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        """The clock of the deadlines."""
        self._monotonic = clock.monotonic
        self._per_recipient = per_recipient
        self._per_worker = per_worker
        self._count = 0
        # A recipient has few holds and there are many recipients: a tuple, oldest first, takes a third of the memory of
        # a dictionary. An audience that recipients share needs one (an ordered set); `all` is every hold.
        self._by_recipient: dict[str, tuple[AnyHold, ...]] = {}
        self._by_audience: dict[str, dict[AnyHold, None]] = {}
        self._calls: deque[_Call] = deque()
        self._ended: dict[Transport, list[AnyHold]] = {}
        self._ends: dict[Reason, int] = {}
        self._is_flushing = False
        self.is_draining = False

    def start(self) -> None:
        """Do nothing: requests arm holds."""

    def stop(self) -> None:
        """See `drain`."""
        self.drain()

    @property
    def accepts(self) -> bool:
        """Whether a further request may be held."""
        return not self.is_draining and self._count < self._per_worker

    # --- The life of a hold -------------------------------------------------------------------

    def begin(self, hold: Hold[R]) -> R | None:
        """Arm a hold and check for changes. Return the response, or None once the hold is parked.

        In that order no entry is missed between the check and the wait. Raises the errors of `Hold.check`.
        """
        while True:
            hold.refresh_view()
            self.arm(hold)
            try:
                response = hold.check(is_last=hold.deadline <= self._monotonic())
            except BaseException:
                self._give_up(hold)
                raise
            if response is not None:
                self._give_up(hold)
                return response
            if hold.state == "checking":
                hold.change("park")
                hold.parked()
                return None
            hold.change("resume")
            if hold.reason != "news":
                return hold.check(is_last=True)

    def conclude(self, hold: Hold[R]) -> R | None:
        """Return the response of an ended hold; None if it is parked again, because its change was undone meanwhile."""
        if hold.state == "ended":
            hold.change("resume")
        reason = hold.reason
        response = hold.check(is_last=reason != "news" or hold.deadline <= self._monotonic())
        if response is not None:
            return response
        try:
            return self.begin(hold)
        except BaseException:  # in the hub: the call may be repeated in a greenlet
            hold.reason = reason
            raise

    def arm(self, hold: AnyHold) -> None:
        """Register a hold. Past the recipient's maximum, the oldest hold of the recipient is ended."""
        view = hold.view
        hold.change("arm")
        hold.reason = None
        mine = self._by_recipient.get(view.recipient, ())
        self._by_recipient[view.recipient] = (*mine, hold)
        for audience in view.audiences[1:-1]:
            self._by_audience.setdefault(audience, {})[hold] = None
        self._count += 1
        if not self._is_flushing:
            self._flush_soon()
        if len(mine) >= self._per_recipient:
            self._end(mine[0], "crowded")
            self._count_ends("crowded", 1)
        if self.is_draining:  # armed after the registry was drained
            self._end(hold, "drained")
            self._count_ends("drained", 1)

    def leave(self, hold: AnyHold, reason: Reason) -> None:
        """Unregister a hold that ends for a reason of its own; a hold that was ended already keeps its reason."""
        if hold.state in REGISTERED:
            self._unregister(hold, reason)
            hold.change("leave")
            self._count_ends(reason, 1)

    def _give_up(self, hold: AnyHold) -> None:
        """Unregister a hold after its last check."""
        if hold.state == "interrupted":
            hold.change("resume")
        self.leave(hold, "raced")

    # --- Ending holds -------------------------------------------------------------------------

    def wake(self, entries: Sequence[Entry], committed_at: float | None) -> None:
        """End the holds that new entries affect. `committed_at`: see `Hold`."""
        waiting: dict[str, Sequence[AnyHold] | None] = {}  # hundreds of entries may have the same audience
        calls: list[_Call] = []
        for entry in entries:
            for audience in entry.audiences:
                if audience not in waiting:
                    waiting[audience] = self._holds_of(audience) or None
                holds = waiting[audience]
                if holds is not None:
                    waiting[audience] = kept = list[AnyHold]()
                    calls.append(_Call(iter(holds), "news", entry, committed_at, kept))
        self._call(calls)

    def wake_recipient(self, recipient: str) -> None:
        """End every hold of a recipient, so that the token of each is checked again."""
        self._call([_Call(iter(self._holds_of(user(recipient))), "news", None, None, [])])

    def wake_all(self) -> None:
        """End every hold, after a restart of the tail with a new epoch: all cursors are invalid."""
        self._call([_Call(iter(self._holds_of(ALL)), "news", None, None, [])])

    def drain(self) -> None:
        """End every hold as if its time were up, and accept no more: the gateway stops."""
        self.is_draining = True
        self._call([_Call(iter(self._holds_of(ALL)), "drained", None, None, [])])

    def recipients_of(self, audiences: Iterable[str]) -> set[str]:
        """Return the recipients with holds for one of these audiences."""
        return {hold.view.recipient for audience in audiences for hold in self._holds_of(audience)}

    def _holds_of(self, audience: str) -> Sequence[AnyHold]:
        """Return the holds for an audience: a copy, which does not change while they are checked."""
        if audience == ALL:
            return [hold for holds in self._by_recipient.values() for hold in holds]
        recipient = recipient_of(audience)
        if recipient is None:
            return tuple(self._by_audience.get(audience, ()))
        return self._by_recipient.get(recipient, ())

    def _call(self, calls: Sequence[_Call]) -> None:
        """Check holds: the first slice now, the others in later turns."""
        is_free = not self._calls
        self._calls.extend(calls)
        if is_free:
            self._check_some()

    def _check_some(self) -> None:
        left = CHECKED_PER_TURN
        while self._calls and left:
            holds, reason, entry, committed_at, kept = self._calls[0]
            count = self._count
            some = list(islice(holds, left))
            left -= len(some)
            for hold in some:
                if hold.state not in REGISTERED:
                    continue
                try:
                    is_concerned = entry is None or hold.view.affects(entry)
                except Exception:  # a defect: the poll of the hold reads again, and logs the error
                    is_concerned = True
                if is_concerned:
                    hold.committed_at = committed_at
                    try:
                        self._end(hold, reason)
                    except Exception:  # a defect with one must not keep the others waiting
                        logger.exception("Ending a hold failed")
                else:
                    kept.append(hold)
            if ended := count - self._count:  # once per slice: responses are sent before metrics are updated
                self._count_ends(reason, ended)
            if left:
                self._calls.popleft()
        if self._calls:
            in_next_turn(self._check_some)

    def _end(self, hold: AnyHold, reason: Reason) -> None:
        """End a hold. Its transport answers it in the next callback, together with the others of this turn."""
        self._unregister(hold, reason)
        was_parked = hold.state == "waiting"
        hold.change("end")
        if was_parked:  # else `begin` is still checking it, and sees the state
            if not self._ended:
                gevent.get_hub().loop.run_callback(self._deliver)
            self._ended.setdefault(hold.transport, []).append(hold)

    def _deliver(self) -> None:
        ended, self._ended = self._ended, {}
        for transport, holds in ended.items():
            try:
                transport.deliver_many(holds)
            except Exception:  # a defect of one transport must not cost the others their responses
                logger.exception("Delivery to ended holds failed")

    def _unregister(self, hold: AnyHold, reason: Reason) -> None:
        hold.reason = reason
        view = hold.view
        mine = self._by_recipient.pop(view.recipient)
        if len(mine) > 1:
            self._by_recipient[view.recipient] = tuple(other for other in mine if other is not hold)
        if len(view.audiences) > 2:  # two are the recipient's own and `all`, which this index does not have
            for audience in view.audiences[1:-1]:
                holds = self._by_audience[audience]
                del holds[hold]
                if not holds:
                    del self._by_audience[audience]
        self._count -= 1

    # --- Metrics ------------------------------------------------------------------------------

    def _count_ends(self, reason: Reason, count: int) -> None:
        self._ends[reason] = self._ends.get(reason, 0) + count
        if not self._is_flushing:
            self._flush_soon()

    def _flush_soon(self) -> None:
        """Flush the metrics after this turn's responses, once for all changes of the turn: each update takes a lock.

        Not later, as frequent metrics are (`metrics.flush_later`): the workers' gauges must add up to the present
        holds.
        """
        self._is_flushing = True
        in_next_turn(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        metrics.holds.set(self._count)
        ends, self._ends = self._ends, {}
        for reason, count in ends.items():
            metrics.hold_ends.labels(reason).inc(count)
            if reason == "news":
                metrics.wakes.inc(count)

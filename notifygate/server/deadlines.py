"""A timing wheel: one timer for all deadlines, which are cheap to set.

After Varghese and Lauck (Hashed and hierarchical timing wheels, 1987), with a dictionary for the slots.
Time is counted in ticks, TICKS_PER_SECOND of `Clock.monotonic`.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import gevent

from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.waiting import in_next_turn

TICKS_PER_SECOND = 20
"""Resolution of deadlines: each fires less than one tick early or late."""

ACTED_ON_PER_TURN = 256
"""Deadlines of a slice, after which the hub does other work."""


class Timed:
    """Base of objects with a deadline."""

    __slots__ = ("due", "filed")

    def __init__(self) -> None:
        self.due = 0
        """The tick of the deadline."""
        self.filed = -1
        """The tick of its slot in the wheel; a past one means none."""


T = TypeVar("T", bound=Timed)


class Deadlines(Generic[T]):
    """The deadlines of many objects. `over` is called in the hub with each whose deadline has passed; it must not
    raise."""

    def __init__(self, over: Callable[[T], None], clock: Clock = SYSTEM_CLOCK) -> None:
        self._monotonic = clock.monotonic
        self._over = over
        self._wheel: dict[int, list[T]] = {}
        self.next_tick = int(self._monotonic() * TICKS_PER_SECOND)
        """The next tick to process: the present one or, on a busy worker, an earlier one."""
        self._timer = gevent.get_hub().loop.timer(1 / TICKS_PER_SECOND, 1 / TICKS_PER_SECOND)
        self._timer.start(self._turn)

    def set(self, timed: T, tick: int) -> None:
        """Set the deadline of an object, or replace it.

        An object is in the wheel once. A deadline that moves back, as most do, is filed again when the old one comes.
        """
        next_tick = self.next_tick
        timed.due = due = tick if tick > next_tick else next_tick
        if not next_tick <= timed.filed <= due:
            self._file(timed)

    def forget(self, timed: T) -> None:
        """Remove the deadline of an object."""
        timed.filed = -1

    def stop(self) -> None:
        """Stop the timer."""
        self._timer.stop()

    def _file(self, timed: T) -> None:
        timed.filed = timed.due
        self._wheel.setdefault(timed.due, []).append(timed)

    def _turn(self) -> None:
        now, left = int(self._monotonic() * TICKS_PER_SECOND), ACTED_ON_PER_TURN
        while self.next_tick <= now:
            filed = self._wheel.get(self.next_tick, [])
            while filed:
                if not left:
                    in_next_turn(self._turn)
                    return
                left -= 1
                self._check(filed.pop())
            self._wheel.pop(self.next_tick, None)
            self.next_tick += 1

    def _check(self, timed: T) -> None:
        if timed.filed != self.next_tick:
            return  # removed, or filed in another slot
        timed.filed = -1
        if timed.due > self.next_tick:
            self._file(timed)
        else:
            self._over(timed)

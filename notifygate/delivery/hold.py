"""A hold: a request that waits for changes, with its states.

    arm ──▶ checking ──park──▶ waiting ──end──▶ ended ──resume──▶ idle
               │                  │
               └──end──▶ interrupted ──resume──▶ idle       leave: checking or waiting ──▶ idle

The order arm, check, park leaves no gap: the check finds an entry that was committed before it, and a later entry ends
the hold, also before it is parked (`interrupted`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

from notifygate.domain.entry import Entry

State = Literal["idle", "checking", "interrupted", "waiting", "ended"]
"""The states of a hold, see the module's docstring."""

REGISTERED: tuple[State, ...] = ("checking", "waiting")
"""The states in which an entry can end a hold."""

Event = Literal["arm", "park", "end", "leave", "resume"]
"""The events that change the state of a hold."""

TRANSITIONS: Mapping[Event, Mapping[State, State]] = {
    "arm": {"idle": "checking"},
    "park": {"checking": "waiting"},
    "end": {"checking": "interrupted", "waiting": "ended"},
    "leave": {"checking": "idle", "waiting": "idle"},
    "resume": {"interrupted": "idle", "ended": "idle"},
}
"""All transitions, from old states to new ones; only `Hold.change` makes them."""

Reason = Literal["news", "timeout", "gone", "crowded", "drained", "raced"]
"""The reason of a hold's end: an entry for the recipient, its deadline, the client left, a newer hold of the same
recipient, the gateway stops, or the check found changes before the wait began."""

R = TypeVar("R")


class HoldView(Protocol):
    """The part of a recipient's view that the registry reads."""

    recipient: str
    audiences: tuple[str, ...]
    """The recipient's own audience first, `all` last."""

    def affects(self, entry: Entry) -> bool:
        """Return whether the entry changes the recipient's inbox."""
        ...


class Transport(Protocol):
    """Sends the responses of its holds to their clients."""

    def deliver_many(self, holds: Sequence["Hold[Any]"]) -> None:
        """Answer holds that have ended (`Hold.reason`). Called in the hub; must not wait."""
        ...

    def expire(self, hold: "Hold[Any]") -> None:
        """Answer a hold whose deadline has passed."""
        ...

    def abandon(self, hold: "Hold[Any]") -> bytes:
        """Drop a hold whose client left. Return the response for a connection that is only half closed."""
        ...


class Hold(Generic[R]):
    """A request that may wait; `R` is its response."""

    __slots__ = ("committed_at", "deadline", "reason", "state", "transport", "view")

    def __init__(self, deadline: float) -> None:
        self.view: HoldView
        """Set by `refresh_view`, before it is armed."""
        self.deadline = deadline
        """When the wait ends, by the clock of the registry (`Clock.monotonic`)."""
        self.transport: Transport
        """Set by the transport before it parks the hold."""
        self.state: State = "idle"
        self.reason: Reason | None = None
        """The reason of its end; None before."""
        self.committed_at: float | None = None
        """`time.time()` of the commit that ended it, if known."""

    def check(self, *, is_last: bool) -> R | None:
        """Return the response; None if there are no changes and `is_last` is false."""
        raise NotImplementedError

    def refresh_view(self) -> None:
        """Set `view` to the recipient's current one. Raises UnavailableError if that can't be read."""
        raise NotImplementedError

    def parked(self) -> None:
        """Release data that only a check needs: there may be ten thousand holds."""

    def expire(self) -> None:
        """See `Transport.expire`."""
        self.transport.expire(self)

    def abandon(self) -> bytes:
        """See `Transport.abandon`."""
        return self.transport.abandon(self)

    def change(self, event: Event) -> None:
        """Make a transition. Raises KeyError for an event that is impossible in the current state."""
        self.state = TRANSITIONS[event][self.state]

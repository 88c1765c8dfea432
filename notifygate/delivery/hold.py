"""A hold: a request that waits for news, and the states that it goes through.

    arm ──▶ checking ──park──▶ waiting ──end──▶ ended ──resume──▶ idle
               │                  │
               └──end──▶ interrupted ──resume──▶ idle       leave: checking or waiting ──▶ idle

A hold is registered in `checking` and `waiting`. The order arm, look, park leaves no gap: an entry committed before the
look is found by it, and one committed after it ends the hold, also before it is parked (`interrupted`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

from notifygate.domain.entry import Entry

State = Literal["idle", "checking", "interrupted", "waiting", "ended"]
Event = Literal["arm", "park", "end", "leave", "resume"]

TRANSITIONS: Mapping[tuple[State, Event], State] = {
    ("idle", "arm"): "checking",
    ("checking", "park"): "waiting",
    ("checking", "end"): "interrupted",
    ("checking", "leave"): "idle",
    ("waiting", "end"): "ended",
    ("waiting", "leave"): "idle",
    ("interrupted", "resume"): "idle",
    ("ended", "resume"): "idle",
}
"""All transitions; only `Hold.change` makes them."""

Reason = Literal["news", "timeout", "gone", "crowded", "drained", "raced"]
"""Why a hold ended: an entry for the recipient, its time was up, the client left, a newer hold of the same recipient,
the gateway stops, or the look found something before the wait began."""

R = TypeVar("R")


class HoldView(Protocol):
    """What the registry reads of a recipient's view."""

    recipient: str
    audiences: tuple[str, ...]
    """The recipient's own audience first, `all` last."""

    def affects(self, entry: Entry) -> bool:
        """Return whether the entry changes what the recipient sees."""
        ...


class Transport(Protocol):
    """How responses reach the clients of some holds."""

    def deliver_many(self, holds: Sequence["Hold[Any]"]) -> None:
        """Answer holds that have ended (`Hold.reason`). Called in the hub; must not wait."""
        ...

    def expire(self, hold: "Hold[Any]") -> None:
        """Answer a hold whose time is up."""
        ...

    def abandon(self, hold: "Hold[Any]") -> bytes:
        """Drop a hold whose client has left. Return the response for a connection that was only half closed."""
        ...


class Hold(Generic[R]):
    """A request that may wait; `R` is its response."""

    __slots__ = ("committed_at", "deadline", "reason", "state", "transport", "view")

    def __init__(self, view: HoldView, deadline: float) -> None:
        self.view = view
        self.deadline = deadline
        """`time.monotonic()` at which the wait ends."""
        self.transport: Transport
        """Set by the transport that parks it."""
        self.state: State = "idle"
        self.reason: Reason | None = None
        """Why it ended; None before."""
        self.committed_at: float | None = None
        """`time.time()` of the commit that ended it, where that is known."""

    def check(self, *, is_last: bool) -> R | None:
        """Return the response to what is there now; None if there is nothing new and `is_last` is false."""
        raise NotImplementedError

    def refresh_view(self) -> None:
        """Use the recipient's current view from now on."""

    def parked(self) -> None:
        """Release what only the look needs: there may be ten thousand holds."""

    def expire(self) -> None:
        """See `Transport.expire`."""
        self.transport.expire(self)

    def abandon(self) -> bytes:
        """See `Transport.abandon`."""
        return self.transport.abandon(self)

    @property
    def is_registered(self) -> bool:
        """Whether an entry can end it."""
        return self.state == "checking" or self.state == "waiting"

    def change(self, event: Event) -> None:
        """Make a transition. Raises KeyError for an event that is impossible in the present state."""
        self.state = TRANSITIONS[self.state, event]

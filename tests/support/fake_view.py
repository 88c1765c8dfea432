"""A recipient's view as the hold registry uses it."""

from collections.abc import Callable

from notifygate.domain.entry import Entry


class FakeView:
    """A view with given answers."""

    def __init__(self, recipient: str, *audiences: str, affects: Callable[[Entry], bool] = lambda entry: True) -> None:
        self.recipient = recipient
        self.audiences = (f"user:{recipient}", *audiences, "all")
        self._affects = affects

    def affects(self, entry: Entry) -> bool:
        return self._affects(entry)

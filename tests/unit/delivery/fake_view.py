"""A recipient's view as the waiting room knows it."""

from collections.abc import Callable

from notifygate.domain.entry import Entry


class FakeView:
    """A view that is told what it likes."""

    def __init__(self, recipient: str, *audiences: str, tells: Callable[[Entry], bool] = lambda entry: True) -> None:
        self.recipient = recipient
        self.audiences = (f"user:{recipient}", *audiences, "all")
        self._tells = tells

    def tells(self, entry: Entry) -> bool:
        return self._tells(entry)

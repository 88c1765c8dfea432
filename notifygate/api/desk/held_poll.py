"""A plain poll that waits, as nothing but a record and a connection on the server's board."""

import time
from typing import TYPE_CHECKING

from notifygate.api.desk.requests import INBOX, Poll
from notifygate.api.long_poll import hold_seconds
from notifygate.domain.principal import Recipient
from notifygate.holds.room import Hold
from notifygate.inbox.view import View
from notifygate.server.desk import Caller

if TYPE_CHECKING:
    from notifygate.api.desk.poll_desk import PollDesk


class HeldPoll(Hold):
    """A poll that waits: what remains of a request while its connection is on the server's board."""

    __slots__ = ("_desk", "began", "caller", "deadline", "is_common", "poll", "principal", "waits")

    def __init__(self, desk: "PollDesk", caller: Caller, principal: Recipient, poll: Poll, view: View) -> None:
        super().__init__(view)
        self.view: View
        self._desk = desk
        self.caller = caller
        self.principal = principal
        self.poll = poll
        self.began = time.monotonic()
        self.deadline = self.began + hold_seconds(poll.wait or 0, principal)
        """See `server.desk.HeldPoll`."""
        self.is_common = poll.is_http_11 and poll.keeps_alive and poll.origin is None and poll.route == INBOX
        """Whether its answer is in the form of nearly all held polls."""
        self.waits = False
        """Whether its end is for `conclude`: it has begun to wait, and isn't being answered yet."""

    def settle(self) -> None:
        """Begin to wait. There may be ten thousand of these: what can be shared isn't kept twice."""
        self.waits = True
        token = self.view.token
        if self.poll.cursor == token:
            self.poll.cursor = token
        if self.poll.tags == (token,):
            self.poll.tags = (token,)

    def ended(self) -> None:
        """Answer: the room has ended the wait."""
        self._desk.conclude_soon(self)

    def time_is_over(self) -> None:
        """See `server.desk.HeldPoll`."""
        self._desk.time_is_over(self)

    def client_is_gone(self) -> bytes:
        """See `server.desk.HeldPoll`."""
        return self._desk.client_is_gone(self)

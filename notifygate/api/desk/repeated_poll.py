"""A plain poll that was answered with 304 and is asked again: most of what a polling gateway hears."""

import sys
import weakref
from typing import TYPE_CHECKING

from notifygate.api.desk.requests import INBOX, Poll
from notifygate.domain.principal import Recipient
from notifygate.inbox.answer import Nothing

if TYPE_CHECKING:
    from notifygate.api.desk.poll_desk import PollDesk


_HELD_BYTES = 600
"""A `Repeated` with its token, numbers and prepared answer, without the name."""


def can_be_repeated(poll: Poll) -> bool:
    """Tell whether a poll is of the kind that `Repeated` answers."""
    return poll.route == INBOX and poll.keeps_alive and poll.is_http_11 and poll.wait is None and poll.origin is None


class Repeated:
    """What a 304 rested on, for when the same client asks the same again. Only for polls that `can_be_repeated`."""

    __slots__ = (
        "_beat", "_desk", "_end", "_epoch", "_expires_at", "_name", "_revocations", "_seen", "_since", "_token",
        "_view",
    )  # fmt: skip

    def __init__(self, desk: "PollDesk", principal: Recipient, nothing: Nothing) -> None:
        view, at, matched, since = nothing
        self._desk = desk
        self._view = weakref.ref(view)
        """Not held: a view may be large, and how many there are is for `inbox.views` to bound."""
        self._token = matched or ""
        self._epoch = at.epoch
        self._since = since
        self._seen = at.seq
        self._expires_at = principal.expires_at / 1000
        self._name = principal.audience
        self._revocations = desk.revocations.generation
        self._beat = 0
        self._end = b""

    @property
    def held_bytes(self) -> int:
        """See `server.desk.Repeat`."""
        return _HELD_BYTES + sys.getsizeof(self._name)

    def again(self, now: float) -> bytes | None:
        """See `server.desk.Repeat`."""
        desk = self._desk
        if self._expires_at <= now or not desk.may_repeat or self._revocations != desk.revocations.generation:
            return None
        tail = desk.tail
        if self._seen != tail.end or self._epoch != tail.epoch:
            view = self._view()
            if view is None or self._epoch != tail.epoch or tail.is_ageing(self._since):
                return None
            entries = tail.after(view.audiences, self._seen)
            if entries is None or any(view.tells(entry) for entry in entries):
                return None
            self._seen = tail.end
        guard = desk.guard
        if guard is not None and guard.add(self._name, now) > guard.limit:
            return None
        if self._beat != desk.beat:
            self._beat = desk.beat
            self._end = desk.writer.not_modified_end(self._token)
        desk.accounts.repeated += 1
        return desk.repeated_start + self._end

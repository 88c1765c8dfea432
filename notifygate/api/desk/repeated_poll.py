"""A plain poll that was answered with 304 and is asked again: most of what a polling gateway hears."""

from typing import TYPE_CHECKING

from notifygate.api.desk.requests import INBOX, Poll
from notifygate.domain.principal import Recipient
from notifygate.inbox.answer import Nothing
from notifygate.server.plain_request import PlainRequest

if TYPE_CHECKING:
    from notifygate.api.desk.poll_desk import PollDesk

_PATH = INBOX.encode()


def can_be_repeated(poll: Poll) -> bool:
    """Tell whether a poll is of the kind that `Repeated` answers."""
    return poll.route == INBOX and poll.keeps_alive and poll.is_http_11 and poll.wait is None and poll.origin is None


class Repeated:
    """What a 304 rested on, for when the same client asks the same again. Only for polls that `can_be_repeated`."""

    __slots__ = (
        "_beat",
        "_cursor_query",
        "_desk",
        "_end",
        "_epoch",
        "_expires_at",
        "_name",
        "_poll",
        "_seen",
        "_since",
        "_tag_header",
        "_token",
        "_view",
        "last_asked",
    )

    def __init__(
        self,
        desk: "PollDesk",
        request: PlainRequest,
        poll: Poll,
        principal: Recipient,
        nothing: Nothing,
    ) -> None:
        view, at, matched, since = nothing
        self._tag_header = request.if_none_match
        self._cursor_query = b"" if poll.cursor is None else b"cursor=" + poll.cursor.encode()
        self.last_asked = 0
        """See `server.desk.Repeat`."""
        self._desk = desk
        self._poll = poll
        self._view = view
        self._token = matched or ""
        self._epoch = at.epoch
        self._since = since
        self._seen = at.seq
        self._expires_at = principal.expires_at / 1000
        self._name = principal.audience
        self._beat = 0
        self._end = b""

    def is_asked_by(self, request: PlainRequest) -> bool:
        """Tell whether a request of the same client asks the same: at most its cache-buster is another."""
        if request.if_none_match != self._tag_header or request.path != _PATH or request.prefer or request.origin:
            return False
        if not (request.keeps_alive and request.is_http_11):
            return False
        query, _, rest = request.query.partition(b"_=")
        return query.rstrip(b"&") == self._cursor_query and b"&" not in rest

    def again(self, now: float) -> bytes | None:
        """See `server.desk.Repeat`."""
        desk = self._desk
        if self._expires_at <= now or not desk.may_repeat:
            return None
        tail = desk.tail
        if self._seen != tail.end or self._epoch != tail.epoch:
            entries = tail.after(self._view.audiences, self._seen) if self._epoch == tail.epoch else None
            if entries is None or any(self._view.tells(entry) for entry in entries) or tail.is_ageing(self._since):
                return None
            self._seen = tail.end
        guard = desk.guard
        if guard is not None and guard.add(self._name) > guard.limit:
            return None
        if self._beat != desk.beat:
            self._beat = desk.beat
            self._end = desk.writer.not_modified_end(self._poll, self._token)
        desk.accounts.repeated += 1
        return desk.repeated_start + self._end

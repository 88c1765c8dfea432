"""Shared code of the polled endpoints: parsing a poll, waiting for changes, and the response."""

import random
import re
from typing import TYPE_CHECKING, Literal

from notifygate.clock import Clock
from notifygate.delivery.hold import Hold
from notifygate.domain.cursor import cursors_of_if_none_match
from notifygate.domain.principal import Recipient
from notifygate.errors import InvalidRequestError
from notifygate.inbox.answer import InboxUpdate, Unchanged, counts_body, poll_body
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.pipeline import Outcome, take
from notifygate.protocol.request import NO_REQUEST, Request
from notifygate.protocol.response import PRIVATE, Response
from notifygate.services import Services
from notifygate.validation import parse_whole_number

if TYPE_CHECKING:
    from notifygate.inbox.view import View

DEFAULT_LIMIT = 50
"""`limit` of a poll without one (docs/protocol.md section 4)."""

MAX_LIMIT = 200
"""Maximum of notifications and removals in a response (docs/protocol.md section 4)."""

JITTER = 0.05
"""Largest share by which a wait is shortened, so that clients that poll together do not return together. The protocol
allows twice as much: the server's timers fire up to a twentieth of a second early."""

_PREFERRED_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([^\s,;\"]*)", re.IGNORECASE)

_NOT_MODIFIED = b'%bETag: W/"%b"\r\nPoll-Interval: %d\r\n%b'
_UPDATE = b'Content-Type: application/json\r\n%bETag: W/"%b"\r\nPoll-Interval: %d\r\n%b'
_WAITED = b"Preference-Applied: wait=%d\r\n"


class Poll:
    """A poll of the inbox or of its counts."""

    __slots__ = ("cursor", "etags", "limit", "of")

    def __init__(self, of: Literal["inbox", "counts"], cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> None:
        self.of = of
        self.cursor = cursor
        self.limit = limit
        self.etags: tuple[str, ...] = ()
        """The cursors in If-None-Match."""

    def run(self, services: Services, recipient: Recipient) -> InboxUpdate | Unchanged:
        """Return the changes after the cursor.

        Raises UnauthorizedError if the token was revoked, at the latest while the database was read.
        """
        if self.of == "inbox":
            outcome = services.polls.poll(recipient, self.cursor, self.etags, self.limit)
        else:
            outcome = services.polls.poll_counts(recipient, self.etags)
        services.revocations.check(recipient)
        return outcome


class PollHold(Hold[Response]):
    """A poll that waits."""

    __slots__ = ("exchange", "poll", "services")
    view: "View"

    def __init__(self, exchange: Exchange, services: Services, poll: Poll, seconds: float) -> None:
        super().__init__(services.clock.monotonic() + seconds)
        self.exchange = exchange
        self.services = services
        self.poll = poll

    def check(self, *, is_last: bool) -> Response | None:
        """See `Hold`."""
        poll, services = self.poll, self.services
        recipient = self.exchange.recipient
        if (
            not is_last
            and poll.of == "inbox"
            and services.revocations.accepts(recipient)
            and services.polls.is_at_head(self.view, poll.cursor)
        ):
            return None  # nearly all polls after a broadcast
        outcome = poll.run(services, recipient)
        if isinstance(outcome, Unchanged) and not is_last:
            return None
        return poll_response(self.exchange, services, poll, outcome)

    def refresh_view(self) -> None:
        """See `Hold`."""
        # Narrower than the base's, and set nowhere else.
        self.view = self.services.views.current(self.exchange.recipient)  # pyright: ignore[reportIncompatibleVariableOverride]

    def parked(self) -> None:
        """See `Hold`. Texts that the view has too are kept once."""
        poll, cursor = self.poll, self.view.cursor
        if poll.cursor == cursor:
            poll.cursor = cursor
        if poll.etags == (cursor,):
            poll.etags = (cursor,)
        self.exchange.request = NO_REQUEST

    @property
    def has_common_form(self) -> bool:
        """Whether its response has the form of nearly all held polls."""
        exchange = self.exchange
        return exchange.is_http_11 and exchange.keep_alive and exchange.origin is None and self.poll.of == "inbox"


def answer_poll(exchange: Exchange, services: Services, poll: Poll, wait: int | None) -> Outcome:
    """Answer a poll, or hold it if it asks for a wait and may have one.

    `wait` is the parameter of that name; without it, `Prefer: wait=N` counts. Raises InvalidRequestError.
    """
    recipient = exchange.recipient
    poll.etags = _etags(exchange.request, poll.cursor)
    asked = preferred_wait(exchange.request.field(b"prefer")) if wait is None else wait
    if asked is not None:
        exchange.granted_wait = min(asked, services.pacing.longest_wait())
    if exchange.granted_wait:
        return PollHold(exchange, services, poll, hold_seconds(exchange.granted_wait, recipient, services.clock))
    return poll_response(exchange, services, poll, poll.run(services, recipient))


def preferred_wait(prefer: str | None) -> int | None:
    """Return the wait of a field `Prefer: wait=N` (RFC 7240); None without one. Raises InvalidRequestError."""
    match = _PREFERRED_WAIT.search(prefer) if prefer else None
    if match is None:
        return None
    try:
        return parse_whole_number(match.group(1))
    except ValueError as error:
        raise InvalidRequestError.of("Prefer", f"wait {error}") from error


def hold_seconds(granted: int, recipient: Recipient, clock: Clock) -> float:
    """Return how long a request is held: slightly less than granted, and not beyond the expiry of the token."""
    jittered = granted * (1 - JITTER * random.random())  # noqa: S311 - spreads load, guards nothing
    return min(jittered, recipient.expires_at / 1000 - clock.wall())


def poll_response(exchange: Exchange, services: Services, poll: Poll, outcome: InboxUpdate | Unchanged) -> Response:
    """Return 304 if an entity tag still matches, else 200. Raises RateLimitedError."""
    poll_after = services.pacing.poll_after()
    waited = b"" if exchange.granted_wait is None else _WAITED % exchange.granted_wait
    if isinstance(outcome, Unchanged):
        if outcome.matched is not None:
            response = Response(304, b"", not_modified_fields(outcome.matched, poll_after, waited))
            response.revalidation = outcome
            return response
        outcome = services.polls.as_update(outcome)
    if outcome.has_changes:
        take(exchange, services.limits, "poll")
    if poll.of == "counts":
        body = counts_body(outcome.unread, outcome.unseen)
    else:
        body = poll_body(outcome, poll_after, services.pacing.longest_wait())
    return Response(200, body, update_fields(outcome.cursor.encode(), poll_after, waited))


def not_modified_fields(cursor: str, poll_after: int, waited: bytes, private: bytes = PRIVATE) -> bytes:
    """Return the fields of a 304. `private`: PRIVATE, or `Encoder.private` if the encoder does not add to them."""
    return _NOT_MODIFIED % (private, cursor.encode(), poll_after, waited)


def update_fields(cursor: bytes, poll_after: int, waited: bytes, private: bytes = PRIVATE) -> bytes:
    """Return the fields of a 200. `private`: as in `not_modified_fields`."""
    return _UPDATE % (private, cursor, poll_after, waited)


def _etags(request: Request, cursor: str | None) -> tuple[str, ...]:
    header = request.fields.get(b"if-none-match")
    if header is None:
        return ()
    if cursor is not None and header == b'W/"%b"' % cursor.encode():
        return (cursor,)  # the usual header, without another copy of the text in memory while it is held
    return tuple(cursors_of_if_none_match(header.decode("latin-1")))

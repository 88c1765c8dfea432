"""A plain poll, read from its head without Flask: the same parameters, as long as they need no thought."""

from notifygate.api.headers import SANE_REQUEST_ID
from notifygate.api.long_poll import asked_wait
from notifygate.api.v1.get_inbox import DEFAULT_LIMIT, MAX_LIMIT
from notifygate.api.validated import CACHE_BUSTER
from notifygate.domain.cursor import TOKEN_CHARACTERS, tokens_of_if_none_match
from notifygate.errors import InvalidRequestError
from notifygate.server.head import Head

INBOX, UNREAD = "/v1/inbox", "/v1/inbox/unread"

_MAX_DIGITS = 6
_BEARER = b"Bearer "


class Poll:
    """A request for the inbox or its counts."""

    __slots__ = (
        "cursor",
        "is_http_11",
        "keeps_alive",
        "limit",
        "origin",
        "request_id",
        "route",
        "tags",
        "token",
        "wait",
    )

    def __init__(self, head: Head, route: str, token: bytes) -> None:
        self.route = route
        self.token = token
        """The recipient's token; emptied once it is known whose it is."""
        self.cursor: str | None = None
        self.wait: int | None = None
        """Seconds asked for, then granted; None if nothing was asked."""
        self.limit = DEFAULT_LIMIT
        self.tags: list[str] | tuple[str, ...] = ()
        self.is_http_11 = head.is_http_11
        self.keeps_alive = head.keeps_alive
        self.origin = head.origin.decode() if head.origin is not None else None
        self.request_id: str | None = None
        """The caller's own, if it sent a sane one."""


def read_poll(head: Head) -> Poll | None:
    """Read a poll; None for whatever the endpoint itself should look at: errors, and what is seldom sent."""
    route = {b"/v1/inbox": INBOX, b"/v1/inbox/unread": UNREAD}.get(head.path)
    credential = head.authorization
    if route is None or credential is None or not credential.startswith(_BEARER):
        return None
    poll = Poll(head, route, credential[7:].strip(b" "))
    if not _read_query(poll, head.query):
        return None
    if head.prefer is not None:
        try:
            poll.wait = asked_wait(poll.wait, head.prefer.decode())
        except InvalidRequestError:
            return None
    if head.if_none_match is not None:
        poll.tags = _read_tags(head.if_none_match, poll.cursor)
    if head.request_id is not None and SANE_REQUEST_ID.fullmatch(given := head.request_id.decode()):
        poll.request_id = given
    return poll


def _read_query(poll: Poll, query: bytes) -> bool:
    """Read the parameters; False if there is one that isn't plain."""
    if not query:
        return True
    given = 0
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"cursor" and len(value) == TOKEN_CHARACTERS and poll.route == INBOX:
            poll.cursor = value.decode()
        elif name == b"wait" and value.isdigit() and len(value) <= _MAX_DIGITS:
            poll.wait = int(value)
        elif name == b"limit" and value.isdigit() and len(value) <= _MAX_DIGITS and poll.route == INBOX:
            poll.limit = int(value)
            if not 1 <= poll.limit <= MAX_LIMIT:
                return False
        elif name == CACHE_BUSTER.encode():
            continue
        else:
            return False
        given += 1
    return given == (poll.cursor is not None) + (poll.wait is not None) + (b"limit=" in query)


def _read_tags(header: bytes, cursor: str | None) -> list[str] | tuple[str, ...]:
    if cursor is not None and header == b'W/"%b"' % cursor.encode():
        return (cursor,)  # what nearly every client sends, and one text less in memory while it is held
    return tokens_of_if_none_match(header.decode())

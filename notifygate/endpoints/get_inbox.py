"""GET /v1/inbox: short poll and long poll (docs/protocol.md section 4)."""

from typing import Annotated

from pydantic import Field

from notifygate.domain.cursor import CURSOR_CHARACTERS
from notifygate.endpoints.polling import DEFAULT_LIMIT, MAX_LIMIT, Poll, answer_poll
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_parameters
from notifygate.protocol.pipeline import Outcome
from notifygate.protocol.request import CACHE_BUSTER, Request
from notifygate.services import Services
from notifygate.validation import QueryModel, WholeNumber

Limit = Annotated[WholeNumber, Field(ge=1, le=MAX_LIMIT)]
"""Maximum of notifications in a response, 1 to MAX_LIMIT."""

_MAX_DIGITS = 6


class InboxQuery(QueryModel):
    """Parameters of a poll."""

    cursor: str | None = None
    wait: WholeNumber | None = None
    limit: Limit = DEFAULT_LIMIT


def get_inbox(exchange: Exchange, services: Services) -> Outcome:
    """Return the snapshot, or the changes after a cursor. 200, 304; 400, 429 `poll`, 503."""
    cursor, wait, limit = _parse(exchange.request)
    return answer_poll(exchange, services, Poll("inbox", cursor, limit), wait)


def _parse(request: Request) -> tuple[str | None, int | None, int]:
    """Return cursor, wait and limit. Plain parameters are read by hand, three times as fast as by the model.

    The model parses all others and finds the faults. Raises InvalidRequestError.
    """
    cursor = wait = limit = None
    for part in request.query.split(b"&") if request.query else ():
        name, _, value = part.partition(b"=")
        if name == b"cursor" and cursor is None and len(value) == CURSOR_CHARACTERS and value.isascii():
            if b"%" in value or b"+" in value:
                break
            cursor = value.decode()
        elif name == b"wait" and wait is None and value.isdigit() and len(value) <= _MAX_DIGITS:
            wait = int(value)
        elif name == b"limit" and limit is None and value.isdigit() and len(value) <= _MAX_DIGITS:
            limit = int(value)
            if not 1 <= limit <= MAX_LIMIT:
                break
        elif name != CACHE_BUSTER.encode():
            break
    else:
        return cursor, wait, DEFAULT_LIMIT if limit is None else limit
    query = parse_parameters(request, InboxQuery)
    return query.cursor, query.wait, query.limit

"""GET /v1/inbox: short poll and long poll (PROTOCOL section 4)."""

from typing import Annotated

from flask import Response, request
from pydantic import Field

from notifygate.api.answers import inbox_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import recipient
from notifygate.api.long_poll import asked_wait, long_poll
from notifygate.api.schemas import NOT_MODIFIED, InboxAnswer
from notifygate.api.validated import CURSOR_PATTERN, QueryModel, WholeNumber, matching, validated
from notifygate.domain.cursor import tokens_of_if_none_match

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Limit = Annotated[WholeNumber, Field(ge=1, le=MAX_LIMIT)]


class InboxQuery(QueryModel):
    """A poll of the inbox."""

    cursor: Annotated[str, matching(CURSOR_PATTERN)] | None = Field(
        None, description="Changes after it; absent: a snapshot."
    )
    wait: WholeNumber | None = Field(None, description="Seconds to hold while there is nothing to say.")
    limit: Limit = DEFAULT_LIMIT


@recipients.get("/inbox", responses={200: InboxAnswer, **NOT_MODIFIED})
@validated
def get_inbox(query: InboxQuery) -> Response:
    """Poll the inbox."""
    principal, polls = recipient(), gateway().polls
    tags = tokens_of_if_none_match(request.headers.get("If-None-Match"))
    asked = asked_wait(query.wait, request.headers.get("Prefer"))
    return inbox_answer(long_poll(lambda: polls.look(principal, query.cursor, tags, query.limit), principal, asked))

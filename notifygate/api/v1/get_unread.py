"""GET /v1/inbox/unread: the counts alone (PROTOCOL section 4)."""

from flask import Response, request

from notifygate.api.answers import counts_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import recipient
from notifygate.api.long_poll import asked_wait, long_poll
from notifygate.api.schemas import NOT_MODIFIED, CountsAnswer
from notifygate.api.validated import QueryModel, WholeNumber, validated
from notifygate.domain.cursor import tokens_of_if_none_match


class UnreadQuery(QueryModel):
    """A poll of the counts."""

    wait: WholeNumber | None = None


@recipients.get("/inbox/unread", responses={200: CountsAnswer, **NOT_MODIFIED})
@validated
def get_unread(query: UnreadQuery) -> Response:
    """Poll the counts."""
    principal, polls = recipient(), gateway().polls
    tags = tokens_of_if_none_match(request.headers.get("If-None-Match"))
    asked = asked_wait(query.wait, request.headers.get("Prefer"))
    return counts_answer(long_poll(lambda: polls.look_at_counts(principal, tags), principal, asked))

"""GET /v1/inbox/unread: the counts alone (docs/protocol.md section 4)."""

from notifygate.endpoints.polling import Poll, answer_poll
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_parameters
from notifygate.protocol.pipeline import Outcome
from notifygate.services import Services
from notifygate.validation import QueryModel, WholeNumber


class UnreadQuery(QueryModel):
    """Parameters of a poll of the counts."""

    wait: WholeNumber | None = None


def get_unread(exchange: Exchange, services: Services) -> Outcome:
    """Return the counts. 200, 304; 400, 429 `poll`, 503."""
    wait = parse_parameters(exchange.request, UnreadQuery).wait if exchange.request.query else None
    return answer_poll(exchange, services, Poll("counts"), wait)

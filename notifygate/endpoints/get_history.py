"""GET /v1/inbox/history: older notifications (docs/protocol.md section 4)."""

from notifygate.endpoints.get_inbox import Limit
from notifygate.endpoints.polling import DEFAULT_LIMIT
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response, json_response
from notifygate.publishing.request import NotificationId
from notifygate.services import Services
from notifygate.validation import QueryModel


class HistoryQuery(QueryModel):
    """Parameters of a page of the history."""

    before: NotificationId | None = None
    limit: Limit = DEFAULT_LIMIT


def get_history(exchange: Exchange, services: Services) -> Response:
    """Return the notifications before a given one in the inbox, newest first.

    200; 400, 404 for an unknown id, 429 `poll`, 503.
    """
    query = parse_parameters(exchange.request, HistoryQuery)
    take(exchange, services.limits, "poll")
    items, has_more = services.history.before(exchange.recipient, query.before, query.limit)
    return json_response(
        b'{"notifications":[%b],"has_more":%b}' % (b",".join(items), b"true" if has_more else b"false")
    )

"""POST /v1/notifications: publish, as JSON (docs/protocol.md section 3)."""

from notifygate.endpoints.publishing import publish
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_body, refuse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response
from notifygate.publishing.request import NotificationBody
from notifygate.services import Services


def post_notifications(exchange: Exchange, services: Services) -> Response:
    """Publish a notification, and respond once it is durable. 201; 400, 403, 413, 415, 422, 429 `publish`, 503."""
    refuse_parameters(exchange.request)
    body = parse_body(exchange.request, NotificationBody)
    take(exchange, services.limits, "publish")
    return publish(exchange, services, body.to_request())

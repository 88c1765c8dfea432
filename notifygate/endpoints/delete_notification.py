"""DELETE /v1/notifications/<id>: retract a notification (docs/protocol.md section 3)."""

from pydantic import BaseModel

from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_path
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response
from notifygate.publishing.request import NotificationId
from notifygate.services import Services


class NotificationPath(BaseModel):
    """The id in the path."""

    id: NotificationId


def delete_notification(exchange: Exchange, services: Services) -> Response:
    """Retract a notification: it leaves every inbox. 204; 400, 404, 429 `publish`, 503."""
    path = parse_path(exchange.request, NotificationPath)
    take(exchange, services.limits, "publish")
    services.removal.retract(exchange.publisher, path.id)
    return Response(204)

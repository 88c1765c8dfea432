"""DELETE /v1/notifications/<id>: retract a notification (docs/protocol.md section 3)."""

from pydantic import BaseModel

from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import refuse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response
from notifygate.publishing.request import NotificationId
from notifygate.services import Services
from notifygate.validation import validate


class NotificationPath(BaseModel):
    """The id in the path."""

    id: NotificationId


def delete_notification(exchange: Exchange, services: Services) -> Response:
    """Retract a notification: it leaves every inbox.

    204; 400, 404, 429 `publish`, 503.
    """
    path = validate(NotificationPath, exchange.request.params)
    refuse_parameters(exchange.request)
    take(exchange, services.limits, "publish")
    services.removal.retract(exchange.publisher, path.id)
    return Response(204)

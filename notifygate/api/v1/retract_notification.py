"""DELETE /v1/notifications/<id>: take a notification back (PROTOCOL section 3)."""

from flask import Response
from pydantic import BaseModel

from notifygate.api.blueprints import publishers
from notifygate.api.gateway import gateway
from notifygate.api.guard import count, publisher
from notifygate.api.schemas import problem_responses
from notifygate.api.v1.notification_body import NotificationId
from notifygate.api.validated import validated


class NotificationPath(BaseModel):
    """Which notification."""

    id: NotificationId


@publishers.delete(
    "/notifications/<id>", responses={"204": {"description": "It is in no inbox."}, **problem_responses(404)}
)
@validated
def retract_notification(path: NotificationPath) -> Response:
    """Take a notification back: it leaves every inbox."""
    count("publish")
    gateway().removal.retract(publisher(), path.id)
    return Response(status=204)

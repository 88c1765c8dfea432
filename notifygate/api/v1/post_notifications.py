"""POST /v1/notifications: publish, as JSON (PROTOCOL section 3)."""

from flask import Response

from notifygate.api.blueprints import publishers
from notifygate.api.guard import count
from notifygate.api.schemas import PublishedAnswer, problem_responses
from notifygate.api.v1.notification_body import NotificationBody
from notifygate.api.v1.published import publish
from notifygate.api.validated import validated


@publishers.post("/notifications", responses={201: PublishedAnswer, **problem_responses(413, 415, 422)})
@validated
def post_notifications(body: NotificationBody) -> Response:
    """Publish a notification.

    The answer is sent when the notification is durable.
    """
    count("publish")
    return publish(body.to_request())

"""GET /v1/inbox/history: older notifications (PROTOCOL section 4)."""

from flask import Response
from pydantic import Field

from notifygate.api.answers import json_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import count, recipient
from notifygate.api.schemas import HistoryAnswer, problem_responses
from notifygate.api.v1.get_inbox import DEFAULT_LIMIT, Limit
from notifygate.api.v1.notification_body import NotificationId
from notifygate.api.validated import QueryModel, validated


class HistoryQuery(QueryModel):
    """Where to go on."""

    before: NotificationId | None = Field(None, description="A notification's id; absent: the newest.")
    limit: Limit = DEFAULT_LIMIT


@recipients.get("/inbox/history", responses={200: HistoryAnswer, **problem_responses(404)})
@validated
def get_history(query: HistoryQuery) -> Response:
    """Read what lies before a notification, newest first."""
    count("poll")
    items, has_more = gateway().history.before(recipient(), query.before, query.limit)
    return json_answer(b'{"notifications":[%s],"has_more":%s}' % (b",".join(items), b"true" if has_more else b"false"))

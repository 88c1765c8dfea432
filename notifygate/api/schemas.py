"""The shapes of answers, for openapi.json. Requests are described by the models that read them."""

from typing import Any, Literal

from flask_openapi3.models.security_scheme import SecurityScheme
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel, ConfigDict, Field

Timestamp = str
"""RFC 3339, UTC, milliseconds."""


class Answer(BaseModel):
    """Base of answer shapes; clients must ignore fields that they don't know."""

    model_config = ConfigDict(extra="allow")


class PublishedAnswer(Answer):
    """A notification that was published."""

    id: str
    created_at: Timestamp
    expires_at: Timestamp | None
    to: list[str]
    type: str
    priority: Literal["low", "normal", "high", "critical"]
    truncated: bool = Field(False, description="The body was longer than 4000 characters and was cut.")


class NotificationShape(Answer):
    """A notification in an inbox, in its present state."""

    id: str
    type: str
    title: str
    body: str
    priority: Literal["low", "normal", "high", "critical"]
    sender: str
    icon: str | None
    action_url: str | None
    data: dict[str, Any]
    audience: str
    created_at: Timestamp
    expires_at: Timestamp | None
    seen_at: Timestamp | None
    read_at: Timestamp | None


class PollAdviceShape(Answer):
    """When to poll again, and the longest hold to ask for."""

    after: int
    wait: int


class InboxAnswer(Answer):
    """A snapshot (without cursor, or `reset`) or the changes after a cursor."""

    notifications: list[NotificationShape]
    removed: list[str]
    unread: int
    unseen: int
    cursor: str
    has_more: bool
    reset: bool
    poll: PollAdviceShape


class CountsAnswer(Answer):
    """The counts of an inbox."""

    unread: int
    unseen: int


class HistoryAnswer(Answer):
    """Older notifications, newest first."""

    notifications: list[NotificationShape]
    has_more: bool


class StateAnswer(Answer):
    """How many notifications changed, and the counts afterwards."""

    changed: int
    unread: int
    unseen: int


class ProbeAnswer(Answer):
    """How long a probe was held."""

    held: int


class TopicAnswer(Answer):
    """A topic and whether the recipient follows it."""

    topic: str
    following: bool


class TopicsAnswer(Answer):
    """The topics that the recipient follows or could follow."""

    topics: list[TopicAnswer]


class FieldErrorShape(Answer):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemShape(Answer):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldErrorShape] = Field(default_factory=list[FieldErrorShape])


def problem_responses(*statuses: int) -> ResponseDict:
    """Describe answers that are problems."""
    schema = {"$ref": "#/components/schemas/ProblemShape"}
    return {
        str(status): {
            "description": "A problem.",
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


NOT_MODIFIED: ResponseDict = {"304": {"description": "Nothing has changed since the ETag."}}

SECURITY_SCHEMES: dict[str, Any] = {
    "recipientToken": SecurityScheme(type="http", scheme="bearer", bearerFormat="JWT"),
    "apiKey": SecurityScheme(type="http", scheme="bearer", description="ng_<key id>_<secret>"),
}

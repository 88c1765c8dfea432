"""POST /v1/notify/<audience>: publish with curl and nothing else (PROTOCOL section 3)."""

from typing import Annotated, Any

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from notifygate.api.blueprints import publishers
from notifygate.api.guard import count
from notifygate.api.schemas import PublishedAnswer, problem_responses
from notifygate.api.v1.notification_body import (
    CONTROL,
    MAX_BODY_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    MAX_TTL_SECONDS,
    Icon,
    Line,
    NotificationBody,
    Priority,
    TypeName,
    Url,
)
from notifygate.api.v1.published import publish
from notifygate.api.validated import QueryModel, WholeNumber, matching, read_body, validate, validated
from notifygate.domain.audience import AUDIENCE_PATTERN
from notifygate.errors import InvalidRequestError


class NotifyPath(BaseModel):
    """Whom it is for."""

    model_config = ConfigDict(extra="forbid")
    audience: Annotated[str, matching(AUDIENCE_PATTERN)] = Field(
        description="user:<id>, role:<name>, topic:<name> or all"
    )


class NotifyQuery(QueryModel):
    """The fields beside the body; each may come as a header instead, and the query wins."""

    title: Annotated[Line, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)] | None = None
    type: TypeName | None = None
    priority: Priority | None = None
    sender: Annotated[Line, Field(max_length=100)] | None = None
    icon: Icon | None = None
    action_url: Url | None = None
    ttl: Annotated[WholeNumber, Field(ge=1, le=MAX_TTL_SECONDS)] | None = None


@publishers.post("/notify/<path:audience>", responses={201: PublishedAnswer, **problem_responses(413, 422)})
@validated
def notify(path: NotifyPath, query: NotifyQuery) -> Response:
    """Publish a notification whose body is the request's body as text.

    Whatever its Content-Type. Without a title, the body's first line is the title.
    """
    count("publish")
    fields: dict[str, Any] = _headers() | query.model_dump(exclude_none=True)
    text = _body_text()
    fields.setdefault("title", _first_line(text))
    if not fields["title"]:
        raise InvalidRequestError.of("title", "neither a title nor a body was given")
    wanted = validate(NotificationBody, {"to": path.audience, "body": text[:MAX_BODY_CHARACTERS], **fields})
    return publish(wanted.to_request(cut_off=text[MAX_BODY_CHARACTERS:]))


def _headers() -> dict[str, Any]:
    """Return the fields that came as headers, in UTF-8 where they are, else in Latin-1 as HTTP reads them.

    A wrong one is refused even where the query has the same field: it is a mistake all the same.
    """
    fields: dict[str, Any] = {}
    for name in NotifyQuery.model_fields:
        value = request.headers.get(name.replace("_", "-"))
        if value:  # a header that is empty says nothing
            raw = value.encode("latin-1", "replace")
            try:
                fields[name] = raw.decode("utf-8")
            except UnicodeDecodeError:
                fields[name] = value
    return validate(NotifyQuery, fields).model_dump(exclude_none=True)


def _body_text() -> str:
    try:
        return read_body().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError.of("body", "must be UTF-8 text") from error


def _first_line(text: str) -> str:
    """Return the first line that says something, as a title: cut, and without control characters."""
    lines = (CONTROL.sub("", line).strip() for line in text.splitlines())
    return next((line for line in lines if line), "")[:MAX_TITLE_CHARACTERS]

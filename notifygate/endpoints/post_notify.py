"""POST /v1/notify/<audience>: publish with curl alone (docs/protocol.md section 3)."""

from typing import Annotated, Any

from pydantic import Field

from notifygate.endpoints.publishing import publish
from notifygate.errors import InvalidRequestError
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.request import Request
from notifygate.protocol.response import Response
from notifygate.publishing.request import (
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
from notifygate.services import Services
from notifygate.validation import QueryModel, WholeNumber, validate


class NotifyQuery(QueryModel):
    """The fields beside the body. Each may be a header instead; the query takes precedence."""

    title: Annotated[Line, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)] | None = None
    type: TypeName | None = None
    priority: Priority | None = None
    sender: Annotated[Line, Field(max_length=100)] | None = None
    icon: Icon | None = None
    action_url: Url | None = None
    ttl: Annotated[WholeNumber, Field(ge=1, le=MAX_TTL_SECONDS)] | None = None


def post_notify(exchange: Exchange, services: Services) -> Response:
    """Publish a notification whose body is the request's body as text, of any Content-Type.

    Without a title, the first line of the body is the title. 201; 400, 403, 413, 422, 429 `publish`, 503.
    """
    request = exchange.request
    query = parse_parameters(request, NotifyQuery)
    take(exchange, services.limits, "publish")
    fields: dict[str, Any] = _header_fields(request) | query.model_dump(exclude_none=True)
    text = _body_text(request)
    fields.setdefault("title", _first_line(text))
    if not fields["title"]:
        raise InvalidRequestError.of("title", "is missing; give a title or a body")
    body = validate(NotificationBody, {"to": _audience(request), "body": text[:MAX_BODY_CHARACTERS], **fields})
    return publish(exchange, services, body.to_request(cut_off=text[MAX_BODY_CHARACTERS:]))


def _audience(request: Request) -> str:
    """Return the audience in the path. Raises InvalidRequestError for bytes that are not UTF-8.

    Werkzeug has replaced them by U+FFFD, which would make one recipient of several names.
    """
    try:
        request.path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError.of("to.0", "must be UTF-8 text") from error
    return request.params["audience"]


def _header_fields(request: Request) -> dict[str, Any]:
    """Return the fields in headers, decoded as UTF-8 if possible, else as Latin-1 (RFC 9110 section 5.5).

    Raises InvalidRequestError for an invalid one, also where the query has the same field.
    """
    fields: dict[str, Any] = {}
    for name in NotifyQuery.model_fields:
        value = request.fields.get(name.replace("_", "-").encode())
        if value:  # an empty header is the same as none
            try:
                fields[name] = value.decode("utf-8")
            except UnicodeDecodeError:
                fields[name] = value.decode("latin-1")
    return validate(NotifyQuery, fields).model_dump(exclude_none=True)


def _body_text(request: Request) -> str:
    try:
        return request.read_body().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError.of("body", "must be UTF-8 text") from error


def _first_line(text: str) -> str:
    """Return the first line that is not blank, as a title: truncated, and without control characters."""
    lines = (CONTROL.sub("", line).strip() for line in text.splitlines())
    return next((line for line in lines if line), "")[:MAX_TITLE_CHARACTERS]

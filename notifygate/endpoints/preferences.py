"""/v1/inbox/preferences: muted types, and how to display the others (docs/protocol.md section 4)."""

from typing import Annotated, Literal

import orjson
from pydantic import Field

from notifygate.domain.cursor import cursors_of_if_none_match, etag
from notifygate.inbox.preferences import Preferences
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_body, refuse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import PRIVATE, Response, field_lines, json_response
from notifygate.publishing.request import TypeName
from notifygate.services import Services
from notifygate.validation import BodyModel

MAX_TYPES = 200
"""Maximum of types with a preference (docs/protocol.md section 4)."""

Display = Literal["none", "badge", "toast", "modal", "browser"]
"""How a client shows a notification (docs/protocol.md section 4)."""


class TypePreference(BodyModel):
    """A recipient's preference for one type."""

    muted: bool = False
    display: Display | None = None


class PreferencesBody(BodyModel):
    """All preferences; types that are left out have the defaults."""

    types: Annotated[dict[TypeName, TypePreference], Field(max_length=MAX_TYPES)]


def get_preferences(exchange: Exchange, services: Services) -> Response:
    """Return the preferences. 200, 304; 503."""
    refuse_parameters(exchange.request)
    preferences = services.preferences.get(exchange.recipient)
    if preferences.version in cursors_of_if_none_match(exchange.request.field(b"if-none-match")):
        return Response(304, b"", PRIVATE + _etag(preferences))
    return _response(preferences)


def put_preferences(exchange: Exchange, services: Services) -> Response:
    """Replace the preferences; with If-Match, only if no other device has replaced them since.

    200; 400, 412, 413, 415, 429 `state`, 503.
    """
    refuse_parameters(exchange.request)
    body = parse_body(exchange.request, PreferencesBody)
    take(exchange, services.limits, "state")
    header = exchange.request.field(b"if-match")
    only_if = None if header is None or header.strip() == "*" else cursors_of_if_none_match(header)
    types = {name: preference.model_dump(exclude_none=True) for name, preference in body.types.items()}
    return _response(services.preferences.replace(exchange.recipient, types, only_if))


def _response(preferences: Preferences) -> Response:
    return json_response(orjson.dumps({"types": preferences.types}), fields=_etag(preferences))


def _etag(preferences: Preferences) -> bytes:
    return field_lines({"ETag": etag(preferences.version)})

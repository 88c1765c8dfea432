"""/v1/inbox/preferences: what is muted, and how the rest should be shown (PROTOCOL section 4)."""

from typing import Annotated, Literal

import orjson
from flask import Response, request
from pydantic import Field

from notifygate.api.answers import json_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import count, recipient
from notifygate.api.schemas import NOT_MODIFIED, problem_responses
from notifygate.api.v1.notification_body import TypeName
from notifygate.api.validated import BodyModel, validated
from notifygate.domain.cursor import etag, tokens_of_if_none_match
from notifygate.inbox.preferences import Preferences

MAX_TYPES = 200

Display = Literal["none", "badge", "toast", "modal", "browser"]


class TypePreference(BodyModel):
    """What a recipient wants of one type."""

    muted: bool = False
    display: Display | None = None


class PreferencesBody(BodyModel):
    """All preferences; what is left out has the defaults."""

    types: Annotated[dict[TypeName, TypePreference], Field(max_length=MAX_TYPES)]


def _answer(preferences: Preferences) -> Response:
    return json_answer(orjson.dumps({"types": preferences.types}), headers={"ETag": etag(preferences.version)})


@recipients.get("/inbox/preferences", responses={200: PreferencesBody, **NOT_MODIFIED})
@validated
def get_preferences() -> Response:
    """Read the preferences."""
    preferences = gateway().preferences.get(recipient())
    answer = _answer(preferences)
    if preferences.version in tokens_of_if_none_match(request.headers.get("If-None-Match")):
        answer = Response(
            status=304,
            headers=[item for item in answer.headers if item[0] in ("ETag", "Vary", "Cache-Control")],
        )
        del answer.headers["Content-Type"]
    return answer


@recipients.put("/inbox/preferences", responses={200: PreferencesBody, **problem_responses(412, 413, 415)})
@validated
def put_preferences(body: PreferencesBody) -> Response:
    """Replace the preferences; with If-Match, only if nobody else has since they were read."""
    count("state")
    header = request.headers.get("If-Match")
    only_if = None if header is None or header.strip() == "*" else tokens_of_if_none_match(header)
    types = {name: preference.model_dump(exclude_none=True) for name, preference in body.types.items()}
    return _answer(gateway().preferences.replace(recipient(), types, only_if))

"""POST /v1/inbox/state: seen, read, unread, dismissed (PROTOCOL section 4)."""

from typing import Annotated, Any, Literal, Self

import orjson
from flask import Response
from pydantic import ConfigDict, Field, model_validator

from notifygate.api.answers import json_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import count, recipient
from notifygate.api.schemas import StateAnswer, problem_responses
from notifygate.api.v1.notification_body import NotificationId, Text
from notifygate.api.validated import CURSOR_PATTERN, BodyModel, matching, validated

MAX_IDS = 500

_EITHER: dict[str, Any] = {
    "anyOf": [
        {"required": ["ids"], "not": {"required": ["up_to"]}},
        {
            "required": ["up_to"],
            "properties": {"op": {"enum": ["seen", "read", "dismiss"]}},
            "not": {"required": ["ids"]},
        },
    ]
}


class StateBody(BodyModel):
    """What to do, with which notifications."""

    model_config = ConfigDict(json_schema_extra=_EITHER)
    op: Literal["seen", "read", "unread", "dismiss"]
    ids: list[NotificationId] = Field(default_factory=list[str], min_length=1, max_length=MAX_IDS)
    up_to: Annotated[Text, matching(CURSOR_PATTERN)] = Field(
        default_factory=str, description="A cursor: everything that the client can have seen when it got that."
    )

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        if ("ids" in self.model_fields_set) == ("up_to" in self.model_fields_set):
            raise ValueError("give either ids or up_to")
        if self.op == "unread" and "up_to" in self.model_fields_set:
            raise ValueError("unread takes ids")
        return self


@recipients.post("/inbox/state", responses={200: StateAnswer, **problem_responses(413, 415)})
@validated
def post_state(body: StateBody) -> Response:
    """Change the state of notifications."""
    count("state")
    states = gateway().states
    if "ids" in body.model_fields_set:
        changed, counts = states.change(recipient(), body.op, body.ids)
    else:
        changed, counts = states.change_up_to(recipient(), body.op, body.up_to)
    return json_answer(orjson.dumps({"changed": changed, "unread": counts.unread, "unseen": counts.unseen}))

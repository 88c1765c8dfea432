"""POST /v1/inbox/state: seen, read, unread, dismissed (docs/protocol.md section 4)."""

from typing import Literal, Self

import orjson
from pydantic import Field, model_validator

from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_body, refuse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response, json_response
from notifygate.publishing.request import NotificationId, Text
from notifygate.services import Services
from notifygate.validation import BodyModel

MAX_IDS = 500
"""Maximum of ids in a request (docs/protocol.md section 4)."""


class StateBody(BodyModel):
    """An operation, and either ids or the cursor up to which it applies."""

    op: Literal["seen", "read", "unread", "dismiss"]
    ids: list[NotificationId] = Field(default_factory=list[str], min_length=1, max_length=MAX_IDS)
    up_to: Text = ""

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        if ("ids" in self.model_fields_set) == ("up_to" in self.model_fields_set):
            raise ValueError("needs exactly one of ids and up_to")
        if self.op == "unread" and "up_to" in self.model_fields_set:
            raise ValueError("has up_to, which the operation unread does not support; use ids")
        return self


def post_state(exchange: Exchange, services: Services) -> Response:
    """Change the state of notifications. 200; 400, 413, 415, 429 `state`, 503."""
    refuse_parameters(exchange.request)
    body = parse_body(exchange.request, StateBody)
    take(exchange, services.limits, "state")
    if "ids" in body.model_fields_set:
        changed, counts = services.states.change(exchange.recipient, body.op, body.ids)
    else:
        changed, counts = services.states.change_up_to(exchange.recipient, body.op, body.up_to)
    return json_response(orjson.dumps({"changed": changed, "unread": counts.unread, "unseen": counts.unseen}))

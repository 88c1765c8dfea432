"""Shared code of the publishing endpoints: the Idempotency-Key and the response."""

import orjson

from notifygate.errors import InvalidRequestError
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response, field_lines, json_response
from notifygate.publishing.publish import NotificationRequest
from notifygate.services import Services

MAX_KEY_CHARACTERS = 128
"""Maximum length of an Idempotency-Key (docs/protocol.md section 3)."""


def publish(exchange: Exchange, services: Services, request: NotificationRequest) -> Response:
    """Publish a notification, once per Idempotency-Key, count its audiences and return 201."""
    key = exchange.request.field(b"idempotency-key")
    if key is not None and not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise InvalidRequestError.of("Idempotency-Key", "must be 1-128 printable ASCII characters")
    take(exchange, services.limits, "audiences", len(request.to))
    body, is_earlier = services.publishing.publish(exchange.publisher, request, key)
    fields = {"Location": f"/v1/notifications/{body['id']}"}
    if is_earlier:
        fields["Idempotency-Replayed"] = "true"
    return json_response(orjson.dumps(body), 201, field_lines(fields))

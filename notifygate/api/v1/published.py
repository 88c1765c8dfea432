"""The answer to a publisher, and the Idempotency-Key of the request."""

import orjson
from flask import Response, request

from notifygate.api.answers import json_answer
from notifygate.api.gateway import gateway
from notifygate.api.guard import publisher
from notifygate.errors import InvalidRequestError
from notifygate.publishing.publish import NotificationRequest

MAX_KEY_CHARACTERS = 128


def publish(wanted: NotificationRequest) -> Response:
    """Publish for the present publisher and answer 201, once per Idempotency-Key."""
    answer = gateway().publishing.publish(publisher(), wanted, _idempotency_key())
    headers = {"Location": f"/v1/notifications/{answer.body['id']}"}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return json_answer(orjson.dumps(answer.body), 201, headers)


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise InvalidRequestError.of("Idempotency-Key", "must be 1-128 printable ASCII characters")
    return key

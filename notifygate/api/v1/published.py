"""The answer to a publisher, and the Idempotency-Key of the request."""

import orjson
from flask import Response, request

from notifygate.api.answers import json_answer
from notifygate.api.gateway import gateway
from notifygate.api.guard import count, publisher
from notifygate.errors import InvalidRequestError
from notifygate.publishing.publish import NotificationRequest, PublishAnswer

MAX_KEY_CHARACTERS = 128


def publish(wanted: NotificationRequest) -> Response:
    """Publish for the present publisher, count the audiences and answer 201, once per Idempotency-Key."""
    key = sane_idempotency_key(request.headers.get("Idempotency-Key"))
    count("audiences", len(wanted.to))
    answer = gateway().publishing.publish(publisher(), wanted, key)
    return json_answer(orjson.dumps(answer.body), 201, published_headers(answer))


def sane_idempotency_key(key: str | None) -> str | None:
    """Return what was sent as Idempotency-Key, if anything. Raises InvalidRequestError for what can't be one."""
    if key is not None and not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise InvalidRequestError.of("Idempotency-Key", "must be 1-128 printable ASCII characters")
    return key


def published_headers(answer: PublishAnswer) -> dict[str, str]:
    """Say where the notification is, and whether it was there before."""
    headers = {"Location": f"/v1/notifications/{answer.body['id']}"}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers

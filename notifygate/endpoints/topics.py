"""/v1/inbox/topics: the topics that a recipient follows (docs/protocol.md section 4)."""

import orjson
from pydantic import BaseModel, Field

from notifygate.domain.audience import TOPIC_PATTERN
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_path, refuse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response, json_response
from notifygate.services import Services


class TopicPath(BaseModel):
    """The topic in the path."""

    topic: str = Field(pattern=f"^{TOPIC_PATTERN}$")


def get_topics(exchange: Exchange, services: Services) -> Response:
    """List the topics that the recipient follows or could follow. 200; 503."""
    refuse_parameters(exchange.request)
    topics = services.topics.list(exchange.recipient)
    return json_response(orjson.dumps({"topics": [{"topic": name, "following": is_on} for name, is_on in topics]}))


def put_topic(exchange: Exchange, services: Services) -> Response:
    """Follow a topic: later notifications to it are in the inbox.

    200; 400, 403 for a topic limited to other roles, 429 `state`, 503.
    """
    topic = parse_path(exchange.request, TopicPath).topic
    take(exchange, services.limits, "state")
    services.topics.follow(exchange.recipient, topic)
    return _response(topic, following=True)


def delete_topic(exchange: Exchange, services: Services) -> Response:
    """Stop following a topic. 200; 400, 429 `state`, 503."""
    topic = parse_path(exchange.request, TopicPath).topic
    take(exchange, services.limits, "state")
    services.topics.unfollow(exchange.recipient, topic)
    return _response(topic, following=False)


def _response(topic: str, *, following: bool) -> Response:
    return json_response(orjson.dumps({"topic": topic, "following": following}))

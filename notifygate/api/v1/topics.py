"""/v1/inbox/topics: what the recipient follows (PROTOCOL section 4)."""

import orjson
from flask import Response
from pydantic import BaseModel, Field

from notifygate.api.answers import json_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import count, recipient
from notifygate.api.schemas import TopicAnswer, TopicsAnswer
from notifygate.api.validated import validated
from notifygate.domain.audience import TOPIC_PATTERN


class TopicPath(BaseModel):
    """Which topic."""

    topic: str = Field(pattern=f"^{TOPIC_PATTERN}$")


def _topic_answer(topic: str, *, following: bool) -> Response:
    return json_answer(orjson.dumps({"topic": topic, "following": following}))


@recipients.get("/inbox/topics", responses={200: TopicsAnswer})
@validated
def get_topics() -> Response:
    """List the topics that the recipient follows or could follow."""
    topics = gateway().topics.list(recipient())
    return json_answer(orjson.dumps({"topics": [{"topic": name, "following": is_on} for name, is_on in topics]}))


@recipients.put("/inbox/topics/<topic>", responses={200: TopicAnswer})
@validated
def put_topic(path: TopicPath) -> Response:
    """Follow a topic: from now on, what is published to it is in the inbox."""
    count("state")
    gateway().topics.follow(recipient(), path.topic)
    return _topic_answer(path.topic, following=True)


@recipients.delete("/inbox/topics/<topic>", responses={200: TopicAnswer})
@validated
def delete_topic(path: TopicPath) -> Response:
    """Stop following a topic."""
    count("state")
    gateway().topics.unfollow(recipient(), path.topic)
    return _topic_answer(path.topic, following=False)

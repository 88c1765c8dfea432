"""`notifygate type` and `notifygate topic` beside a running gateway."""

import json

from tests.support.command_line import Ask, CommandLine
from tests.support.waiting import eventually


def test_type_is_set_listed_and_deleted(beside: CommandLine, ask: Ask, key: str) -> None:
    options = "--title Failed --icon fire --priority high --display modal --ttl 1m --role ops --role dev --mandatory"
    assert beside("type", "set", "deploy.failed", *options.split()) == "set deploy.failed\n"
    (described,) = map(json.loads, beside("type", "list", "--json").splitlines())
    defaults = {"title": "Failed", "icon": "fire", "priority": "high", "display": "modal", "ttl": 60}
    assert described == {"type": "deploy.failed", **defaults, "roles": ["ops", "dev"], "mandatory": True}
    assert "deploy.failed" in ask(key, "GET", "/v1/types").text

    def has_the_types_priority() -> bool:
        answer = ask(key, "POST", "/v1/notifications", json={"to": "all", "title": "Oh", "type": "deploy.failed"})
        return answer.json()["priority"] == "high"

    eventually(has_the_types_priority, "the gateway has the type", seconds=5)
    assert beside("type", "delete", "deploy.failed") == "deleted deploy.failed\n"
    assert beside("type", "list") == ""
    assert "is not registered" in beside.refusal("type", "delete", "deploy.failed")


def test_topic_limited_to_roles_can_be_followed_only_with_one(beside: CommandLine, ask: Ask) -> None:
    other, member = (beside("token", *arguments).strip() for arguments in (["olga"], ["rolf", "--role", "developer"]))
    assert beside("topic", "set", "deploys", "--role", "developer") == "set deploys\n"
    assert [ask(one, "PUT", "/v1/inbox/topics/deploys").status_code for one in (other, member)] == [403, 200]
    described = {"topic": "deploys", "roles": ["developer"]}
    assert list(map(json.loads, beside("topic", "list", "--json").splitlines())) == [described]
    assert beside("topic", "list") == "deploys  developer\n"
    beside("topic", "set", "deploys")
    assert beside("topic", "list") == "deploys  all roles\n"
    assert ask(other, "PUT", "/v1/inbox/topics/deploys").status_code == 200

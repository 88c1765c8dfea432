"""`notifygate type` and `notifygate topic` beside a running gateway."""

import json

from tests.support.command_line import Ask, CommandLine
from tests.support.waiting import eventually


def test_type_is_set_listed_and_deleted(beside: CommandLine, ask: Ask, key: str) -> None:
    options = "--title Failed --icon fire --priority high --display modal --ttl 60 --role ops --role dev --mandatory"
    assert beside("type", "set", "deploy.failed", *options.split()) == "set deploy.failed\n"
    (described,) = map(json.loads, beside("type", "list", "--json").splitlines())
    assert described == {
        "type": "deploy.failed",
        "title": "Failed",
        "icon": "fire",
        "priority": "high",
        "display": "modal",
        "ttl": 60,
        "roles": ["ops", "dev"],
        "mandatory": True,
    }
    assert "deploy.failed" in ask(key, "GET", "/v1/types").text

    def has_the_types_priority() -> bool:
        answer = ask(key, "POST", "/v1/notifications", json={"to": "all", "title": "Oh", "type": "deploy.failed"})
        return answer.json()["priority"] == "high"

    eventually(has_the_types_priority, "the gateway knows the type", seconds=5)
    assert beside("type", "delete", "deploy.failed") == "deleted deploy.failed\n"
    assert beside("type", "list") == ""
    assert "is not registered" in beside.refusal("type", "delete", "deploy.failed")


def test_topic_limited_to_roles_can_be_followed_only_with_one(beside: CommandLine, ask: Ask) -> None:
    other = beside("token", "olga").strip()
    member = beside("token", "rolf", "--role", "developer").strip()
    assert ask(other, "PUT", "/v1/inbox/topics/deploys").status_code == 200
    assert beside("topic", "set", "deploys", "--role", "developer") == "set deploys\n"
    assert ask(other, "DELETE", "/v1/inbox/topics/deploys").status_code == 200
    answer = ask(other, "PUT", "/v1/inbox/topics/deploys")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert ask(member, "PUT", "/v1/inbox/topics/deploys").status_code == 200
    assert list(map(json.loads, beside("topic", "list", "--json").splitlines())) == [
        {"topic": "deploys", "roles": ["developer"]}
    ]
    assert beside("topic", "list") == "deploys  developer\n"
    assert ask(member, "GET", "/v1/inbox/topics").json() == {"topics": [{"topic": "deploys", "following": True}]}
    beside("topic", "set", "deploys")
    assert beside("topic", "list") == "deploys  all roles\n"
    assert ask(other, "PUT", "/v1/inbox/topics/deploys").status_code == 200

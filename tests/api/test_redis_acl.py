"""The Redis user of docs/operations.md: its permissions are those that the gateway needs, no less and no more."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.helpers import expect_count_in_redis
from tests.support.front import Front, tls_context
from tests.support.in_process import InProcessGateway
from tests.support.polling import await_redis, ids
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
OF_TESTS = {"acl|log", "acl|setuser", "info", "flushdb", "keys", "hvals", "acl|list"}
"""Commands of the tests' own client."""

MakeApp = Callable[..., InProcessGateway]


def documented_user() -> list[str]:
    """Return the words of the documented line behind `ACL SETUSER`."""
    (line,) = re.findall(r"^ *ACL SETUSER (.+)$", OPERATIONS.read_text(), re.MULTILINE)
    return line.split()


def use_everything(make_app: MakeApp, server: RedisServer, url: str) -> None:
    """Use Redis for everything, with two gateways: announcements, shared counts, in the background and at once."""
    limits = {"limit_publish": "1000/day", "limit_poll": "1000/day", "limit_failed_auth": "100/day"}
    one, other = (make_app(redis_url=url, head_check_interval=60.0, **limits) for _ in range(2))
    await_redis(one, other)
    for app in (one, other):
        assert app.anonymous().get("/v1/inbox").status_code == 401
    alice = other.recipient("alice")
    cursor = alice.inbox()["cursor"]
    published = one.publisher().publish("user:alice")
    eventually(lambda: other.services.tail.end == one.services.tail.end)
    assert ids(alice.inbox(cursor)) == [published]
    expect_count_in_redis(server, "failed_auth", "127.0.0.1", 2)
    expect_count_in_redis(server, "poll", "user:alice", 2)
    await_redis(one, other)


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_documented_user_has_the_permissions_that_the_gateway_needs(
    own_redis_server: RedisServer, make_app: MakeApp, tmp_path: Path, scheme: str
) -> None:
    name, *rules = documented_user()
    rules = [">a-password" if rule.startswith(">") else rule for rule in rules]
    with own_redis_server.connect() as client:
        client.execute_command("ACL", "SETUSER", name, *rules)
        client.execute_command("CONFIG", "RESETSTAT")
        port = urlsplit(own_redis_server.url).port or 0
        if scheme == "redis":
            use_everything(make_app, own_redis_server, f"redis://{name}:a-password@127.0.0.1:{port}/0")
        else:
            context, certificate = tls_context(tmp_path)
            with closing(Front(port, context=context)) as front:
                address = f"{name}:a-password@127.0.0.1:{front.port}/0?ssl_ca_certs={certificate}"
                use_everything(make_app, own_redis_server, f"rediss://{address}")
        assert client.execute_command("ACL", "LOG") == [], "a command was refused"
        used = {key.removeprefix("cmdstat_") for key in client.info("commandstats")}
    allowed = {rule[1:] for rule in rules if rule.startswith("+")}
    assert used - OF_TESTS - {"auth", "config|resetstat"} <= allowed
    assert allowed <= used | {"script|load"}, "an unused command is allowed"


def test_documented_user_has_no_other_permission(own_redis_server: RedisServer) -> None:
    name, *rules = documented_user()
    with own_redis_server.connect() as client:
        client.execute_command("ACL", "SETUSER", name, *rules)
        for command in (
            "GET notifygate:x", "SET notifygate:x 1", "HSET another:x a b", "FLUSHALL", "CONFIG GET *", "KEYS *",
            "PUBLISH another:x:log text", "SUBSCRIBE another:x:log", "PSUBSCRIBE *",
        ):  # fmt: skip
            answer = client.execute_command("ACL", "DRYRUN", name, *command.split())
            assert b"no permissions" in answer or b"has no" in answer, command
        assert client.execute_command("ACL", "DRYRUN", name, "HSET", "notifygate:x", "a", "b") == b"OK"

"""`notifygate key` beside a running gateway."""

import json
import re
from typing import Any

import pytest

from notifygate.domain.audience import may_match_audience
from tests.support.command_line import Ask, CommandLine
from tests.support.waiting import eventually

KEY = re.compile(r"ng_[0-9a-f]{12}_[\w-]{43}\n")
NOTE = {"to": "user:alice", "title": "Hello"}


def publishes(ask: Ask, key: str, **fields: object) -> int:
    return ask(key, "POST", "/v1/notifications", json={**NOTE, **fields}).status_code


def id_of(key: str) -> str:
    return key.split("_")[1]


def listed(beside: CommandLine, key: str) -> tuple[dict[str, Any], str]:
    """Return the row of a key, as JSON and as text; its secret is in neither list."""
    rows, lines = beside("key", "list", "--json"), beside("key", "list")
    assert key.split("_", 2)[2] not in rows + lines
    (row,) = [row for row in map(json.loads, rows.splitlines()) if row["id"] == id_of(key)]
    (line,) = [line for line in lines.splitlines() if line.startswith(id_of(key))]
    return row, line


def test_created_key_is_printed_once_and_is_valid_at_once(beside: CommandLine, ask: Ask) -> None:
    printed = beside("key", "create", "backups", "--audience", "user:*", "--expires", "24h")
    assert KEY.fullmatch(printed)
    key = printed.strip()
    assert publishes(ask, key) == 201
    row, line = listed(beside, key)
    assert (row["name"], row["state"], row["revoked_at"]) == ("backups", "active", None)
    assert (row["scopes"], row["audiences"], row["types"]) == (["publish"], ["user:*"], ["*"])
    assert row["created_at"] < row["expires_at"]
    assert "active" in line
    assert "backups" in line
    made = json.loads(beside("key", "create", "backups", "--expires", "90d", "--json"))
    assert set(made) == {"id", "name", "key", "expires_at"}
    assert (made["name"], made["id"]) == ("backups", id_of(made["key"]))
    assert publishes(ask, made["key"]) == 201
    assert json.loads(beside("key", "create", "backups", "--json"))["expires_at"] is None


def test_key_is_limited_to_its_scopes_audiences_and_types(beside: CommandLine, ask: Ask) -> None:
    create = ("key", "create", "narrow", "--audience", "user:*", "--audience", "topic:deploys", "--type", "deploy.*")
    key = beside(*create).strip()
    assert publishes(ask, key, type="deploy.finished") == 201
    assert publishes(ask, key, type="deploy.finished", to="topic:deploys") == 201
    assert publishes(ask, key, type="deploy.finished", to="all") == 403
    assert publishes(ask, key, type="chat") == 403
    assert ask(key, "GET", "/v1/types").status_code == 403
    admin = beside("key", "create", "boss", "--scope", "admin").strip()
    assert ask(admin, "GET", "/v1/types").status_code == 200


def test_pattern_without_a_possible_match_is_refused(cli: CommandLine) -> None:
    for option, pattern in (("--audience", "usr:*"), ("--audience", "alice"), ("--type", "Deploy.*"), ("--type", "")):
        assert repr(pattern) in cli.refusal("key", "create", "typo", option, pattern)


@pytest.mark.parametrize(
    ("pattern", "is_accepted"),
    [
        *((pattern, True) for pattern in ("*", "u*", "user:*", "role:a*b", "all", "a*", "topic:deploys", "user:*:x")),
        *((pattern, False) for pattern in ("", "x*", "users*", "user", "user:", "topic:a b", "gateway", "all:*")),
    ],
)
def test_pattern_is_accepted_if_an_audience_may_match_it(pattern: str, is_accepted: bool) -> None:
    assert may_match_audience(pattern) is is_accepted


def test_list_shows_the_expiry_and_the_scope_admin(beside: CommandLine) -> None:
    key = beside("key", "create", "deputy", "--scope", "publish", "--scope", "admin", "--expires", "90d").strip()
    row, line = listed(beside, key)
    assert line.endswith(f"types: *  admin  expires {row['expires_at']}")
    plain = listed(beside, beside("key", "create", "plain").strip())[1]
    assert plain.endswith("types: *")


def test_expired_key_is_refused(beside: CommandLine, ask: Ask) -> None:
    key = beside("key", "create", "brief", "--expires", "0s").strip()
    assert publishes(ask, key) == 401


def test_key_with_a_fixed_sender_is_listed_and_keeps_it(beside: CommandLine, ask: Ask) -> None:
    key = beside("key", "create", "fixed", "--fixed-sender").strip()
    for text in (key, beside("key", "rotate", id_of(key)).strip()):
        assert publishes(ask, text, sender="fixed") == 201
        assert publishes(ask, text, sender="another") == 403
    row, line = listed(beside, key)
    assert (row["fixed_sender"], line.endswith("fixed sender")) == (True, True)
    free = beside("key", "create", "free").strip()
    assert publishes(ask, free, sender="another") == 201
    assert not listed(beside, free)[1].endswith("sender")


def expect_refusal(ask: Ask, key: str) -> None:
    """Wait until the gateway refuses a key: it reads the entry with the head, within about a second."""
    eventually(lambda: publishes(ask, key) == 401, "the key is refused", seconds=5)


def test_revoked_key_is_refused_soon_by_a_gateway_that_has_used_it(beside: CommandLine, ask: Ask) -> None:
    key = beside("key", "create", "doomed").strip()
    assert publishes(ask, key) == 201
    beside("key", "revoke", id_of(key))
    expect_refusal(ask, key)
    assert "revoked" in listed(beside, key)[1]
    for command in ("revoke", "rotate"):
        assert id_of(key) in beside.refusal("key", command, id_of(key))


def test_old_secret_is_valid_during_the_grace_of_a_rotation(beside: CommandLine, ask: Ask) -> None:
    keys = [beside("key", "create", "turning")]
    assert publishes(ask, keys[0].strip()) == 201
    for _ in range(2):
        keys.append(beside("key", "rotate", id_of(keys[0]), "--grace", "1h"))
        assert KEY.fullmatch(keys[-1])
        assert id_of(keys[-1]) == id_of(keys[0])
        assert [publishes(ask, key.strip()) for key in keys[-2:]] == [201, 201], "the new one is valid at once"
    assert len(set(keys)) == 3
    expect_refusal(ask, keys[0].strip())  # only the secret before the newest has its grace


def test_key_that_has_expired_is_not_rotated(cli: CommandLine) -> None:
    key_id = json.loads(cli("key", "create", "brief", "--expires", "0s", "--json"))["id"]
    assert "has expired" in cli.refusal("key", "rotate", key_id)
    lasting = json.loads(cli("key", "create", "lasting", "--expires", "1h", "--json"))["id"]
    assert id_of(cli("key", "rotate", lasting)) == lasting

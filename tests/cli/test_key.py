"""`notifygate key` beside a running gateway."""

import json
import re

import pytest

from notifygate.domain.audience import may_match_audience
from tests.support.command_line import Ask, CommandLine
from tests.support.waiting import eventually

KEY = re.compile(r"ng_[0-9a-f]{12}_[\w-]{43}")
NOTE = {"to": "user:alice", "title": "Hello"}


def publishes(ask: Ask, key: str, **fields: object) -> int:
    return ask(key, "POST", "/v1/notifications", json={**NOTE, **fields}).status_code


def id_of(key: str) -> str:
    return key.split("_")[1]


def test_created_key_is_printed_once_and_works_at_once(beside: CommandLine, ask: Ask) -> None:
    printed = beside("key", "create", "backups")
    assert KEY.fullmatch(printed.strip())
    assert printed == printed.strip() + "\n"
    key = printed.strip()
    assert publishes(ask, key) == 201
    secret = key.split("_", 2)[2]
    assert secret not in beside("key", "list")
    assert secret not in beside("key", "list", "--json")


def test_created_key_as_json(beside: CommandLine, ask: Ask) -> None:
    made = json.loads(beside("key", "create", "backups", "--expires", "90d", "--json"))
    assert set(made) == {"id", "name", "key", "expires_at"}
    assert made["name"] == "backups"
    assert id_of(made["key"]) == made["id"]
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


def test_pattern_that_nothing_matches_is_refused(cli: CommandLine) -> None:
    for option, pattern in (("--audience", "usr:*"), ("--audience", "alice"), ("--type", "Deploy.*"), ("--type", "")):
        assert repr(pattern) in cli.refusal("key", "create", "typo", option, pattern)


@pytest.mark.parametrize(
    ("pattern", "is_of_use"),
    [
        *((pattern, True) for pattern in ("*", "u*", "user:*", "role:a*b", "all", "a*", "topic:deploys", "user:*:x")),
        *((pattern, False) for pattern in ("", "x*", "users*", "user", "user:", "topic:a b", "gateway", "all:*")),
    ],
)
def test_pattern_is_of_use_if_an_audience_may_match_it(pattern: str, is_of_use: bool) -> None:
    assert may_match_audience(pattern) is is_of_use


def test_expired_key_is_worth_nothing(beside: CommandLine, ask: Ask) -> None:
    key = beside("key", "create", "brief", "--expires", "0s").strip()
    assert publishes(ask, key) == 401


def test_list_shows_all_but_the_secret(beside: CommandLine) -> None:
    key = beside("key", "create", "listed", "--audience", "role:ops", "--expires", "24h").strip()
    (described,) = [
        found for found in map(json.loads, beside("key", "list", "--json").splitlines()) if found["id"] == id_of(key)
    ]
    assert described["name"] == "listed"
    assert described["state"] == "active"
    assert (described["scopes"], described["audiences"], described["types"]) == (["publish"], ["role:ops"], ["*"])
    assert described["created_at"] < described["expires_at"]
    assert described["revoked_at"] is None
    (line,) = [line for line in beside("key", "list").splitlines() if line.startswith(id_of(key))]
    assert "active" in line
    assert "listed" in line


def test_key_with_a_fixed_sender_is_listed_as_such_and_stays_so(beside: CommandLine, ask: Ask) -> None:
    key = beside("key", "create", "fixed", "--fixed-sender").strip()
    rotated = beside("key", "rotate", id_of(key)).strip()
    for text in (key, rotated):
        assert publishes(ask, text) == 201
        assert publishes(ask, text, sender="fixed") == 201
        assert publishes(ask, text, sender="another") == 403
    assert next(line for line in beside("key", "list").splitlines() if id_of(key) in line).endswith("fixed sender")
    described = {found["id"]: found for found in map(json.loads, beside("key", "list", "--json").splitlines())}
    free = beside("key", "create", "free").strip()
    assert publishes(ask, free, sender="another") == 201
    assert described[id_of(key)]["fixed_sender"] is True
    assert not next(line for line in beside("key", "list").splitlines() if id_of(free) in line).endswith("sender")


def test_revoked_key_is_refused_at_once_by_a_gateway_that_knows_it(beside: CommandLine, ask: Ask) -> None:
    key = beside("key", "create", "doomed").strip()
    assert publishes(ask, key) == 201
    beside("key", "revoke", id_of(key))
    # The gateway learns of it as of any entry of the log, here by its own look: within about a second.
    refused_within(ask, key, seconds=5)
    assert "revoked" in next(line for line in beside("key", "list").splitlines() if line.startswith(id_of(key)))
    answer = ask(key, "POST", "/v1/notifications", json=NOTE)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def refused_within(ask: Ask, key: str, *, seconds: float) -> None:
    eventually(lambda: publishes(ask, key) == 401, "the key is refused", seconds=seconds)


def test_rotated_key_leaves_the_old_one_its_grace(beside: CommandLine, ask: Ask) -> None:
    old = beside("key", "create", "turning").strip()
    assert publishes(ask, old) == 201
    new = beside("key", "rotate", id_of(old), "--grace", "1h").strip()
    assert KEY.fullmatch(new)
    assert id_of(new) == id_of(old)
    assert new != old
    assert publishes(ask, new) == 201, "the new secret works at once"
    assert publishes(ask, old) == 201
    newest = beside("key", "rotate", id_of(old), "--grace", "1h").strip()
    assert publishes(ask, newest) == 201
    assert publishes(ask, new) == 201
    refused_within(ask, old, seconds=5)  # only the last one before has its grace


def test_revoked_key_can_be_neither_rotated_nor_revoked_again(beside: CommandLine) -> None:
    key = beside("key", "create", "doomed").strip()
    beside("key", "revoke", id_of(key))
    assert id_of(key) in beside.refusal("key", "revoke", id_of(key))
    assert id_of(key) in beside.refusal("key", "rotate", id_of(key))

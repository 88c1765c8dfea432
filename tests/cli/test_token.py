"""`notifygate token`."""

import time

import jwt
import pytest

from tests.support.command_line import Ask, CommandLine
from tests.support.waiting import eventually


def test_only_the_token_is_printed_and_it_has_recipient_roles_and_expiry(beside: CommandLine, ask: Ask) -> None:
    secret = (beside.data_dir / "jwt_secret").read_text().strip()
    printed = beside("token", "alice")
    assert printed == printed.strip() + "\n"
    assert ask(printed.strip(), "GET", "/v1/inbox").status_code == 200
    default = jwt.decode(printed.strip(), secret, ["HS256"])
    assert 3590 <= default["exp"] - time.time() <= 3600
    token = beside("token", "alice", "--role", "admin", "--role", "ops", "--expires", "15m").strip()
    claims = jwt.decode(token, secret, ["HS256"])
    assert (claims["sub"], claims["roles"]) == ("alice", ["admin", "ops"])
    assert 890 <= claims["exp"] - time.time() <= 900


def test_token_follows_the_settings(beside: CommandLine) -> None:
    newest, older = "the newest secret " * 5, "an older secret " * 5
    env = {
        "NOTIFYGATE_JWT_SECRETS": f"{newest},{older}",
        "NOTIFYGATE_JWT_ALGORITHMS": "HS512",
        "NOTIFYGATE_JWT_AUDIENCE": "gateway",
        "NOTIFYGATE_JWT_ISSUER": "here",
        "NOTIFYGATE_JWT_ROLES_CLAIM": "groups",
    }
    token = beside("token", "alice", "--role", "ops", env=env).strip()
    claims = jwt.decode(token, newest.strip(), ["HS512"], audience="gateway", issuer="here")
    assert claims["groups"] == ["ops"]


def test_secrets_that_sign_no_token_are_refused(beside: CommandLine) -> None:
    """RFC 7518, section 3.2: a key is at least as long as the hash. The library would warn on stderr, each time."""
    env = {"NOTIFYGATE_JWT_SECRETS": "a secret of 32 bytes and some more", "NOTIFYGATE_JWT_ALGORITHMS": "HS512"}
    assert "NOTIFYGATE_JWT_SECRETS" in beside.refusal("token", "alice", env=env)
    keys_of_others = {"NOTIFYGATE_JWT_ALGORITHMS": "RS256,HS256"}
    assert "NOTIFYGATE_JWT_ALGORITHMS" in beside.refusal("token", "alice", env=keys_of_others)
    public_key = "-----BEGIN PUBLIC KEY-----\naaaaaaaaaaaaaaaaaaaaaaaa\n-----END PUBLIC KEY-----"
    key_first = {"NOTIFYGATE_JWT_SECRETS": public_key, "NOTIFYGATE_JWT_ALGORITHMS": "HS256,RS256"}
    assert "NOTIFYGATE_JWT_SECRETS" in beside.refusal("token", "alice", env=key_first)


def test_token_beyond_the_longest_lifetime_is_not_made(beside: CommandLine) -> None:
    assert "NOTIFYGATE_JWT_MAX_LIFETIME" in beside.refusal("token", "alice", "--expires", "31d")
    beside("token", "alice", "--expires", "30d")
    env = {"NOTIFYGATE_JWT_MAX_LIFETIME": "600"}
    assert "600 s" in beside.refusal("token", "alice", env=env)
    beside("token", "alice", "--expires", "10m", env=env)
    beside("token", "alice", "--expires", "31d", env={"NOTIFYGATE_JWT_MAX_LIFETIME": "0"})


def test_checked_token_is_described(beside: CommandLine) -> None:
    token = beside("token", "alice", "--role", "ops", "--role", "admin").strip()
    printed = beside("token", "check", env={"NOTIFYGATE_TOKEN": token})
    assert printed.startswith("valid for alice with the roles admin, ops until 20")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1}, "Signature has expired"),
        ({"exp": None}, 'missing the "exp" claim'),
        ({"iat": 4_000_000_000}, "not yet valid (iat)"),
        ({"exp": 4_000_000_000}, "lives longer than NOTIFYGATE_JWT_MAX_LIFETIME"),
        ({"sub": ""}, "sub is not a valid name"),
        ({"roles": "ops"}, "roles is not a list"),
        ({"roles": [""]}, "roles has an invalid name"),
    ],
)
def test_fault_of_a_token_is_named(beside: CommandLine, changes: dict[str, object], reason: str) -> None:
    now = int(time.time())
    claims = {"sub": "alice", "iat": now, "exp": now + 60, **changes}
    secret = (beside.data_dir / "jwt_secret").read_text().strip()
    token = jwt.encode({name: value for name, value in claims.items() if value is not None}, secret)
    line = beside.refusal("token", "check", env={"NOTIFYGATE_TOKEN": token})
    assert line.startswith("notifygate: the token is rejected: ")
    assert reason in line


def test_token_of_another_secret_or_recipient_is_named(beside: CommandLine) -> None:
    claims = {"sub": "erin", "exp": int(time.time()) + 60}
    other = "another secret of more than thirty-two bytes"
    for headers, reason in ((None, "Signature verification failed"), ({"kid": "x"}, "kid names no key")):
        env = {"NOTIFYGATE_TOKEN": jwt.encode(claims, other, headers=headers)}
        assert reason in beside.refusal("token", "check", env=env)
    env = {"NOTIFYGATE_TOKEN": beside("token", "erin").strip()}
    beside("token", "check", env=env)
    beside("token", "revoke", "erin")
    assert "it is revoked" in beside.refusal("token", "check", env=env)
    assert "NOTIFYGATE_TOKEN is not set" in beside.refusal("token", "check")


def test_revoked_tokens_are_refused_by_a_gateway_that_has_used_them(beside: CommandLine, ask: Ask) -> None:
    mallory, bob = beside("token", "mallory").strip(), beside("token", "bob").strip()
    assert ask(mallory, "GET", "/v1/inbox").status_code == 200
    assert beside("token", "revoke", "mallory").startswith("revoked the tokens of mallory issued before 20")
    eventually(lambda: ask(mallory, "GET", "/v1/inbox").status_code == 401, "the token is refused")
    assert ask(bob, "GET", "/v1/inbox").status_code == 200
    assert any(line.endswith("Z  mallory") for line in beside("token", "revocations").splitlines())


def test_recipients_named_like_commands_get_tokens_too(beside: CommandLine) -> None:
    secret = (beside.data_dir / "jwt_secret").read_text().strip()

    def recipient(*arguments: str) -> str:
        return jwt.decode(beside("token", *arguments).strip(), secret, ["HS256"])["sub"]

    beside.env["NOTIFYGATE_DATABASE_URL"] = "postgresql+psycopg://nobody@127.0.0.1:1/none"  # a token needs no database
    assert recipient("--", "revoke") == recipient("issue", "revoke") == "revoke"
    assert recipient("--role", "ops", "alice") == recipient("issue", "alice") == "alice"
    assert "RECIPIENT" in beside.refusal("token", "revoke")
    assert "RECIPIENT" in beside.refusal("token")


@pytest.mark.parametrize("name", ["", "a\tb", "x" * 129, "a\nb", "\x7f"])
def test_invalid_name_is_refused(cli: CommandLine, name: str) -> None:
    cli.refusal("token", name)
    cli.refusal("token", "alice", "--role", name)

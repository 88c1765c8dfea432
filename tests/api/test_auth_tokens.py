"""Recipients' tokens: which are valid, and the one answer to all that are not (PROTOCOL section 2)."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from notifygate.auth.tokens import IDLE_SECONDS, TokenVerifier, key_id
from tests.api.helpers import expect_unauthorized
from tests.support.in_process import JWT_SECRET, InProcessGateway, RecipientActor
from tests.support.manual_clock import ManualClock


def poll_with(app: InProcessGateway, credential: str) -> Any:
    return RecipientActor(app.app.test_client(), credential).poll()


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def handmade(header: Any, claims: Any, secret: str | None = JWT_SECRET) -> str:
    """Make a token without the help of a library, which would refuse to make some."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    signature = b"" if secret is None else hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"{signed}.{encoded(signature)}"


@pytest.fixture(scope="module")
def rsa_key() -> tuple[str, str]:
    """A private and a public RSA key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode().strip(), public.decode().strip()


def test_a_good_token_is_accepted(app: InProcessGateway) -> None:
    good: list[dict[str, Any]] = [
        {}, {"nbf": int(time.time()) - 5, "extra": {"a": 1}}, {"exp": time.time() + 3600.5},
        {"sub": "x"}, {"sub": "\U0001f514" * 128}, {"sub": "a b/c:d*e%"}, {"roles": None}, {"roles": []},
        {"roles": ["x" * 128]}, {"roles": [f"r{n}" for n in range(100)]}, {"roles": ["a", "a"] * 20},
        {"aud": "anything", "iss": "anything"},
    ]  # fmt: skip
    for claims in good:
        assert poll_with(app, app.token(**claims)).status_code == 200, claims
    assert poll_with(app, handmade({"alg": "HS256"}, {"sub": "a", "exp": int(time.time()) + 60})).status_code == 200


def test_bad_tokens_are_all_refused_with_the_same_problem(app: InProcessGateway) -> None:
    now = int(time.time())
    good = {"sub": "alice", "exp": now + 3600}
    names = ("", 7, ["alice"], None, "x" * 129, "alice\nbob", "alice\0", "\ud800")
    claims: dict[str, tuple[Any, ...]] = {
        "exp": (None, "never", [now + 60], {}, now - 1, 0, now), "nbf": (now + 60, "soon"), "sub": names,
        "iat": (None, "x", [1], {}, now + 60), "extra": ("x" * 9000,),
        "roles": ("admin", {"admin": True}, 7, True, *([name] for name in names), ["admin", []], [f"r{n}" for n in range(101)]),
    }  # fmt: skip
    headers: list[dict[str, Any]] = [
        {"alg": "None"}, {"alg": "NONE"}, {"typ": "JWT"}, {"alg": None}, {"alg": ["HS256"]}, {"alg": "HS512"},
        *({"alg": "HS256", "kid": kid} for kid in ("unknown", "../../dev/null", ["x"], {}, 7)),
        {"alg": "HS256", "crit": ["x"], "x": 1},
    ]  # fmt: skip
    raw = [
        *(b'{"sub": "alice", "exp": %b}' % exp for exp in (b"1e999", b"NaN")),
        *(b'{"sub": "alice", "exp": %d, "iat": %b}' % (now + 60, iat) for iat in (b"NaN", b"Infinity", b"-Infinity", b"1e999")),
        b"not json", b"\xff\xfe", b'{"a":' * 1000 + b"1" + b"}" * 1000,
    ]  # fmt: skip
    bad = {
        "nothing": "", "garbage": "garbage", "dots": "..", "not ASCII": "é.é.é", "no JSON": f"{encoded(b'x')}.{encoded(good)}.",
        "three empty objects": ".".join([encoded({})] * 3), "claims are a list": handmade({"alg": "HS256"}, [good]),
        "deep": f"{encoded(b'[' * 2000 + b']' * 2000)}.{encoded(good)}.",
        "alg none": handmade({"alg": "none", "typ": "JWT"}, good, None),
        "an algorithm that is not configured": app.token(algorithm="HS512", secret=JWT_SECRET * 2),
        "another secret": app.token(secret="another secret, of more than 32 bytes too"),
        "signature cut": app.token()[:-2], "no signature": app.token().rpartition(".")[0] + ".",
        "other claims under the signature": _with_claims(app.token(), {**good, "sub": "bob"}),
        "no exp": app.token(exp=None), "no sub": app.token(sub=None),
        **{f"{name} {value!r:.20}": handmade({"alg": "HS256"}, {**good, name: value}) for name in claims for value in claims[name]},
        **{f"header {header}": handmade(header, good) for header in headers},
        **{f"claims {text!r:.60}": handmade({"alg": "HS256"}, text) for text in raw},
    }  # fmt: skip
    texts = set()
    for why, token in bad.items():
        answer = poll_with(app, token)
        assert answer.status_code == 401, (why, answer.text)
        expect_unauthorized(answer)
        document = answer.json
        del document["request_id"]
        texts.add(json.dumps(document))
    assert len(texts) == 1


def _with_claims(token: str, claims: Any) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{encoded(claims)}.{signature}"


def test_every_other_way_to_send_a_credential_is_refused(app: InProcessGateway) -> None:
    token = app.token()
    ways = (
        "", "Bearer", "Bearer ", "{}", "Basic {}", "Token {}", "Bearer{}", "Bearer: {}", "Bearer {} {}", "Bearer {},", 'Bearer "{}"',
    )  # fmt: skip
    headers = [{"Authorization": way.replace("{}", token)} for way in ways]
    headers += [{}, {"X-Authorization": f"Bearer {token}"}, {"Proxy-Authorization": f"Bearer {token}"}]
    headers.append({"Cookie": f"Authorization=Bearer {token}"})
    for given in headers:
        expect_unauthorized(app.anonymous().get("/v1/inbox", headers=given))
    # Not in the URL either, where it would end in logs. A token there is not even read.
    expect_unauthorized(app.anonymous().get(f"/v1/inbox?access_token={token}"))
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert app.anonymous().get("/v1/inbox", headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def test_a_token_that_expires_is_refused_from_then_on(make_app: Any, clock: ManualClock) -> None:
    app = make_app(clock=clock)
    token = app.token(exp=clock.wall() + 100)
    assert poll_with(app, token).status_code == 200
    clock.advance(99)
    assert poll_with(app, token).status_code == 200
    clock.advance(1.1)
    for _ in range(2):
        expect_unauthorized(poll_with(app, token))


def test_a_token_that_lives_too_long_is_refused(make_app: Any) -> None:
    app, now = make_app(jwt_max_lifetime=1000), int(time.time())
    for claims in (
        {"iat": now, "exp": now + 1000},
        {"iat": now - 900.5, "exp": now + 99.5},
        {"exp": now + 990},
    ):
        assert poll_with(app, app.token(**claims)).status_code == 200, claims
    for claims in (
        {"iat": now, "exp": now + 1001},
        {"iat": now - 900, "exp": now + 101},
        {"iat": now - 0.5, "exp": now + 1000},
        {"iat": 0, "exp": now + 10},
        {"exp": now + 1060},
        {"exp": 1e15},
    ):
        expect_unauthorized(poll_with(app, app.token(**claims)))
    month = 30 * 86400
    default, unbounded = make_app(), make_app(jwt_max_lifetime=0)
    assert poll_with(default, default.token(iat=now, exp=now + month)).status_code == 200
    expect_unauthorized(poll_with(default, default.token(iat=now, exp=now + month + 1)))
    assert poll_with(unbounded, unbounded.token(exp=now + 100 * 365 * 86400)).status_code == 200


def test_tokens_that_are_no_longer_used_leave_memory(make_app: Any, clock: ManualClock) -> None:
    """Long before they expire: devices that change tokens would fill it."""
    app = make_app()
    verifier = TokenVerifier(app.services.settings, app.services.revocations, clock=clock)
    kept = app.token(sub="kept")
    sizes = []
    for minute in range(20):
        for number in range(50):
            verifier.verify(app.token(sub=f"r{minute}-{number}"))
        assert verifier.recall(kept.encode()) is not None or minute == 0
        verifier.verify(kept)
        sizes.append(len(verifier))
        clock.advance(60)
    assert max(sizes) <= 50 * 2 * IDLE_SECONDS / 60 + 51


def test_a_changed_copy_of_a_verified_token_is_refused(app: InProcessGateway) -> None:
    good = app.token()
    assert poll_with(app, good).status_code == 200
    for place in (5, len(good) // 2, len(good) - 3):
        changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        expect_unauthorized(poll_with(app, changed))
    assert poll_with(app, good).status_code == 200


def test_the_roles_claim_is_a_setting(make_app: Any) -> None:
    app = make_app(jwt_roles_claim="https://example.org/groups")
    app.recipient("alice").inbox()
    app.publisher().publish("role:admin")
    for claims, unread in (
        ({"https://example.org/groups": ["admin"]}, 1),
        ({"https://example.org/groups": ["Admin"]}, 0),
        ({"roles": ["admin"]}, 0),
    ):
        assert poll_with(app, app.token(**claims)).json["unread"] == unread
    expect_unauthorized(poll_with(app, app.token(**{"https://example.org/groups": "admin"})))


@pytest.mark.parametrize(
    ("setting", "claim", "good", "bad"),
    [
        (
            "jwt_audience", "aud", ("gate", ["other", "gate"]),
            (None, "other", [], ["other"], "Gate", "gate ", 7, {"gate": 1}, [7]),
        ),
        ("jwt_issuer", "iss", ("gate",), (None, "other", "gate/", "", 7, ["gate"])),
    ],
)  # fmt: skip
def test_audience_and_issuer_are_checked_where_they_are_configured(
    make_app: Any, setting: str, claim: str, good: Any, bad: Any
) -> None:
    app = make_app(**{setting: "gate"})
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    for value in good:
        assert poll_with(app, handmade({"alg": "HS256"}, {**claims, claim: value})).status_code == 200
    expect_unauthorized(poll_with(app, handmade({"alg": "HS256"}, claims)))
    for value in bad:
        expect_unauthorized(poll_with(app, handmade({"alg": "HS256"}, {**claims, claim: value})))
    assert app.recipient("alice").poll().status_code == 200, "our own tokens carry it"


def test_during_a_rotation_tokens_of_every_secret_are_accepted(make_app: Any) -> None:
    new, old = "the new secret for tokens, of 32 bytes", "the old secret for tokens, of 32 bytes"
    app = make_app(jwt_secrets=(new, old))
    for secret in (new, old):
        assert poll_with(app, app.token(secret=secret)).status_code == 200
        claims = {"sub": "alice", "exp": int(time.time()) + 60}
        with_kid = jwt.encode(claims, secret, "HS256", headers={"kid": key_id(secret)})
        assert poll_with(app, with_kid).status_code == 200
    wrong_kid = jwt.encode({"sub": "a", "exp": int(time.time()) + 60}, old, "HS256", headers={"kid": key_id(new)})
    expect_unauthorized(poll_with(app, wrong_kid))
    after = make_app(jwt_secrets=(new,))
    expect_unauthorized(poll_with(after, after.token(secret=old)))


def test_only_configured_algorithms_are_accepted(make_app: Any) -> None:
    secret = "x" * 64
    app = make_app(jwt_algorithms=("HS384", "HS512"), jwt_secrets=(secret,))
    for algorithm, status in (("HS384", 200), ("HS512", 200), ("HS256", 401)):
        assert poll_with(app, app.token(secret=secret, algorithm=algorithm)).status_code == status
    assert app.recipient("alice").poll().status_code == 200


@pytest.mark.parametrize("algorithms", [("RS256",), ("RS256", "HS256"), ("HS256", "RS256")])
def test_a_public_key_is_never_used_as_a_secret(
    make_app: Any, rsa_key: tuple[str, str], algorithms: tuple[str, ...]
) -> None:
    _, public = rsa_key
    app = make_app(jwt_algorithms=algorithms, jwt_secrets=(public,))
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    for secret in (public, public + "\n", public.replace("\n", "")):
        expect_unauthorized(poll_with(app, handmade({"alg": "HS256"}, claims, secret)))
        kid = hashlib.sha256(public.encode()).hexdigest()[:16]
        expect_unauthorized(poll_with(app, handmade({"alg": "HS256", "kid": kid}, claims, secret)))


def test_secrets_and_public_keys_may_be_configured_together(make_app: Any, rsa_key: tuple[str, str]) -> None:
    private, public = rsa_key
    for keys, algorithms, secret_status in (
        ((public, JWT_SECRET), ("HS256", "RS256"), 200),
        ((JWT_SECRET, public), ("HS256", "RS256"), 200),
        ((public,), ("RS256",), 401),
    ):
        app = make_app(jwt_algorithms=algorithms, jwt_secrets=keys)
        assert poll_with(app, app.token(secret=private, algorithm="RS256")).status_code == 200
        assert poll_with(app, app.token()).status_code == secret_status
        expect_unauthorized(poll_with(app, app.token(secret=private, algorithm="RS512")))
        expect_unauthorized(poll_with(app, app.token(secret="another secret, of more than 32 bytes too")))


@pytest.mark.parametrize("roles", ["", 0, False, {}])
def test_empty_roles_of_another_type_than_a_list_are_refused(app: InProcessGateway, roles: Any) -> None:
    expect_unauthorized(poll_with(app, app.token(roles=roles)))

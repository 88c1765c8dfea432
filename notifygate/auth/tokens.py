"""Recipients' tokens: JWT (RFC 7519) with the algorithms that the gateway is configured for, and no other."""

import hashlib
import time
from typing import Any, cast

import jwt

from notifygate.auth.revocations import Revocations
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.domain.audience import is_name
from notifygate.domain.principal import Recipient
from notifygate.domain.times import now_ms
from notifygate.errors import ConfigurationError, UnauthorizedError
from notifygate.recent import Recent
from notifygate.settings import PREFIX, Settings

MAX_ROLES = 100
"""Maximum of roles in a token. Each is one more audience that a poll reads."""

MAX_TOKEN_CHARACTERS = 8192
"""Maximum length of a token (docs/protocol.md section 2)."""

IDLE_SECONDS = 120.0
"""How long a verified token is remembered without being used: longer than polls and holds are apart. Devices change
tokens, and what they don't use any more should not stay in memory until it expires."""


def key_id(secret: str) -> str:
    """Return the `kid` of a signing secret: 16 hex characters of its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def _milliseconds(seconds: Any) -> int:
    """Convert a NumericDate (RFC 7519 section 2), which may have a fraction."""
    return int(float(seconds) * 1000)


def _digest(token: bytes) -> bytes:
    return hashlib.blake2b(token, digest_size=16).digest()


def issue_token(settings: Settings, recipient: str, roles: list[str], seconds: int) -> str:
    """Sign a token for a recipient with the gateway's newest secret. For trials and for the command line.

    Raises ConfigurationError if the newest key can't sign, for example a public key.
    """
    now = int(time.time())
    claims: dict[str, Any] = {"sub": recipient, "iat": now, "exp": now + seconds, settings.jwt_roles_claim: roles}
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    secret, algorithm = settings.jwt_secrets[0], settings.jwt_algorithms[0]
    try:
        return jwt.encode(claims, secret, algorithm, headers={"kid": key_id(secret)})
    except jwt.PyJWTError as error:
        raise ConfigurationError(
            f"The first key of {PREFIX}JWT_SECRETS can't sign tokens with {algorithm}, the first of"
            f" {PREFIX}JWT_ALGORITHMS; expected a secret."
        ) from error


class TokenVerifier:
    """Checks tokens, each once: a verified one is remembered by its hash while it is in use."""

    def __init__(self, settings: Settings, revocations: Revocations, clock: Clock = SYSTEM_CLOCK) -> None:
        self._wall = clock.wall
        self._revocations = revocations
        self._keys = {key_id(secret): secret for secret in settings.jwt_secrets}
        self._algorithms = list(settings.jwt_algorithms)
        self._audience = settings.jwt_audience or None
        self._issuer = settings.jwt_issuer or None
        self._roles_claim = settings.jwt_roles_claim
        self._max_lifetime_ms = settings.jwt_max_lifetime * 1000
        self._verified: Recent[bytes, Recipient] = Recent(
            settings.cached_views, idle_seconds=IDLE_SECONDS, clock=clock.monotonic
        )

    def __len__(self) -> int:
        """Return how many verified tokens are remembered."""
        return len(self._verified)

    def verify(self, token: str) -> Recipient:
        """Return the recipient of a token. Raises UnauthorizedError, the same for each reason."""
        digest = _digest(token.encode("utf-8", "surrogatepass"))
        recipient = self._verified.get(digest)
        if recipient is None:
            recipient = self._check(token)
            self._verified.put(digest, recipient)
        if recipient.expires_at <= self._wall() * 1000 or not self._revocations.accepts(recipient):
            self._verified.drop(digest, recipient)
            raise UnauthorizedError
        return recipient

    def recall(self, token: bytes) -> Recipient | None:
        """Return the recipient of a token that was verified before and is still valid, else None."""
        recipient = self._verified.get(_digest(token))
        if recipient is None or recipient.expires_at <= self._wall() * 1000 or not self._revocations.accepts(recipient):
            return None
        return recipient

    def _check(self, token: str) -> Recipient:
        """Raises UnauthorizedError; its cause has the reason, for operators."""
        try:
            return self._recipient_of(token)
        except (jwt.PyJWTError, ValueError, OverflowError, TypeError) as error:
            raise UnauthorizedError from error

    def _recipient_of(self, token: str) -> Recipient:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise jwt.InvalidTokenError(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")
        claims = self._claims(token)
        roles: Any = claims.get(self._roles_claim)
        if roles is None:
            roles = []
        sub, expires_at = claims["sub"], _milliseconds(claims["exp"])
        issued_at = _milliseconds(claims["iat"]) if "iat" in claims else None
        if not isinstance(sub, str) or not is_name(sub):
            raise jwt.InvalidTokenError("sub is not a valid name; expected 1-128 characters")
        if not isinstance(roles, list) or len(roles) > MAX_ROLES:  # pyright: ignore[reportUnknownArgumentType]
            raise jwt.InvalidTokenError(f"{self._roles_claim} is not a list of at most {MAX_ROLES} roles")
        names = cast("list[Any]", roles)
        if not all(isinstance(name, str) and is_name(name) for name in names):
            raise jwt.InvalidTokenError(f"{self._roles_claim} has an invalid name; expected 1-128 characters")
        lives_from = now_ms() if issued_at is None else issued_at
        if 0 < self._max_lifetime_ms < expires_at - lives_from:
            raise jwt.InvalidTokenError(f"it lives longer than {PREFIX}JWT_MAX_LIFETIME allows")
        return Recipient(sub, tuple(sorted(set(names))), expires_at, issued_at)

    def _claims(self, token: str) -> dict[str, Any]:
        """Verify the signature with the key that `kid` names, else with each, and the registered claims."""
        kid = jwt.get_unverified_header(token).get("kid")
        if kid is not None and kid not in self._keys:
            raise jwt.InvalidTokenError(f"kid names no key of {PREFIX}JWT_SECRETS; expected its hash, or no kid")
        candidates = self._keys.values() if kid is None else [self._keys[kid]]
        failure: jwt.PyJWTError = jwt.InvalidTokenError("no key")
        for secret in candidates:
            try:
                return jwt.decode(
                    token,
                    secret,
                    algorithms=self._algorithms,
                    audience=self._audience,
                    issuer=self._issuer,
                    options={"require": ["sub", "exp"], "verify_aud": self._audience is not None},
                )
            except (jwt.InvalidSignatureError, jwt.InvalidKeyError) as error:  # another key may be the one
                failure = error
        raise failure

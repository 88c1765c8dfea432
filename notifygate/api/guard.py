"""Who is calling: authentication of a request and its guard limit, before anything else is looked at."""

from typing import cast

from flask import g, request

from notifygate.api.gateway import gateway
from notifygate.auth.keys import PREFIX as KEY_PREFIX
from notifygate.domain.address import counted_address
from notifygate.domain.principal import Publisher, Recipient, Scope
from notifygate.errors import ForbiddenError, RateLimitedError, UnauthorizedError
from notifygate.limits.windows import LimitName, Quota


def require_recipient() -> None:
    """Let only recipients with a valid token pass. For `before_request` of a blueprint."""
    if not isinstance(authenticate(), Recipient):
        raise ForbiddenError("This endpoint is for recipients: it takes a token, not an API key.")


def require_publisher() -> None:
    """Let only API keys with the scope `publish` or `admin` pass."""
    _require_key("publish")


def require_admin() -> None:
    """Let only API keys with the scope `admin` pass."""
    _require_key("admin")


def _require_key(scope: Scope) -> None:
    publisher = authenticate()
    if not isinstance(publisher, Publisher):
        raise ForbiddenError("This endpoint is for publishers: it takes an API key, not a token.")
    if not publisher.has_scope(scope):
        raise ForbiddenError("This key does not have the scope for this.")


def authenticate() -> Recipient | Publisher:
    """Find out who makes the request and count it against their guard limit. Raises UnauthorizedError."""
    text = _bearer()
    try:
        if text.startswith(KEY_PREFIX):
            principal = _publisher_of(text)
            g.principal_name = principal.label
        else:
            principal = gateway().tokens.verify(text)
            g.principal_name = principal.audience
    except UnauthorizedError:
        # An address counts only while no credential is known: many recipients may share one.
        _note(gateway().limits.take("failed_auth", _address()))
        raise
    g.principal = principal
    count("guard")
    return principal


def _publisher_of(text: str) -> Publisher:
    """Return the publisher of an API key. Raises UnauthorizedError.

    A key that memory does not know to be good costs a database read, but none past the address' limit: guessing must
    not load the database. A good key that is new then gets its first answer within the head check interval, when
    memory knows it; all others behind the same address are served as ever.
    """
    keys, limits = gateway().keys, gateway().limits
    known = keys.recall(text)
    if known is not None:
        return known
    if limits.is_used_up("failed_auth", _address()):
        raise UnauthorizedError
    return keys.verify(text)


def _address() -> str:
    return counted_address(request.remote_addr or "unknown")


def recipient() -> Recipient:
    """Return the recipient who makes this request."""
    return cast(Recipient, g.principal)


def publisher() -> Publisher:
    """Return the publisher who makes this request."""
    return cast(Publisher, g.principal)


def count(name: LimitName, amount: int = 1) -> None:
    """Count this request against one of its principal's limits, as `amount`. Raises RateLimitedError."""
    _note(gateway().limits.take(name, g.principal_name, amount))


def _note(quota: Quota | None) -> None:
    """Keep how a limit stands for the answer's headers. Raises RateLimitedError if it is exceeded."""
    if quota is not None:
        g.setdefault("quotas", []).append(quota)
        if quota.is_exceeded:
            raise RateLimitedError(quota.reset_seconds)


def _bearer() -> str:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""

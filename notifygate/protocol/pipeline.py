"""The steps from a request to its response, shared by all transports.

1. authenticate the caller and count the request against `guard` (`admit`)
2. run the endpoint, which counts against its own limits
3. turn an error into a problem document

Afterwards `Encoder` adds the common header fields, and `record` counts and logs the response.
"""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

from notifygate.auth.keys import PREFIX
from notifygate.delivery.hold import Hold
from notifygate.domain.principal import Publisher, Recipient
from notifygate.errors import ForbiddenError, RateLimitedError, UnauthorizedError
from notifygate.limits.rate_limits import RateLimits
from notifygate.limits.windows import LimitName
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.problems import problem_response
from notifygate.protocol.response import Response
from notifygate.services import Services
from notifygate.waiting import WouldWaitError

Access = Literal["open", "any", "recipient", "publisher", "admin"]
"""The callers that an endpoint admits: all, any valid credential, a recipient's token, a key with `publish`, a key with
`admin`."""

KEY_PREFIX = PREFIX.encode()
"""First bytes of an API key; all other credentials are tokens."""

Outcome = Response | Hold[Response]
"""A response, or the parked hold of a request that waits."""

Run = Callable[[Exchange, Services], Outcome]
"""The function of an endpoint."""


class Endpoint(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    """Variable parts in angle brackets, as Flask writes them."""
    access: Access
    run: Run


class Pipeline:
    """Answers requests. `park` is the transport's function for holding a request: see `delivery.hold`."""

    def __init__(self, services: Services, park: Callable[[Exchange, Hold[Response]], Outcome]) -> None:
        self._services = services
        self._park = park

    def handle(self, exchange: Exchange, access: Access, run: Run) -> Outcome:
        """Answer a request, or return its parked hold.

        Raises WouldWaitError in the hub. A second call in a greenlet continues: authentication and counting are not
        repeated.
        """
        try:
            if access != "open":
                if exchange.principal is None:
                    self._authenticate(exchange)
                self._admit(exchange, access)
            outcome = run(exchange, self._services)
            return self._park(exchange, outcome) if isinstance(outcome, Hold) else outcome
        except WouldWaitError:
            raise
        except Exception as error:
            return problem_response(error, exchange.request_id)

    def conclude(self, exchange: Exchange, hold: Hold[Response]) -> Outcome:
        """Answer an ended hold, or return it if it was parked again. Raises WouldWaitError, as `handle`."""
        try:
            return self._services.holds.conclude(hold) or hold
        except WouldWaitError:
            raise
        except Exception as error:
            return problem_response(error, exchange.request_id)

    def verify_token(self, exchange: Exchange) -> None:
        """Set the principal from a token that is not in memory. Raises UnauthorizedError."""
        text = _credential(exchange).decode("latin-1")
        if text.startswith(PREFIX):
            raise UnauthorizedError
        exchange.principal = self._services.tokens.verify(text)

    def recall(self, exchange: Exchange) -> bool:
        """Set the principal if the credential is in memory. Return whether it is."""
        credential = _credential(exchange)
        if credential.startswith(KEY_PREFIX):
            exchange.principal = self._services.keys.recall(credential.decode("latin-1"))
        else:
            exchange.principal = self._services.tokens.recall(credential)
        return exchange.principal is not None

    def _authenticate(self, exchange: Exchange) -> None:
        """Set the principal. Raises UnauthorizedError, which counts against the address.

        An API key that is not in memory costs a database read, but none past the address' limit: guessing must not load
        the database. A valid new key is then accepted within the head check interval, once it is in memory; all other
        clients behind the same address are served as before.
        """
        if self.recall(exchange):
            return
        services, text = self._services, _credential(exchange).decode("latin-1")
        try:
            if not text.startswith(PREFIX):
                self.verify_token(exchange)
            elif services.limits.is_used_up("failed_auth", exchange.limit_key("failed_auth")):
                raise UnauthorizedError
            else:
                exchange.principal = services.keys.verify(text)
        except UnauthorizedError:
            # Only failures count against an address: many recipients may share one.
            take(exchange, services.limits, "failed_auth")
            raise

    def _admit(self, exchange: Exchange, access: Access) -> None:
        """Count the request against the limit `guard`.

        Raises RateLimitedError, and ForbiddenError for a principal that `access` excludes.
        """
        take(exchange, self._services.limits, "guard")
        principal = exchange.principal
        if access == "recipient" and not isinstance(principal, Recipient):
            raise ForbiddenError("An API key can't use this endpoint; send a recipient's token.")
        if access in ("publisher", "admin"):
            if not isinstance(principal, Publisher):
                raise ForbiddenError("A recipient's token can't use this endpoint; send an API key.")
            if not principal.has_scope("admin" if access == "admin" else "publish"):
                raise ForbiddenError(f"The API key lacks the scope {'admin' if access == 'admin' else 'publish'}.")


def _credential(exchange: Exchange) -> bytes:
    """Return the bearer credential (RFC 6750 section 2.1), empty without one."""
    scheme, _, credential = exchange.request.fields.get(b"authorization", b"").partition(b" ")
    return credential.strip() if scheme == b"Bearer" or scheme.lower() == b"bearer" else b""


def take(exchange: Exchange, limits: RateLimits, name: LimitName, amount: int = 1) -> None:
    """Count the request against one of its limits, once, as `amount`. Raises RateLimitedError."""
    if name in exchange.counted:  # in the hub, before the exchange moved to a greenlet
        return
    wait_seconds = limits.take(name, exchange.limit_key(name), amount)
    if wait_seconds is None:
        return
    exchange.counted = _extended(exchange.counted, name)
    if wait_seconds:
        raise RateLimitedError(wait_seconds)


@functools.lru_cache(maxsize=64)
def _extended(names: tuple[LimitName, ...], name: LimitName) -> tuple[LimitName, ...]:
    """Return names with one more. Cached, so that ten thousand held exchanges share one tuple."""
    return (*names, name)

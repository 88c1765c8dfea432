"""GET /v1/probe: how long a silent request survives between a client and the gateway (docs/protocol.md section 4)."""

import orjson

from notifygate.delivery.hold import Hold
from notifygate.domain.entry import Entry
from notifygate.domain.principal import Recipient
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_parameters
from notifygate.protocol.pipeline import Outcome
from notifygate.protocol.response import Response, json_response
from notifygate.services import Services
from notifygate.validation import QueryModel, WholeNumber


class ProbeQuery(QueryModel):
    """Parameters of a probe."""

    hold: WholeNumber


class ProbeView:
    """A view that no entry changes."""

    def __init__(self, recipient: str) -> None:
        self.recipient = recipient
        self.audiences: tuple[str, ...] = ()

    def affects(self, entry: Entry) -> bool:
        """Return False."""
        return False


class ProbeHold(Hold[Response]):
    """A probe that waits for its time to pass."""

    __slots__ = ("_began_at", "_recipient", "_services")

    def __init__(self, recipient: Recipient, services: Services, seconds: float) -> None:
        self._began_at = services.clock.monotonic()
        self._recipient = recipient
        self._services = services
        super().__init__(self._began_at + seconds)

    def refresh_view(self) -> None:
        """See `Hold`."""
        self.view = ProbeView(self._recipient.id)

    def check(self, *, is_last: bool) -> Response | None:
        """See `Hold`. Raises UnauthorizedError if the token was revoked meanwhile."""
        self._services.revocations.check(self._recipient)
        return _response(self._services.clock.monotonic() - self._began_at) if is_last else None


def get_probe(exchange: Exchange, services: Services) -> Outcome:
    """Hold the request for the given time, then return how long it was held, in whole seconds.

    It is one of the recipient's holds: a further hold may end it early, as does a gateway that stops. 200; 400.
    """
    query = parse_parameters(exchange.request, ProbeQuery)
    recipient = exchange.recipient
    seconds = min(
        query.hold, services.pacing.longest_wait(), max(0, recipient.expires_at / 1000 - services.clock.wall())
    )
    return ProbeHold(recipient, services, seconds) if seconds > 0 else _response(0)


def _response(held_seconds: float) -> Response:
    return json_response(orjson.dumps({"held": round(held_seconds)}))

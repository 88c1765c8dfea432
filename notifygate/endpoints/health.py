"""GET /healthz and /readyz (docs/protocol.md section 7)."""

from collections.abc import Sequence

import orjson

from notifygate.errors import NotifygateError
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import refuse_parameters
from notifygate.protocol.response import Response, field_lines
from notifygate.services import Services


def get_healthz(exchange: Exchange, services: Services) -> Response:
    """Return 200: the process serves."""
    refuse_parameters(exchange.request)
    return _report(200, "ok")


def get_readyz(exchange: Exchange, services: Services) -> Response:
    """Return 200 if this worker should get traffic, else 503.

    A worker is ready while it is not stopping, can read the log, and its last commit did not fail because of the
    database. Redis is not needed to serve, so its absence is only reported as degraded.
    """
    refuse_parameters(exchange.request)
    missing = ["draining"] if services.holds.is_draining else []
    if services.writer.is_failing or not _can_read(services):
        missing.append("database")
    degraded = [] if services.announcer.is_connected else ["redis"]
    if missing:
        return _report(503, "unavailable", missing, degraded)
    return _report(200, "ready", missing, degraded)


def _can_read(services: Services) -> bool:
    try:
        services.follower.ensure_fed()
    except NotifygateError:
        return False
    return True


def _report(code: int, status: str, missing: Sequence[str] = (), degraded: Sequence[str] = ()) -> Response:
    document = orjson.dumps({"status": status, "missing": missing, "degraded": degraded})
    return Response(code, document, field_lines({"Content-Type": "application/json", "Cache-Control": "no-store"}))

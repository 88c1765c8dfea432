"""The record of each response: its count, its duration and its line in the access log."""

import logging
import time

from notifygate import metrics
from notifygate.protocol.exchange import Exchange

logger = logging.getLogger("notifygate.access")


def logs_requests() -> bool:
    """Return whether each request is logged."""
    return logger.isEnabledFor(logging.INFO)


def record(exchange: Exchange, status: int) -> None:
    """Count a response, observe its duration without the time held, and log it."""
    duration = time.monotonic() - exchange.began_at
    metrics.requests.labels(exchange.route, status).inc()
    metrics.request_seconds.labels(exchange.route).observe(duration - exchange.held_seconds)
    if logs_requests():
        log_request(exchange, status, duration)


def log_request(exchange: Exchange, status: int, duration_seconds: float) -> None:
    """Write the access line of a request; the duration includes the time held."""
    logger.info(
        "request",
        extra={
            "request_id": exchange.request_id,
            "principal": exchange.principal.label if exchange.principal else None,
            "method": exchange.method or None,
            "route": exchange.route,
            "status": status,
            "duration_seconds": round(duration_seconds, 4),
            "held_seconds": round(exchange.held_seconds, 3),
        },
    )

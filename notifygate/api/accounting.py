"""What is kept of each answer: its count, its time, and its line in the log."""

import logging

from notifygate import metrics

logger = logging.getLogger("notifygate.access")

CLIENT_GONE = 499
"""The status under which nginx, too, logs a client that left; nobody receives it."""


def logs_requests() -> bool:
    """Tell whether each request gets a line in the log."""
    return logger.isEnabledFor(logging.INFO)


def log_request(
    *,
    request_id: str,
    principal: str | None,
    method: str,
    route: str,
    status: int,
    duration_seconds: float,
    held_seconds: float,
) -> None:
    """Write the line of a request; `duration_seconds` includes the time that it was held."""
    logger.info(
        "request",
        extra={
            "request_id": request_id,
            "principal": principal,
            "method": method,
            "route": route,
            "status": status,
            "duration_seconds": round(duration_seconds, 4),
            "held_seconds": round(held_seconds, 3),
        },
    )


def count_answers(route: str, status: int, count: int = 1) -> None:
    """Count answers of a route."""
    metrics.requests.labels(route, status).inc(count)

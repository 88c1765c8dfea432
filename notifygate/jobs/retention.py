"""Retention: deletes rows older than the retention period."""

from notifygate.services import Services

POSITIONS_PER_RUN = 1_000_000
"""Positions of the log that a run searches for dismissed notifications. Each worker searches, and a day more or less
doesn't matter to retention."""


def prune_database(services: Services) -> None:
    """Remove what is old enough; of dismissed notifications what is found in a part of the log."""
    services.retention.prune(POSITIONS_PER_RUN)

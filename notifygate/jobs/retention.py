"""Retention: deletes rows older than the retention period."""

from notifygate.services import Services


def prune_database(services: Services) -> None:
    """Remove all that is old enough."""
    services.retention.prune()

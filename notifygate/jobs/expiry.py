"""Expiry: due notifications get an `expired` entry, since inboxes change by entries only."""

from notifygate.services import Services


def expire_notifications(services: Services) -> None:
    """Take the notifications that have expired out of every inbox."""
    services.removal.expire_due()

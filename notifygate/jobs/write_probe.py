"""The write probe: how a worker whose commits fail, and which gets no traffic for that reason, becomes ready again."""

from notifygate.services import Services


def probe_writes(services: Services) -> None:
    """Write something that changes nothing, if the last commit failed."""
    services.writer.probe()

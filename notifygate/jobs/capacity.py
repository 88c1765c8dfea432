"""Capacity: how full this worker is, for `/metrics`. One worker renders the metrics of all, but each counts its own."""

from notifygate import metrics
from notifygate.open_files import connections_that_fit, count_open_files, wanted_connections
from notifygate.services import Services


def report_capacity(services: Services) -> None:
    """Set the gauges of open files, and of the limits of a worker."""
    holds = services.settings.holds_per_worker
    metrics.holds_limit.set(holds)
    metrics.open_files.set(count_open_files())
    metrics.open_files_limit.set(min(wanted_connections(holds), connections_that_fit()))

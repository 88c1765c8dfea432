"""Dropped log lines: counted for `/metrics`, since no line can report them while the log is not read."""

from notifygate import metrics
from notifygate.log_stream import standard_error
from notifygate.services import Services


def count_dropped_lines(_: Services) -> None:
    """Count the lines that were dropped since the last run."""
    metrics.log_lines_dropped.inc(standard_error.take_dropped())

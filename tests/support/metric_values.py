"""The metrics of this process."""

from prometheus_client import REGISTRY


def metric(name: str, **labels: str) -> float:
    """Return the value of a sample by its name in the text format, without the prefix `notifygate_`."""
    return REGISTRY.get_sample_value(f"notifygate_{name}", labels) or 0.0

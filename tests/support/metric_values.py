"""The metrics of this process."""

from prometheus_client import REGISTRY


def metric(name: str, **labels: str) -> float:
    """Return the value of a sample by its name in the text format, without the prefix `notifygate_`."""
    value = REGISTRY.get_sample_value(f"notifygate_{name}", labels)
    assert labels or value is not None, f"there is no metric {name}"  # with labels, a sample exists once it was counted
    return value or 0.0

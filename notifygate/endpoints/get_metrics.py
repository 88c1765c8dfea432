"""GET /metrics: Prometheus' text format (docs/protocol.md section 7)."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from notifygate import metrics
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import refuse_parameters
from notifygate.protocol.response import Response, field_lines
from notifygate.services import Services


def get_metrics(exchange: Exchange, services: Services) -> Response:
    """Return the metrics of this gateway, summed over its workers."""
    refuse_parameters(exchange.request)
    metrics.flush()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    return Response(200, generate_latest(registry), field_lines({"Content-Type": CONTENT_TYPE_LATEST}))

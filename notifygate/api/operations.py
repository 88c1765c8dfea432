"""GET /healthz, /readyz, /metrics and /openapi.json (PROTOCOL section 7)."""

import os

import orjson
from flask import Flask, Response
from flask_openapi3.openapi import OpenAPI
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from notifygate.api.gateway import Gateway, gateway
from notifygate.errors import NotifygateError


def register_operations(app: Flask) -> None:
    """Give the application its operational endpoints; none of them needs a credential."""
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.add_url_rule("/readyz", "readyz", _readyz)
    app.add_url_rule("/metrics", "metrics", _metrics)


def register_openapi(app: OpenAPI) -> None:
    """Serve the description of the API, worked out once."""
    document = orjson.dumps(app.api_doc)
    app.add_url_rule("/openapi.json", "openapi", lambda: Response(document, mimetype="application/json"))


def _healthz() -> Response:
    return _report("ok", [], 200)


def _readyz() -> Response:
    """Ready: this worker is not stopping and can read the log. Redis is not needed, so it is only mentioned."""
    services = gateway()
    missing = _what_is_missing(services)
    notes = ["redis"] if services.announcer and not services.announcer.is_connected else []
    return _report("unavailable" if missing else "ready", missing, 503 if missing else 200, degraded=notes)


def _what_is_missing(services: Gateway) -> list[str]:
    missing = ["draining"] if services.room.is_draining else []
    try:
        services.follower.ensure_fed()
    except NotifygateError:
        missing.append("database")
    return missing


def _report(status: str, missing: list[str], code: int, degraded: list[str] | None = None) -> Response:
    document = {"status": status, "missing": missing, "degraded": degraded or []}
    return Response(orjson.dumps(document), code, {"Cache-Control": "no-store"}, mimetype="application/json")


def _metrics() -> Response:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

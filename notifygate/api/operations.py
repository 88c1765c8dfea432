"""GET /healthz, /readyz, /metrics, /openapi.json and /problems/<code> (PROTOCOL sections 1 and 7)."""

import copy
import functools
import os
from typing import Any, Literal, cast

import orjson
from flask import Response, current_app
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.openapi import OpenAPI
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pydantic import BaseModel

from notifygate import metrics
from notifygate.api.description import completed
from notifygate.api.gateway import Gateway, gateway
from notifygate.api.problems import problem_page
from notifygate.api.schemas import Answer, problem_responses
from notifygate.api.validated import validated
from notifygate.errors import NotifygateError

operations = APIBlueprint("operations", __name__)
"""Endpoints for those who run the gateway; none of them needs a credential."""


class HealthAnswer(Answer):
    """How this worker is."""

    status: Literal["ok", "ready", "unavailable"]
    missing: list[str]
    degraded: list[str]


class ProblemPath(BaseModel):
    """Which problem, by its code."""

    code: str


@operations.get("/healthz", responses={200: HealthAnswer})
@validated
def healthz() -> Response:
    """Tell that the process serves."""
    return _report("ok", [], 200)


@operations.get("/readyz", responses={200: HealthAnswer, 503: HealthAnswer})
@validated
def readyz() -> Response:
    """Tell whether this worker should be given traffic.

    It is not stopping, it can read the log, and its last commit did not fail because of the database. Redis is not
    needed, so it is only mentioned as degraded.
    """
    services = gateway()
    missing = _what_is_missing(services)
    notes = ["redis"] if services.announcer and not services.announcer.is_connected else []
    return _report("unavailable" if missing else "ready", missing, 503 if missing else 200, degraded=notes)


def _what_is_missing(services: Gateway) -> list[str]:
    missing = ["draining"] if services.room.is_draining else []
    if services.writer.is_failing or not _can_read(services):
        missing.append("database")
    return missing


def _can_read(services: Gateway) -> bool:
    try:
        services.follower.ensure_fed()
    except NotifygateError:
        return False
    return True


def _report(status: str, missing: list[str], code: int, degraded: list[str] | None = None) -> Response:
    document = {"status": status, "missing": missing, "degraded": degraded or []}
    return Response(orjson.dumps(document), code, {"Cache-Control": "no-store"}, mimetype="application/json")


@operations.get("/openapi.json", responses={"200": {"description": "OpenAPI 3.1."}})
@validated
def openapi_document() -> Response:
    """Describe the API."""
    return Response(_document(), mimetype="application/json")


@functools.cache
def _document() -> bytes:
    return orjson.dumps(completed(copy.deepcopy(cast(dict[str, Any], cast(OpenAPI, current_app).api_doc))))


@operations.get(
    "/problems/<code>",
    responses={"200": {"description": "A page.", "content": {"text/html": {}}}, **problem_responses(404)},
)
@validated
def get_problem(path: ProblemPath) -> Response:
    """Say what a problem means and what to do about it."""
    return problem_page(path.code)


@operations.get("/metrics", responses={"200": {"description": "Prometheus' text format."}})
@validated
def get_metrics() -> Response:
    """Give this gateway's metrics."""
    metrics.tell()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

"""GET /openapi.json: the API in OpenAPI 3.1 (docs/protocol.md section 7)."""

import functools
from pathlib import Path

import orjson

from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import refuse_parameters
from notifygate.protocol.response import Response, field_lines
from notifygate.services import Services

FILE = Path(__file__).with_name("openapi.json")
"""Written by hand. Tests compare it with the routes and the limits of the code, and schemathesis with its behaviour."""


def get_openapi(exchange: Exchange, services: Services) -> Response:
    """Return the description of the API."""
    refuse_parameters(exchange.request)
    return Response(200, _document(), field_lines({"Content-Type": "application/json"}))


@functools.cache
def _document() -> bytes:
    return orjson.dumps(orjson.loads(FILE.read_bytes()))  # without the white space

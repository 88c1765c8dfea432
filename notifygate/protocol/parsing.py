"""Parsing of the parameters and the body of a request into models."""

from typing import TypeVar

from pydantic import BaseModel

from notifygate.errors import FieldError, InvalidRequestError, UnsupportedMediaTypeError
from notifygate.protocol.request import Request, parse_query
from notifygate.validation import parse_json, validate

M = TypeVar("M", bound=BaseModel)


def parse_parameters(request: Request, model: type[M]) -> M:
    """Return the query parameters as a model. Raises InvalidRequestError."""
    return validate(model, parse_query(request.query))


def refuse_parameters(request: Request) -> None:
    """Reject query parameters, for endpoints without any. Raises InvalidRequestError."""
    if request.query and (unknown := parse_query(request.query)):
        raise InvalidRequestError([FieldError(name, "is unknown") for name in unknown])


def parse_path(request: Request, model: type[M]) -> M:
    """Return the variable parts of the path as a model, and reject query parameters. Raises InvalidRequestError."""
    path = validate(model, request.params)
    refuse_parameters(request)
    return path


def parse_body(request: Request, model: type[M]) -> M:
    """Return the JSON body as a model.

    Raises UnsupportedMediaTypeError, PayloadTooLargeError, MalformedJsonError and InvalidRequestError, in this order.
    """
    media_type = (request.field(b"content-type") or "").partition(";")[0].strip()  # RFC 9110 section 8.3.1
    if media_type.lower() != "application/json":
        raise UnsupportedMediaTypeError
    return validate(model, parse_json(request.read_body()))

"""Validation of input against pydantic models: no conversions, and unknown fields are rejected by name."""

import json
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from notifygate.errors import FieldError, InvalidRequestError, MalformedJsonError

M = TypeVar("M", bound=BaseModel)

LARGEST_NUMBER = 10**18
"""Larger numbers are lowered to this one, which is above every limit and sequence number."""


class QueryModel(BaseModel):
    """Base of models of query parameters and header fields: values are texts, unknown names are rejected."""

    model_config = ConfigDict(extra="forbid")


class BodyModel(BaseModel):
    """Base of models of JSON bodies: no conversions between types, unknown names are rejected."""

    model_config = ConfigDict(extra="forbid", strict=True)


def parse_whole_number(text: str) -> int:
    """Parse digits; numbers above LARGEST_NUMBER become LARGEST_NUMBER. Raises ValueError for any other text."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number")
    return min(int(text[:4000]), LARGEST_NUMBER)  # int() rejects longer texts


def _whole_number(value: Any) -> Any:
    return parse_whole_number(value) if isinstance(value, str) else value


WholeNumber = Annotated[int, BeforeValidator(_whole_number), Field(ge=0)]
"""A number in a query or header: digits only, no sign, no spaces, no decimals."""


def validate(model: type[M], values: Any) -> M:
    """Return a model of values. Raises InvalidRequestError that names every invalid field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequestError(
            [
                FieldError(
                    ".".join(str(part) for part in item["loc"] if not str(part).startswith("function-")) or "body",
                    _message(item["type"], item["msg"]),
                )
                for item in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from error


def _message(kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden":
            return "is unknown"
        case "model_type":
            return "must be an object"
        case _:
            return message.removeprefix("Value error, ")


def parse_json(body: bytes) -> Any:
    """Parse a JSON document (RFC 8259). Raises MalformedJsonError for anything else, NaN and Infinity included."""
    try:
        return _decode_json(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedJsonError("The body is not a JSON document in UTF-8.") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode_json = json.JSONDecoder(parse_constant=_no_constant).decode

"""Reading requests: path, query and body against their models, with every unknown field refused by name.

flask-openapi3 takes the documentation from the same annotations. Its own validation is not used: it works out the
JSON schema of the query anew for each request, which costs more than a whole poll, and it can't tell malformed JSON
from a wrong media type.
"""

import functools
import json
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar, cast, get_type_hints

from flask import Response, abort, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from werkzeug.exceptions import ClientDisconnected, HTTPException

from notifygate.errors import FieldError, InvalidRequestError, MalformedJsonError

F = TypeVar("F", bound=Callable[..., Response])
M = TypeVar("M", bound=BaseModel)

CACHE_BUSTER = "_"
"""The query parameter that old browsers' scripts add to get past their cache; it means nothing."""

CURSOR_PATTERN = r"[A-Za-z0-9_\-]{1,64}"
"""What openapi.json says of cursors; `domain.cursor` refuses any other text, and most that match."""

LARGEST_NUMBER = 10**18
"""Any larger number means the same: more than there can be."""


class Described:
    """Keywords for a field's JSON schema: what its validators check, said to those who read openapi.json.

    Stands beside a validator in an annotation and changes nothing about what is accepted.
    """

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the keywords to what pydantic says of the field."""
        return {**handler(core_schema), **self._keywords}


def whole(pattern: str) -> str:
    """Return the pattern for openapi.json of a text that matches this one from end to end.

    Without the surrogates: half of a pair is no character, and many engines of regular expressions (Rust's, RE2) refuse
    a pattern that mentions one.
    """
    return f"^(?:{pattern})$".replace(r"\ud800-\udfff", "")


def matching(pattern: str) -> Described:
    """Describe a text that matches a pattern from end to end."""
    return Described(pattern=whole(pattern))


class QueryModel(BaseModel):
    """Base of query models: texts in, unknown parameters refused."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the model. pydantic gives the bounds of a WholeNumber under its own names, not JSON schema's."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for described in schema["properties"].values():
            for choice in described.get("anyOf", [described]):
                for ours, theirs in (("minimum", "ge"), ("maximum", "le")):
                    if theirs in choice:
                        choice[ours] = choice.pop(theirs)
        return schema


class BodyModel(BaseModel):
    """Base of body models: no conversions between types, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def parse_whole_number(text: str) -> int:
    """Read digits; numbers past LARGEST_NUMBER are lowered to it. Raises ValueError for anything else."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number")
    return min(int(text[:4000]), LARGEST_NUMBER)  # Python itself refuses to read much longer ones


def _whole_number(value: Any) -> Any:
    return parse_whole_number(value) if isinstance(value, str) else value


WholeNumber = Annotated[int, BeforeValidator(_whole_number), Field(ge=0)]
"""A number in a query or header: digits only, no sign, no spaces, no decimals."""


def validated(view: F) -> F:
    """Make a view's `path`, `query` and `body` arguments from the request, by their annotated models.

    The view raises InvalidRequestError and MalformedJsonError, 413 and 415 before its own code runs.
    """
    hints = get_type_hints(view)
    path_model, query_model, body_model = hints.get("path"), hints.get("query"), hints.get("body")

    @functools.wraps(view)
    def call(**path_values: Any) -> Response:
        arguments: dict[str, BaseModel] = {}
        if path_model:
            arguments["path"] = validate(path_model, path_values)
        query = read_query()
        if query_model:
            arguments["query"] = validate(query_model, query)
        elif query:
            raise InvalidRequestError([FieldError(name, "is not known") for name in query])
        if body_model:
            arguments["body"] = validate(body_model, read_json())
        return view(**arguments)

    call.__delay_validate_request__ = True  # type: ignore[attr-defined]  # flask-openapi3: don't validate
    return cast(F, call)


def validate(model: type[M], values: Any) -> M:
    """Make a model of values. Raises InvalidRequestError that names every field at fault."""
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
            return "is not known"
        case "model_type":
            return "must be an object"
        case _:
            return message.removeprefix("Value error, ")


def read_query() -> dict[str, str]:
    """Return the query parameters without the cache-buster. Raises InvalidRequestError for one given twice."""
    query: dict[str, str] = {}
    for name, values in request.args.lists():
        if name == CACHE_BUSTER:
            continue
        if len(values) > 1:
            raise InvalidRequestError.of(name, "is given more than once")
        query[name] = values[0]
    return query


def read_json() -> Any:
    """Return the body as JSON: 415 for another media type, MalformedJsonError for a body that is none."""
    if request.mimetype != "application/json":
        abort(415)
    return parse_json(read_body())


def parse_json(body: bytes) -> Any:
    """Read a JSON document. Raises MalformedJsonError for anything else."""
    try:
        return _read_json(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedJsonError("The body is not a JSON document in UTF-8.") from error


def read_body() -> bytes:
    """Return the request's body. Raises 413, and InvalidRequestError for one that breaks off or can't be decoded."""
    try:
        body = request.get_data(cache=False)
        # Of a body that comes in chunks, Werkzeug (3.1.9) reads as much as is allowed and leaves the rest unmentioned.
        goes_on = len(body) == request.max_content_length and bool(request.environ["wsgi.input"].read(1))
    except HTTPException as error:
        if isinstance(error, ClientDisconnected):  # Werkzeug's for every OSError, time-outs among them
            _close_connection()
        raise
    except Exception as error:  # each server has its own errors for malformed chunks and lost connections
        _close_connection()
        raise InvalidRequestError.of("body", "could not be read to its end") from error
    if goes_on:
        _close_connection()
        abort(413)
    return body


def _close_connection() -> None:
    """Have the server end the connection after the answer: where the next request would begin isn't known."""
    if close := request.environ.get("notifygate.close_connection"):
        close()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_read_json = json.JSONDecoder(parse_constant=_no_constant).decode

"""/v1/types: the registry of notification types, for administrators (PROTOCOL section 5)."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from flask import Response
from pydantic import BaseModel, Field, RootModel

from notifygate.api.answers import json_answer
from notifygate.api.blueprints import admins
from notifygate.api.gateway import gateway
from notifygate.api.guard import count
from notifygate.api.schemas import problem_responses
from notifygate.api.v1.notification_body import TYPE_PATTERN, Icon, Line, Priority, Ttl
from notifygate.api.v1.preferences import Display
from notifygate.api.validated import BodyModel, validated
from notifygate.domain.audience import MAX_NAME_CHARACTERS
from notifygate.domain.visibility import TypeRule
from notifygate.log.catalog import read_catalog
from notifygate.log.transaction import LogTransaction
from notifygate.publishing.registry import delete_type, put_type

RoleName = Annotated[Line, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class TypePath(BaseModel):
    """Which type."""

    type: str = Field(pattern=TYPE_PATTERN)


class TypeBody(BodyModel):
    """A type's registration; what is left out has the default."""

    title: Annotated[Line, Field(max_length=200)] = ""
    icon: Icon | None = None
    priority: Priority = "normal"
    display: Display = "toast"
    ttl: Ttl | None = None
    roles: Annotated[list[RoleName], Field(max_length=100)] = Field(default_factory=list[str])
    mandatory: bool = False

    def to_rule(self) -> TypeRule:
        """Return it as the domain wants it."""
        return TypeRule(
            title=self.title,
            icon=self.icon or None,
            priority=self.priority,
            display=self.display,
            ttl_seconds=self.ttl,
            roles=tuple(dict.fromkeys(self.roles)),
            mandatory=self.mandatory,
        )


class TypesAnswer(RootModel[dict[str, dict[str, TypeBody]]]):
    """All registered types under `types`, by name."""


def rule_as_json(rule: TypeRule) -> dict[str, Any]:
    """Return a rule as it is written in answers and by the command line."""
    return {
        "title": rule.title,
        "icon": rule.icon,
        "priority": rule.priority,
        "display": rule.display,
        "ttl": rule.ttl_seconds,
        "roles": list(rule.roles),
        "mandatory": rule.mandatory,
    }


def _commit(change: Callable[[LogTransaction], None]) -> None:
    """Commit a change, and wait until this worker publishes by it."""

    def work(transaction: LogTransaction) -> tuple[int, int]:
        change(transaction)
        return transaction.epoch, transaction.head

    gateway().follower.reach(*gateway().writer.transact(work))


@admins.get("/types", responses={200: TypesAnswer})
@validated
def get_types() -> Response:
    """List the registered types."""
    types = gateway().database.read(read_catalog).types
    return json_answer(orjson.dumps({"types": {name: rule_as_json(types[name]) for name in sorted(types)}}))


@admins.put("/types/<type>", responses={200: TypeBody, **problem_responses(413, 415)})
@validated
def put_one_type(path: TypePath, body: TypeBody) -> Response:
    """Register a type, or replace its registration."""
    count("publish")
    rule = body.to_rule()
    _commit(put_type(path.type, rule))
    return json_answer(orjson.dumps(rule_as_json(rule)))


@admins.delete(
    "/types/<type>",
    responses={"204": {"description": "It has the defaults again."}, **problem_responses(404)},
)
@validated
def delete_one_type(path: TypePath) -> Response:
    """Give a type the defaults back."""
    count("publish")
    _commit(delete_type(path.type))
    return Response(status=204)

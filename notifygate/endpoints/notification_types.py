"""/v1/types: the registry of notification types, for administrators (docs/protocol.md section 5)."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field

from notifygate.domain.audience import MAX_NAME_CHARACTERS
from notifygate.domain.visibility import TypeRule
from notifygate.endpoints.preferences import Display
from notifygate.log.transaction import LogTransaction
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_body, parse_path, refuse_parameters
from notifygate.protocol.pipeline import take
from notifygate.protocol.response import Response, json_response
from notifygate.publishing import registry
from notifygate.publishing.request import TYPE_PATTERN, Icon, Line, Priority, Ttl
from notifygate.services import Services
from notifygate.storage.stores.catalog import read_catalog
from notifygate.validation import BodyModel

RoleName = Annotated[Line, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
"""A role: one line of at most MAX_NAME_CHARACTERS."""


class TypePath(BaseModel):
    """The type in the path."""

    type: str = Field(pattern=TYPE_PATTERN)


class TypeBody(BodyModel):
    """A type's registration; fields that are left out have the default."""

    title: Annotated[Line, Field(max_length=200)] = ""
    icon: Icon | None = None
    priority: Priority = "normal"
    display: Display = "toast"
    ttl: Ttl | None = None
    roles: Annotated[list[RoleName], Field(max_length=100)] = Field(default_factory=list[str])
    mandatory: bool = False

    def to_rule(self) -> TypeRule:
        """Return the registration as a rule of the domain, with each role once."""
        return TypeRule(
            title=self.title,
            icon=self.icon or None,
            priority=self.priority,
            display=self.display,
            ttl_seconds=self.ttl,
            roles=tuple(dict.fromkeys(self.roles)),
            mandatory=self.mandatory,
        )


def rule_as_json(rule: TypeRule) -> dict[str, Any]:
    """Return a rule as a JSON object, for responses and the command line."""
    return {
        "title": rule.title,
        "icon": rule.icon,
        "priority": rule.priority,
        "display": rule.display,
        "ttl": rule.ttl_seconds,
        "roles": list(rule.roles),
        "mandatory": rule.mandatory,
    }


def get_types(exchange: Exchange, services: Services) -> Response:
    """List the registered types. 200; 503."""
    refuse_parameters(exchange.request)
    types = services.database.read(read_catalog).types
    return json_response(orjson.dumps({"types": {name: rule_as_json(types[name]) for name in sorted(types)}}))


def put_type(exchange: Exchange, services: Services) -> Response:
    """Register a type, or replace its registration. 200; 400, 413, 415, 429 `publish`, 503."""
    name = parse_path(exchange.request, TypePath).type
    rule = parse_body(exchange.request, TypeBody).to_rule()
    take(exchange, services.limits, "publish")
    _commit(services, registry.put_type(name, rule))
    return json_response(orjson.dumps(rule_as_json(rule)))


def delete_type(exchange: Exchange, services: Services) -> Response:
    """Delete the registration of a type, which then has the defaults. 204; 400, 404, 429 `publish`, 503."""
    name = parse_path(exchange.request, TypePath).type
    take(exchange, services.limits, "publish")
    _commit(services, registry.delete_type(name))
    return Response(204)


def _commit(services: Services, change: Callable[[LogTransaction], None]) -> None:
    """Commit a change, and wait until this worker applies it to publications."""

    def work(transaction: LogTransaction) -> tuple[int, int]:
        change(transaction)
        return transaction.epoch, transaction.head

    services.follower.reach(*services.writer.transact(work))

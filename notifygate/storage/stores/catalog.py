"""Registered types and topics."""

import json
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from notifygate.domain.visibility import Catalog, TypeRule
from notifygate.storage.tables import TOPICS, TYPES


def read_catalog(connection: Connection) -> Catalog:
    """Read all types and topics."""
    types = {
        row.type: TypeRule(
            title=row.title,
            icon=row.icon,
            priority=row.priority,
            display=row.display,
            ttl_seconds=row.ttl_seconds,
            roles=tuple(json.loads(row.roles)),
            mandatory=bool(row.mandatory),
        )
        for row in connection.execute(select(TYPES))
    }
    topics = {row.topic: tuple(json.loads(row.roles)) for row in connection.execute(select(TOPICS))}
    return Catalog(types, topics)


def store_type(connection: Connection, name: str, rule: TypeRule) -> None:
    """Register a type, or replace its registration."""
    delete_type(connection, name)
    connection.execute(insert(TYPES), asdict(rule) | {"type": name, "roles": json.dumps(rule.roles)})


def delete_type(connection: Connection, name: str) -> None:
    """Delete the registration of a type."""
    connection.execute(delete(TYPES).where(TYPES.c.type == name))


def store_topic(connection: Connection, name: str, roles: tuple[str, ...]) -> None:
    """Register a topic, or replace its roles."""
    connection.execute(delete(TOPICS).where(TOPICS.c.topic == name))
    connection.execute(insert(TOPICS), {"topic": name, "roles": json.dumps(roles)})

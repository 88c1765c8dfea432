"""Registered types and topics."""

import json

from sqlalchemy import Connection, bindparam, delete, select, text

from notifygate.domain.visibility import Catalog, TypeRule
from notifygate.storage.tables import NotificationType, TopicRow, table

TYPES = table(NotificationType)
"""The table of registered notification types."""

TOPICS = table(TopicRow)
"""The table of registered topics."""

_TYPES = select(TYPES)
_TOPICS = select(TOPICS)
_STORE_TYPE = text(
    "INSERT INTO notification_types (type, title, icon, priority, display, ttl_seconds, roles, mandatory)"
    " VALUES (:type, :title, :icon, :priority, :display, :ttl_seconds, :roles, :mandatory)"
    " ON CONFLICT (type) DO UPDATE SET title = excluded.title, icon = excluded.icon, priority = excluded.priority,"
    " display = excluded.display, ttl_seconds = excluded.ttl_seconds, roles = excluded.roles,"
    " mandatory = excluded.mandatory"
)
_DELETE_TYPE = delete(TYPES).where(TYPES.c.type == bindparam("name"))
_STORE_TOPIC = text(
    "INSERT INTO topics (topic, roles) VALUES (:topic, :roles) ON CONFLICT (topic) DO UPDATE SET roles = excluded.roles"
)


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
        for row in connection.execute(_TYPES)
    }
    topics = {row.topic: tuple(json.loads(row.roles)) for row in connection.execute(_TOPICS)}
    return Catalog(types, topics)


def store_type(connection: Connection, name: str, rule: TypeRule) -> None:
    """Register a type, or replace its registration."""
    values = {
        "title": rule.title,
        "icon": rule.icon,
        "priority": rule.priority,
        "display": rule.display,
        "ttl_seconds": rule.ttl_seconds,
        "roles": json.dumps(rule.roles),
        "mandatory": rule.mandatory,
    }
    connection.execute(_STORE_TYPE, {"type": name, **values})


def delete_type(connection: Connection, name: str) -> None:
    """Delete the registration of a type."""
    connection.execute(_DELETE_TYPE, {"name": name})


def store_topic(connection: Connection, name: str, roles: tuple[str, ...]) -> None:
    """Register a topic, or replace its roles."""
    connection.execute(_STORE_TOPIC, {"topic": name, "roles": json.dumps(roles)})

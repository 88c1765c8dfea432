"""The registry of notification types and topics, and how a change of it reaches everyone.

An entry for the workers makes them read the catalog again. Where the change alters what recipients can see, the same
entry is for them too, and whoever polls across it gets a reset.
"""

import json
from collections.abc import Callable

from sqlalchemy import delete, text

from notifygate.domain.audience import ALL, GATEWAY
from notifygate.domain.audience import topic as topic_audience
from notifygate.domain.entry import EntryKind
from notifygate.domain.visibility import DEFAULT_TYPE, TypeRule
from notifygate.errors import NotFoundError
from notifygate.log.catalog import TYPES, read_catalog
from notifygate.log.transaction import LogTransaction

_PUT_TYPE = text(
    "INSERT INTO notification_types (type, title, icon, priority, display, ttl_seconds, roles, mandatory)"
    " VALUES (:type, :title, :icon, :priority, :display, :ttl_seconds, :roles, :mandatory)"
    " ON CONFLICT (type) DO UPDATE SET title = excluded.title, icon = excluded.icon, priority = excluded.priority,"
    " display = excluded.display, ttl_seconds = excluded.ttl_seconds, roles = excluded.roles,"
    " mandatory = excluded.mandatory"
)
_PUT_TOPIC = text(
    "INSERT INTO topics (topic, roles) VALUES (:topic, :roles) ON CONFLICT (topic) DO UPDATE SET roles = excluded.roles"
)


def put_type(name: str, rule: TypeRule) -> Callable[[LogTransaction], None]:
    """Return the change that registers a type or replaces its registration; the same again changes nothing."""

    def change(transaction: LogTransaction) -> None:
        old = read_catalog(transaction.connection).types.get(name)
        if old == rule:
            return
        transaction.connection.execute(
            _PUT_TYPE,
            {
                "type": name,
                "title": rule.title,
                "icon": rule.icon,
                "priority": rule.priority,
                "display": rule.display,
                "ttl_seconds": rule.ttl_seconds,
                "roles": json.dumps(rule.roles),
                "mandatory": rule.mandatory,
            },
        )
        _announce_type(transaction, old or DEFAULT_TYPE, rule)

    return change


def delete_type(name: str) -> Callable[[LogTransaction], None]:
    """Return the change that gives a type its defaults back. It raises NotFoundError for one that isn't registered."""

    def change(transaction: LogTransaction) -> None:
        old = read_catalog(transaction.connection).types.get(name)
        if old is None:
            raise NotFoundError("There is no such type.")
        transaction.connection.execute(delete(TYPES).where(TYPES.c.type == name))
        _announce_type(transaction, old, DEFAULT_TYPE)

    return change


def put_topic(name: str, roles: tuple[str, ...]) -> Callable[[LogTransaction], None]:
    """Return the change that registers a topic and limits it to roles (none: open to everybody)."""

    def change(transaction: LogTransaction) -> None:
        known = read_catalog(transaction.connection).topic_roles
        if known.get(name) == roles:
            return
        transaction.connection.execute(_PUT_TOPIC, {"topic": name, "roles": json.dumps(roles)})
        if set(known.get(name, ())) == set(roles):
            transaction.append(EntryKind.CONFIG, (GATEWAY,))
        else:
            transaction.append(EntryKind.VIEW, (topic_audience(name), GATEWAY))

    return change


def _announce_type(transaction: LogTransaction, old: TypeRule, new: TypeRule) -> None:
    alters_visibility = (set(old.roles), old.mandatory) != (set(new.roles), new.mandatory)
    if alters_visibility:
        transaction.append(EntryKind.VIEW, (ALL, GATEWAY))
    else:
        transaction.append(EntryKind.CONFIG, (GATEWAY,))

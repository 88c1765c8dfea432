"""The registry of notification types and topics, and the entries that publish its changes.

An entry for the workers makes them read the catalog again. If the change affects visibility, the same entry is for the
recipients too, and a poll across it gets a reset.
"""

from collections.abc import Callable

from notifygate.domain.audience import ALL, GATEWAY
from notifygate.domain.audience import topic as topic_audience
from notifygate.domain.entry import EntryKind
from notifygate.domain.visibility import DEFAULT_TYPE, TypeRule
from notifygate.errors import NotFoundError
from notifygate.log.transaction import LogTransaction
from notifygate.storage.stores import catalog


def put_type(name: str, rule: TypeRule) -> Callable[[LogTransaction], None]:
    """Return the change that registers a type or replaces its registration; the same again changes nothing."""

    def change(transaction: LogTransaction) -> None:
        old = catalog.read_catalog(transaction.connection).types.get(name)
        if old == rule:
            return
        catalog.store_type(transaction.connection, name, rule)
        _announce_type(transaction, old or DEFAULT_TYPE, rule)

    return change


def delete_type(name: str) -> Callable[[LogTransaction], None]:
    """Return the change that gives a type its defaults back. It raises NotFoundError for one that isn't registered."""

    def change(transaction: LogTransaction) -> None:
        old = catalog.read_catalog(transaction.connection).types.get(name)
        if old is None:
            raise NotFoundError("The type is not registered.")
        catalog.delete_type(transaction.connection, name)
        _announce_type(transaction, old, DEFAULT_TYPE)

    return change


def put_topic(name: str, roles: tuple[str, ...]) -> Callable[[LogTransaction], None]:
    """Return the change that registers a topic and limits it to roles (none: open to all recipients)."""

    def change(transaction: LogTransaction) -> None:
        known = catalog.read_catalog(transaction.connection).topic_roles
        if known.get(name) == roles:
            return
        catalog.store_topic(transaction.connection, name, roles)
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

"""Visibility of types and topics: those that a recipient's roles permit, without the muted types."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TypeRule:
    """A registered notification type (PROTOCOL section 5). An unregistered type has these defaults."""

    title: str = ""
    icon: str | None = None
    priority: str = "normal"
    display: str = "toast"
    ttl_seconds: int | None = None
    roles: tuple[str, ...] = ()
    """Only recipients with one of these see it; empty: all recipients."""
    mandatory: bool = False
    """Whether recipients can't mute it."""


DEFAULT_TYPE = TypeRule()
"""The rule of unregistered types."""

NO_TYPES: frozenset[str] = frozenset()
"""Shared by the many views that hide none."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The registered types and topics at one moment."""

    types: Mapping[str, TypeRule] = field(default_factory=dict[str, TypeRule])
    topic_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """Registered topics, and the roles that each is limited to (empty: open to all recipients)."""

    def rule(self, type_name: str) -> TypeRule:
        """Return the rule of a type, the defaults for one that is not registered."""
        return self.types.get(type_name, DEFAULT_TYPE)

    def hidden_types(self, roles: tuple[str, ...], muted: frozenset[str]) -> frozenset[str]:
        """Return the types that are invisible to a recipient with these roles and these muted types."""
        forbidden = {
            name for name, rule in self.types.items() if rule.roles and not set(rule.roles).intersection(roles)
        }
        hidden = forbidden | {name for name in muted if not self.rule(name).mandatory}
        return frozenset(hidden) if hidden else NO_TYPES

    def may_follow(self, topic: str, roles: tuple[str, ...]) -> bool:
        """Return whether a recipient with these roles may follow a topic and see its notifications."""
        allowed = self.topic_roles.get(topic, ())
        return not allowed or bool(set(allowed).intersection(roles))

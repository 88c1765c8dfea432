"""Which types a recipient is shown: what their roles allow, minus what they have muted."""

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
    """Only recipients with one of these see it; empty: everybody."""
    mandatory: bool = False
    """It can't be muted."""


DEFAULT_TYPE = TypeRule()

NO_TYPES: frozenset[str] = frozenset()
"""Shared by the many views that hide none."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The registered types and topics, as of one moment."""

    types: Mapping[str, TypeRule] = field(default_factory=dict[str, TypeRule])
    topic_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """Registered topics, and the roles that each is limited to (empty: open to everybody)."""

    def rule(self, type_name: str) -> TypeRule:
        """Return the rule of a type, the defaults for one that is not registered."""
        return self.types.get(type_name, DEFAULT_TYPE)

    def hidden_types(self, roles: tuple[str, ...], muted: frozenset[str]) -> frozenset[str]:
        """Return the types that a recipient with these roles and these muted types is not shown."""
        forbidden = {
            name for name, rule in self.types.items() if rule.roles and not set(rule.roles).intersection(roles)
        }
        hidden = forbidden | {name for name in muted if not self.rule(name).mandatory}
        return frozenset(hidden) if hidden else NO_TYPES

    def may_follow(self, topic: str, roles: tuple[str, ...]) -> bool:
        """Tell whether someone with these roles may follow a topic and be shown what it brings."""
        allowed = self.topic_roles.get(topic, ())
        return not allowed or bool(set(allowed).intersection(roles))

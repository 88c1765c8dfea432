"""Principals: whoever makes a request, a recipient (a token) or a publisher (an API key)."""

import functools
import re
from dataclasses import dataclass, field
from typing import Literal

from notifygate.domain.audience import user

Scope = Literal["publish", "admin"]
SCOPES: tuple[Scope, ...] = ("publish", "admin")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who polls: the `sub` of a verified token and the roles that it carries."""

    id: str
    roles: tuple[str, ...]
    """Sorted, without duplicates: two tokens with the same roles are the same view."""
    expires_at: int
    """Unix milliseconds after which the token counts for nothing; a hold ends then at the latest."""

    audience: str = field(init=False, compare=False)
    """`user:<id>`: the recipient's own audience, and their name in logs and limits."""
    key: tuple[str, tuple[str, ...]] = field(init=False, compare=False)
    """What tells one view of the log from another."""

    def __post_init__(self) -> None:
        # Made once here: there is one of these for each recipient in memory, and each poll needs both.
        object.__setattr__(self, "audience", user(self.id))
        object.__setattr__(self, "key", (self.id, self.roles))


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who posts: an API key, what it may do and to whom."""

    key_id: str
    name: str
    scopes: frozenset[str]
    audience_patterns: tuple[str, ...]
    """Globs in which `*` stands for any characters; an audience must match one of them."""
    type_patterns: tuple[str, ...]

    @property
    def label(self) -> str:
        """`key:<id>`: the publisher's name in logs and limits."""
        return f"key:{self.key_id}"

    def has_scope(self, scope: Scope) -> bool:
        """Tell whether this key may do what takes a scope; `admin` includes the other."""
        return scope in self.scopes or "admin" in self.scopes

    def may_address(self, audience: str) -> bool:
        """Tell whether this key may publish to an audience."""
        return any(_matches(pattern, audience) for pattern in self.audience_patterns)

    def may_use_type(self, type_name: str) -> bool:
        """Tell whether this key may publish notifications of a type."""
        return any(_matches(pattern, type_name) for pattern in self.type_patterns)


def _matches(pattern: str, text: str) -> bool:
    return _glob(pattern).fullmatch(text) is not None


@functools.lru_cache(maxsize=1000)
def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a glob whose only wildcard is `*`. Not fnmatch: `[` and `?` may stand in a recipient's name."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)

"""Principals: the authenticated caller of a request, a recipient (by token) or a publisher (by API key)."""

from dataclasses import dataclass, field
from typing import Literal

from notifygate.domain.audience import user

Scope = Literal["publish", "admin"]
"""Permissions of an API key (docs/protocol.md section 2)."""

SCOPES: tuple[Scope, ...] = ("publish", "admin")
"""All scopes."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A caller that polls: the `sub` and the roles of a verified token."""

    id: str
    roles: tuple[str, ...]
    """Sorted, without duplicates: two tokens with the same roles are the same view."""
    expires_at: int
    """Unix milliseconds after which the token is invalid; a hold ends then at the latest."""
    issued_at: int | None = None
    """The token's `iat` in Unix milliseconds, None without one: a revocation compares it."""

    audience: str = field(init=False, compare=False)
    """`user:<id>`: the recipient's own audience, and their name in logs and limits."""
    key: tuple[str, tuple[str, ...]] = field(init=False, compare=False)
    """Identifies the recipient's view of the log."""

    def __post_init__(self) -> None:
        # Computed once: each recipient in memory has one object, and each poll needs both.
        object.__setattr__(self, "audience", user(self.id))
        object.__setattr__(self, "key", (self.id, self.roles))

    @property
    def label(self) -> str:
        """`user:<id>`: the recipient's name in logs and limits."""
        return self.audience


@dataclass(frozen=True, slots=True)
class Publisher:
    """A caller that publishes: an API key and its permissions."""

    key_id: str
    name: str
    scopes: frozenset[str]
    audience_patterns: tuple[str, ...]
    """Globs in which `*` matches any characters; an audience must match one of them."""
    type_patterns: tuple[str, ...]
    has_fixed_sender: bool = False
    """Whether its notifications always carry its name as their sender."""

    @property
    def label(self) -> str:
        """`key:<id>`: the publisher's name in logs and limits."""
        return f"key:{self.key_id}"

    def has_scope(self, scope: Scope) -> bool:
        """Return whether this key has a scope; `admin` includes the other."""
        return scope in self.scopes or "admin" in self.scopes

    def may_address(self, audience: str) -> bool:
        """Return whether this key may publish to an audience."""
        return any(_matches(pattern, audience) for pattern in self.audience_patterns)

    def may_use_type(self, type_name: str) -> bool:
        """Return whether this key may publish notifications of a type."""
        return any(_matches(pattern, type_name) for pattern in self.type_patterns)


def _matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a glob whose only wildcard is `*`.

    The first and the last piece are anchored; each piece between them takes its leftmost place, which leaves the most
    text for the rest. So no piece is ever retried, and the time is linear in the text. A regular expression backtracks:
    six stars and 128 characters took more than 20 s. fnmatch interprets `[` and `?`, which names may contain.
    """
    first, *pieces = pattern.split("*")
    if not pieces:
        return text == first
    last = pieces.pop()
    position, end = len(first), len(text) - len(last)
    if position > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in pieces:
        begin = text.find(piece, position, end)
        if begin < 0:
            return False
        position = begin + len(piece)
    return True

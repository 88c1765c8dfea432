"""Principals: whoever makes a request, a recipient (a token) or a publisher (an API key)."""

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
    issued_at: int | None = None
    """The token's `iat` in Unix milliseconds, None without one: a revocation compares it."""

    audience: str = field(init=False, compare=False)
    """`user:<id>`: the recipient's own audience, and their name in logs and limits."""
    key: tuple[str, tuple[str, ...]] = field(init=False, compare=False)
    """What tells one view of the log from another."""

    def __post_init__(self) -> None:
        # Made once here: there is one of these for each recipient in memory, and each poll needs both.
        object.__setattr__(self, "audience", user(self.id))
        object.__setattr__(self, "key", (self.id, self.roles))

    @property
    def label(self) -> str:
        """`user:<id>`: the recipient's name in logs and limits."""
        return self.audience


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who posts: an API key, what it may do and to whom."""

    key_id: str
    name: str
    scopes: frozenset[str]
    audience_patterns: tuple[str, ...]
    """Globs in which `*` stands for any characters; an audience must match one of them."""
    type_patterns: tuple[str, ...]
    has_fixed_sender: bool = False
    """Whether its notifications always carry its name as their sender."""

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
    """Return whether a text matches a glob whose only wildcard is `*`.

    The first and the last piece are anchored; each piece between them takes its leftmost place, which leaves the most
    text for the rest. So no piece is ever tried again, and the time is linear in the text. Not a regular expression,
    which backtracks: six stars and 128 characters took it more than 20 s. Not fnmatch: `[` and `?` may stand in a name.
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

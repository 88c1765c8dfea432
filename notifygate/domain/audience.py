"""Audiences: `user:<id>`, `role:<name>`, `topic:<name>` and `all`.

An audience is a plain string everywhere (it is a key of the log's index); this module is the one place that knows
its grammar.
"""

import re

ALL = "all"
"""Everybody who has an inbox."""

GATEWAY = "gateway"
"""Not a recipients' audience: entries for the workers themselves (see `EntryKind.CONFIG`). No request can name it."""

MAX_NAME_CHARACTERS = 128
"""Longest recipient or role name: the longest `sub` that a token may carry."""

TOPIC_PATTERN = r"[A-Za-z0-9_.\-]{1,64}"
"""A topic stands in URL paths, so it is limited to characters that need no encoding."""

NAME_PATTERN = rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_NAME_CHARACTERS}}}"
"""A recipient or a role: no control characters, no surrogates."""

AUDIENCE_PATTERN = f"all|(?:user|role):{NAME_PATTERN}|topic:{TOPIC_PATTERN}"
"""An audience that a publisher can name."""

_TOPIC = re.compile(TOPIC_PATTERN)
_NAME = re.compile(NAME_PATTERN)
_AUDIENCE = re.compile(AUDIENCE_PATTERN)


def is_name(text: str) -> bool:
    """Tell whether a text can be a recipient or a role."""
    return _NAME.fullmatch(text) is not None


def is_topic(text: str) -> bool:
    """Tell whether a text can be a topic."""
    return _TOPIC.fullmatch(text) is not None


def is_audience(text: str) -> bool:
    """Tell whether a text is an audience that a publisher can name."""
    return _AUDIENCE.fullmatch(text) is not None


def may_match_audience(pattern: str) -> bool:
    """Tell whether a pattern, in which `*` stands for anything, is of use: whether some audience may match it."""
    head, star, _ = pattern.partition("*")
    if not star:
        return is_audience(pattern)
    kinds = ("user:", "role:", "topic:")
    return head.startswith(kinds) or any(kind.startswith(head) for kind in (*kinds, ALL))


def user(recipient: str) -> str:
    """Return the audience of one recipient."""
    return f"user:{recipient}"


def role(name: str) -> str:
    """Return the audience of everyone who holds a role."""
    return f"role:{name}"


def topic(name: str) -> str:
    """Return the audience of everyone who follows a topic."""
    return f"topic:{name}"


def recipient_of(audience: str) -> str | None:
    """Return the recipient whom a `user:` audience names, None for every other audience."""
    return audience[5:] if audience.startswith("user:") else None

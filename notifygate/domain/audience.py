"""Audiences: `user:<id>`, `role:<name>`, `topic:<name>` and `all`.

An audience is a plain string everywhere (it is a key of the log's index); this module is the one place that knows
its grammar.
"""

import re

ALL = "all"
"""All recipients with an inbox."""

GATEWAY = "gateway"
"""Audience of entries for the workers themselves (`EntryKind.CONFIG`). No request can name it."""

MAX_NAME_CHARACTERS = 128
"""Longest recipient or role name: the longest `sub` that a token may carry."""

TOPIC_PATTERN = r"[A-Za-z0-9_.\-]{1,64}"
"""Topics are parts of URL paths, so they are limited to characters that need no encoding."""

NAME_PATTERN = rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_NAME_CHARACTERS}}}"
"""A recipient or a role: no control characters, no surrogates."""

AUDIENCE_PATTERN = f"all|(?:user|role):{NAME_PATTERN}|topic:{TOPIC_PATTERN}"
"""An audience that a publisher can name."""

_TOPIC = re.compile(TOPIC_PATTERN)
_NAME = re.compile(NAME_PATTERN)
_AUDIENCE = re.compile(AUDIENCE_PATTERN)


def is_name(text: str) -> bool:
    """Return whether a text can be a recipient or a role."""
    return _NAME.fullmatch(text) is not None


def is_topic(text: str) -> bool:
    """Return whether a text can be a topic."""
    return _TOPIC.fullmatch(text) is not None


def may_match_audience(pattern: str) -> bool:
    """Return whether any audience may match a pattern, in which `*` matches any characters."""
    head, star, _ = pattern.partition("*")
    if not star:
        return _AUDIENCE.fullmatch(pattern) is not None
    kinds = ("user:", "role:", "topic:")
    return head.startswith(kinds) or any(kind.startswith(head) for kind in (*kinds, ALL))


def user(recipient: str) -> str:
    """Return the audience of one recipient."""
    return f"user:{recipient}"


def role(name: str) -> str:
    """Return the audience of all recipients with a role."""
    return f"role:{name}"


def topic(name: str) -> str:
    """Return the audience of all recipients that follow a topic."""
    return f"topic:{name}"


def recipient_of(audience: str) -> str | None:
    """Return the recipient of a `user:` audience, None for every other audience."""
    return audience[5:] if audience.startswith("user:") else None

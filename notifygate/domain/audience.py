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

_TOPIC = re.compile(TOPIC_PATTERN)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_name(text: str) -> bool:
    """Tell whether a text can be a recipient or a role: 1-128 characters, no control characters, no surrogates."""
    return 0 < len(text) <= MAX_NAME_CHARACTERS and not _CONTROL.search(text)


def is_topic(text: str) -> bool:
    """Tell whether a text can be a topic."""
    return _TOPIC.fullmatch(text) is not None


def is_audience(text: str) -> bool:
    """Tell whether a text is an audience that a publisher can name."""
    if text == ALL:
        return True
    kind, separator, name = text.partition(":")
    if not separator:
        return False
    return is_topic(name) if kind == "topic" else kind in ("user", "role") and is_name(name)


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

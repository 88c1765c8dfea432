"""Headers that answers share, however they are sent: through Flask, or as bytes by the poll desk."""

import re
from collections.abc import Sequence

from notifygate.limits.windows import Quota

PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Encoding"}
"""A shared cache must not keep an answer, and a private one has to ask before it uses it again."""

NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}

EXPOSED_HEADERS = "ETag, Poll-Interval, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")
"""Ids of callers that may be repeated in answers and in the log."""


def limit_headers(quotas: Sequence[Quota]) -> dict[str, str]:
    """Say how limits stand (draft-ietf-httpapi-ratelimit-headers-10); nothing where none was counted."""
    if not quotas:
        return {}
    return {
        "RateLimit-Policy": ", ".join([quota.policy_item for quota in quotas]),
        "RateLimit": ", ".join([quota.state_item for quota in quotas]),
    }


def cors_headers(origin: str | None, origins: Sequence[str]) -> dict[str, str]:
    """Let scripts of an allowed origin read an answer; nothing for any other."""
    if origin is None or origin not in origins:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED_HEADERS}

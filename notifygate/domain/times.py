"""Times. Inside the gateway a time is a whole number of Unix milliseconds, UTC; on the wire it is RFC 3339.

One integer form everywhere makes SQLite and PostgreSQL agree to the millisecond and keeps time zones out.
"""

import functools
import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Return the present moment in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """Return Unix milliseconds as RFC 3339 in UTC with exactly three decimals (docs/protocol.md section 1)."""
    seconds, rest = divmod(ms, 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


@functools.lru_cache(maxsize=256)  # most calls are for the present second
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def rfc3339_or_none(ms: int | None) -> str | None:
    """Return a time, which may be absent, as RFC 3339 or None."""
    return None if ms is None else rfc3339(ms)

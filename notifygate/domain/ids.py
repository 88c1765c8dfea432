"""Identifiers: UUIDv7 (RFC 9562 section 5.7), opaque to clients and sortable by creation to the millisecond."""

import itertools
import secrets
from collections.abc import Iterator

from notifygate.domain.times import now_ms


def new_id() -> str:
    """Return a fresh id of 36 URL-safe characters: 48 bits of time, 74 random bits, version and variant."""
    random_bits = secrets.randbits(74)
    value = now_ms() << 80 | 0x7 << 76 | (random_bits >> 62) << 64 | 0b10 << 62 | random_bits & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_LAST_DIGITS = [f"{number:02x}" for number in range(256)]


def _request_ids() -> Iterator[str]:
    start = f"{now_ms():012x}{secrets.randbits(48):012x}"
    for number in itertools.count():
        begin = f"{start}{number:06x}"
        for last in _LAST_DIGITS:
            yield begin + last


new_request_id = _request_ids().__next__
"""Returns a fresh id for a request: 32 hex digits, sortable within a process. It guards nothing and costs little: the
digits that change each time are ready made. Not for threads."""

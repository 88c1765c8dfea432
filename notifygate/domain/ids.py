"""Identifiers: UUIDv7 (RFC 9562 section 5.7), opaque to clients and sortable by creation to the millisecond."""

import random
import secrets

from notifygate.domain.times import now_ms


def new_id() -> str:
    """Return a fresh id of 36 URL-safe characters: 48 bits of time, 74 random bits, version and variant."""
    return _uuid7(secrets.randbits(74))


def new_request_id() -> str:
    """Return a fresh id for a request. It guards nothing, so its random bits come from a source that costs less."""
    return _uuid7(random.getrandbits(74))


def _uuid7(random_bits: int) -> str:
    value = now_ms() << 80 | 0x7 << 76 | (random_bits >> 62) << 64 | 0b10 << 62 | random_bits & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

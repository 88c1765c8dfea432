"""Counts in Redis that only the gateway's workers can write.

A worker's count for a key of a limit in one window is a record: the worker's random name, the count, and a keyed tag
over both and the Redis key, which contains the limit, its key and the end of the window. So a record can't be forged or
raised in Redis, nor moved to another key, worker or window. A client of Redis can remove records or restore an older
and lower count: then less is counted, but never less than each worker's own count.
"""

import hmac
import secrets
from collections.abc import Sequence

from notifygate.domain.key_derivation import derive_key

WORKER_BYTES = 8
"""Length of a worker's random name."""

COUNT_BYTES = 8
"""Length of a count, big-endian."""

TAG_BYTES = 16
"""Length of a tag: HMAC-SHA256, truncated to 128 bits."""

VALUE_BYTES = COUNT_BYTES + TAG_BYTES
"""Length of a value in Redis."""

RECORD_BYTES = WORKER_BYTES + VALUE_BYTES
"""Length of a worker's name with its value."""


class CountSigner:
    """Signs this worker's counts and reads those of others. The first secret signs; each of them reads (rotation)."""

    def __init__(self, gateway_secrets: Sequence[str]) -> None:
        self._keys = [derive_key(secret, b"shared count v1") for secret in gateway_secrets]
        self.worker = secrets.token_bytes(WORKER_BYTES)
        """The name of this worker in its records."""

    def sign(self, place: bytes, count: int) -> bytes:
        """Return this worker's count as a signed value of VALUE_BYTES for a Redis key."""
        counted = self.worker + count.to_bytes(COUNT_BYTES, "big")
        return counted[WORKER_BYTES:] + _tag(self._keys[0], place, counted)

    def others(self, place: bytes, records: bytes) -> tuple[int, bool]:
        """Return the sum of the other workers' counts in the records of a Redis key, and whether all were valid.

        Reading ends at the first invalid record: forged records cost one check each time, for any number of them.
        """
        counts: dict[bytes, int] = {}
        whole = len(records) - len(records) % RECORD_BYTES
        for at in range(0, whole, RECORD_BYTES):
            tag_at = at + WORKER_BYTES + COUNT_BYTES
            counted, tag = records[at:tag_at], records[tag_at : at + RECORD_BYTES]
            worker = counted[:WORKER_BYTES]
            if worker == self.worker:
                continue
            if not any(hmac.compare_digest(tag, _tag(key, place, counted)) for key in self._keys):
                return sum(counts.values()), False
            counts[worker] = int.from_bytes(counted[WORKER_BYTES:], "big")
        return sum(counts.values()), whole == len(records)


def _tag(key: bytes, place: bytes, counted: bytes) -> bytes:
    """Return the tag over a worker's name and count, which have a fixed length, followed by the Redis key."""
    return hmac.digest(key, counted + place, "sha256")[:TAG_BYTES]

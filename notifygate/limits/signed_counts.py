"""Counts in Redis that only the gateway's workers can have written.

A worker's count for a key of a limit in one window is a record: the worker's random name, the count, and a keyed tag
over both and the name of the place in Redis, in which the limit, the key and the end of the window stand. So a record
can't be made or raised in Redis, nor moved to another key, worker or window. What can be done there is to remove
records, or to bring back an older and lower count: then less is counted, at the least what each worker counts itself.
"""

import hmac
import secrets
from collections.abc import Sequence

from notifygate.domain.key_derivation import derive_key

WORKER_BYTES = 8
COUNT_BYTES = 8
TAG_BYTES = 16
VALUE_BYTES = COUNT_BYTES + TAG_BYTES
RECORD_BYTES = WORKER_BYTES + VALUE_BYTES


class CountSigner:
    """Signs this worker's counts and reads those of others. The first secret signs; each of them reads (rotation)."""

    def __init__(self, gateway_secrets: Sequence[str]) -> None:
        self._keys = [derive_key(secret, b"shared count v1") for secret in gateway_secrets]
        self.worker = secrets.token_bytes(WORKER_BYTES)
        """The name under which this worker's counts stand."""

    def sign(self, place: bytes, count: int) -> bytes:
        """Return this worker's count as a value for a place in Redis (VALUE_BYTES)."""
        counted = self.worker + count.to_bytes(COUNT_BYTES, "big")
        return counted[WORKER_BYTES:] + _tag(self._keys[0], place, counted)

    def others(self, place: bytes, records: bytes) -> tuple[int, bool]:
        """Return what the other workers counted at a place, from all records there, and whether all were valid.

        Reading ends at the first record that no worker of this gateway has written for this place: records that are
        made up in Redis cost one look each time, however many they are.
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
    """Tag a worker's name and count, which have a fixed length, and the place behind them."""
    return hmac.digest(key, counted + place, "sha256")[:TAG_BYTES]

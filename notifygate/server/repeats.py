"""Polls that were answered with 304 and are repeated: their bytes, with the preconditions of their responses.

They are not kept per connection: a proxy in front sends the requests of many clients over few connections.
"""

import time
from array import array
from collections.abc import Callable

from notifygate.recent import Recent
from notifygate.server.handler import Revalidation

MAX_BYTES = 60 * 1024 * 1024
"""Maximum memory of all remembered polls of a worker, for all possible requests."""

MAX_KEY_BYTES = 2048
"""Maximum of a remembered poll: a few clients with large heads would displace the polls of many others. A browser's
head with a token and a cookie has 1 to 2 KB."""

ENTRY_BYTES = 176
"""Memory of a poll without its text and the handler's part: the header of a bytes object, and a slot of a dictionary
that has just grown."""

SEEN_ONCE = 1 << 17
"""Slots for hashes of polls that were answered with 304 once, 8 bytes each."""

IDLE_SECONDS = 120.0
"""Time after which a poll that is not repeated is evicted: longer than poll intervals. A client with a new token never
repeats the old request."""


class Repeats(Recent[bytes, Revalidation]):
    """Polls that were answered with 304 twice, by their `repeat_key`, with a total memory of at most MAX_BYTES."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(MAX_BYTES, _weight, idle_seconds=IDLE_SECONDS, clock=clock)
        self._seen = array("q", bytes(8 * SEEN_ONCE))
        """Hashes of polls that were seen once, by the hash's end: a poll seen twice is likely to be repeated."""

    def remember(self, key: bytes, make_revalidation: Callable[[], Revalidation]) -> None:
        """Add a poll that was answered with 304 for the second time: most polls that are seen once are not repeated."""
        if len(key) > MAX_KEY_BYTES:
            return
        mark = hash(key)
        place = mark % SEEN_ONCE
        if self._seen[place] == mark:
            self.put(key, make_revalidation())
        else:
            self._seen[place] = mark


def _weight(key: bytes, repeat: Revalidation) -> int:
    return len(key) + ENTRY_BYTES + repeat.held_bytes

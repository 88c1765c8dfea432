"""Polls that were answered with 304 and are sent again: their bytes, and what their answers rested on.

Not per connection: a proxy in front sends the requests of many clients over few connections.
"""

import time
from array import array
from collections.abc import Callable

from notifygate.recent import Recent
from notifygate.server.handler import Revalidation

MAX_BYTES = 60 * 1024 * 1024
"""What all remembered polls may take of a worker's memory, whatever clients send."""

MAX_KEY_BYTES = 2048
"""Larger polls are not remembered: a few clients with large heads would displace the polls of many others. A browser's
head with a token and a cookie has 1 to 2 KB."""

ENTRY_BYTES = 176
"""The memory of a poll besides its text and the handler's part: the head of a bytes object, and a slot of a dictionary
that has just grown."""

SEEN_ONCE = 1 << 17
"""Places for hashes of polls that were answered with 304 once, 8 bytes each."""

IDLE_SECONDS = 120.0
"""How long a poll is remembered without being sent again: longer than polls are apart. A client that changes its token
never sends the old request again."""


class Repeats:
    """Polls that were answered with 304 twice. Each weighs what it holds, and together they weigh at most MAX_BYTES."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: Recent[bytes, Revalidation] = Recent(MAX_BYTES, _weight, idle_seconds=IDLE_SECONDS, clock=clock)
        self._seen = array("q", bytes(8 * SEEN_ONCE))
        """The hash of a poll that was seen last, by the hash's end: what was sent twice will be sent again."""

    def __len__(self) -> int:
        return len(self._kept)

    def answer(self, key: bytes, now: float) -> bytes | None:
        """Return the 304 to a poll that is sent again at `now` (`time.time()`); None if the handler has to look.

        `key`: its `repeat_key`, or its bytes, which are the same where nothing was cut out. A poll whose answer is no
        longer valid is dropped.
        """
        repeat = self._kept.get(key)
        if repeat is None:
            return None
        answer = repeat.response_at(now)
        if answer is None:
            self._kept.drop(key, repeat)
        return answer

    def remember(self, key: bytes, make_revalidation: Callable[[], Revalidation]) -> None:
        """Remember a poll that was answered with 304, if it was before: most that come once never come again.

        `key`: its `repeat_key`.
        """
        if len(key) > MAX_KEY_BYTES:
            return
        mark = hash(key)
        place = mark % SEEN_ONCE
        if self._seen[place] == mark:
            self._kept.put(key, make_revalidation())
        else:
            self._seen[place] = mark


def _weight(key: bytes, repeat: Revalidation) -> int:
    return len(key) + ENTRY_BYTES + repeat.held_bytes

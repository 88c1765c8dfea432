"""Marks: "everything up to here was read (or seen) at that time", as a recipient's watermarks.

Marking ten thousand notifications read is one mark, not ten thousand rows. Marks are kept in ascending order of
both position and time; the time at which a notification was marked is that of the first mark that covers it.
"""

from bisect import bisect_left

Marks = tuple[tuple[int, int], ...]
"""(sequence up to which, Unix milliseconds), ascending."""

MAX_MARKS = 50
"""Marks kept per recipient. Past that the oldest is dropped, and what it alone covered shows the next one's time:
a flaw of minutes in the `read_at` of notifications marked fifty "mark all read" ago, accepted for a bounded row."""


def marked_at(marks: Marks, seq: int) -> int | None:
    """Return when the notification at `seq` was covered by a mark (Unix milliseconds), None if it never was."""
    index = bisect_left(marks, (seq, 0))
    return marks[index][1] if index < len(marks) else None


def add_mark(marks: Marks, seq: int, at: int) -> Marks:
    """Return the marks with one more; marks that lie at or after `seq` already say all of it."""
    if marks and marks[-1][0] >= seq:
        return marks
    return (*marks, (seq, at))[-MAX_MARKS:]


def highest(marks: Marks) -> int:
    """Return the sequence up to which everything is marked, 0 where nothing is."""
    return marks[-1][0] if marks else 0

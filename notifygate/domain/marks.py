"""Marks: "everything up to here was read (or seen) at that time", as a recipient's watermarks.

Marking ten thousand notifications read is one mark, not ten thousand rows. Marks ascend in both position and time; the
time at which a notification was marked is that of the first mark that covers it.
"""

from bisect import bisect_left

Marks = tuple[tuple[int, int], ...]
"""(sequence up to which, Unix milliseconds), ascending."""

MAX_MARKS = 50
"""Marks kept per recipient. Past that the oldest is dropped, and notifications that it alone covered get the time of
the next one: an error of minutes in the `read_at` of notifications marked fifty "mark all read" ago, accepted for a
bounded row."""


def marked_at(marks: Marks, seq: int) -> int | None:
    """Return when the notification at `seq` was covered by a mark (Unix milliseconds), None if it never was."""
    index = bisect_left(marks, (seq, 0))
    return marks[index][1] if index < len(marks) else None


def add_mark(marks: Marks, seq: int, at: int) -> Marks:
    """Return the marks with one more, unless a mark at or after `seq` already covers it."""
    if marks and marks[-1][0] >= seq:
        return marks
    return (*marks, (seq, at))[-MAX_MARKS:]


def highest(marks: Marks) -> int:
    """Return the sequence up to which everything is marked, 0 without marks."""
    return marks[-1][0] if marks else 0

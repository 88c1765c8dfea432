"""The states after operations, and their counts."""

import pytest

from notifygate.domain.entry import ItemState
from notifygate.inbox.state import Operation, after_operation, counts_of

NOW = 9

UNTOUCHED = ItemState()
SEEN = ItemState(seen_at=5)
READ = ItemState(seen_at=5, read_at=6)
DISMISSED = ItemState(seen_at=5, dismissed_at=7)


@pytest.mark.parametrize(
    ("old", "operation", "new"),
    [
        (UNTOUCHED, "seen", ItemState(seen_at=NOW)), (UNTOUCHED, "read", ItemState(seen_at=NOW, read_at=NOW)),
        (UNTOUCHED, "unread", UNTOUCHED), (UNTOUCHED, "dismiss", ItemState(dismissed_at=NOW)),
        (SEEN, "seen", SEEN), (SEEN, "read", ItemState(seen_at=5, read_at=NOW)), (SEEN, "unread", SEEN),
        (READ, "seen", READ), (READ, "read", READ), (READ, "unread", SEEN),
        (READ, "dismiss", ItemState(seen_at=5, read_at=6, dismissed_at=NOW)),
        *((DISMISSED, operation, DISMISSED) for operation in ("seen", "read", "unread", "dismiss")),
    ],
)  # fmt: skip
def test_after_an_operation(old: ItemState, operation: Operation, new: ItemState) -> None:
    assert after_operation(old, operation, NOW) == new
    assert after_operation(new, operation, NOW + 1) == new, "the same operation again changes nothing"


def test_counts_of_a_state() -> None:
    assert [counts_of(state) for state in (UNTOUCHED, SEEN, READ, DISMISSED)] == [(1, 1), (1, 0), (0, 0), (0, 0)]

"""Cursors: a position for one recipient, and for no other. Altered ones are tested in `tests/api/test_cursors.py`."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifygate.domain.cursor import CURSOR_CHARACTERS, EPOCH_BITS, MAX_SEQUENCE, CursorCodec
from notifygate.errors import InvalidCursorError

OLD, NEW = CursorCodec(["o" * 40]), CursorCodec(["n" * 40, "o" * 40])
ALICE, BOB = OLD.tag("alice", ()), OLD.tag("bob", ())

epochs, positions = st.integers(0, 2**EPOCH_BITS - 1), st.integers(0, MAX_SEQUENCE)


@given(epochs, positions, st.integers(0, 5))
def test_a_cursor_is_url_safe_and_the_same_alone_or_in_a_batch(epoch: int, seq: int, count: int) -> None:
    tags = [OLD.tag(f"user{number}", ()) for number in range(count)]
    cursors = OLD.encode_for_all(epoch, seq, tags)
    assert cursors == [OLD.encode(epoch, seq, tag) for tag in tags]
    assert all(re.fullmatch(rf"1[A-Za-z0-9_-]{{{CURSOR_CHARACTERS - 1}}}", cursor) for cursor in cursors)


@given(epochs, positions)
def test_a_cursor_is_valid_only_for_its_recipient(epoch: int, seq: int) -> None:
    cursor = OLD.encode(epoch, seq, ALICE)
    assert OLD.decode(cursor, epoch, "alice", (), ALICE) == seq
    assert OLD.decode(cursor, epoch, "bob", (), BOB) is None
    assert OLD.decode(cursor, epoch, "alice", ("admin",), OLD.tag("alice", ("admin",))) is None
    assert OLD.decode(cursor, (epoch + 1) % 2**EPOCH_BITS, "alice", (), ALICE) is None


def test_cursors_of_an_older_secret_are_still_read() -> None:
    cursor = OLD.encode(3, 77, ALICE)
    assert NEW.decode(cursor, 3, "alice", (), NEW.tag("alice", ())) == 77
    assert NEW.encode(3, 77, NEW.tag("alice", ())) != cursor


@pytest.mark.parametrize(
    "text", ["", "1", "x" * CURSOR_CHARACTERS, "2" + "A" * 22, "1" + "A" * 21 + "+", "1" + "A" * 23]
)
def test_text_that_is_not_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        OLD.decode(text, 3, "alice", (), ALICE)

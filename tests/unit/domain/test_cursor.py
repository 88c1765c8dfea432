"""Cursors: a position for one recipient, and for no other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifygate.domain.cursor import EPOCH_BITS, MAX_SEQUENCE, TOKEN_CHARACTERS, CursorCodec
from notifygate.errors import InvalidCursorError

OLD, NEW = CursorCodec(["o" * 40]), CursorCodec(["n" * 40, "o" * 40])
ALICE, BOB = OLD.tag("alice", ()), OLD.tag("bob", ())

epochs, positions = st.integers(0, 2**EPOCH_BITS - 1), st.integers(0, MAX_SEQUENCE)


@given(epochs, positions, st.integers(0, 5))
def test_a_token_is_url_safe_and_the_same_however_it_was_made(epoch: int, seq: int, count: int) -> None:
    tags = [OLD.tag(f"user{number}", ()) for number in range(count)]
    tokens = OLD.encode_for_all(epoch, seq, tags)
    assert tokens == [OLD.encode(epoch, seq, tag) for tag in tags]
    assert all(re.fullmatch(rf"1[A-Za-z0-9_-]{{{TOKEN_CHARACTERS - 1}}}", token) for token in tokens)


@given(epochs, positions)
def test_a_token_is_valid_only_for_its_recipient(epoch: int, seq: int) -> None:
    token = OLD.encode(epoch, seq, ALICE)
    assert OLD.decode(token, epoch, "alice", (), ALICE) == seq
    assert OLD.decode(token, epoch, "bob", (), BOB) is None
    assert OLD.decode(token, epoch, "alice", ("admin",), OLD.tag("alice", ("admin",))) is None
    assert OLD.decode(token, (epoch + 1) % 2**EPOCH_BITS, "alice", (), ALICE) is None


def test_tokens_of_an_older_secret_are_still_read() -> None:
    token = OLD.encode(3, 77, ALICE)
    assert NEW.decode(token, 3, "alice", (), NEW.tag("alice", ())) == 77
    assert NEW.encode(3, 77, NEW.tag("alice", ())) != token


@pytest.mark.parametrize("place", range(1, TOKEN_CHARACTERS - 1))
def test_a_token_that_was_altered_is_worth_nothing(place: int) -> None:
    token = OLD.encode(3, 77, ALICE)
    altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    assert OLD.decode(altered, 3, "alice", (), ALICE) is None


@pytest.mark.parametrize(
    "text", ["", "1", "x" * TOKEN_CHARACTERS, "2" + "A" * 22, "1" + "A" * 21 + "+", "1" + "A" * 23]
)
def test_what_never_was_a_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        OLD.decode(text, 3, "alice", (), ALICE)

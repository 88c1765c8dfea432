"""Remembered polls: which are remembered, for how long, and within which bound of bytes."""

import pytest

from notifygate.server.repeats import IDLE_SECONDS, MAX_BYTES, MAX_KEY_BYTES, SEEN_ONCE, Repeats


class Repeat:
    """A 304 that is always valid."""

    held_bytes = 100

    def response_at(self, now: float) -> bytes:
        return b"304"


def remember(repeats: Repeats, key: bytes) -> Repeat:
    """Remember a poll, as after two responses."""
    repeat = Repeat()
    for _ in range(2):
        repeats.remember(key, lambda: repeat)
    return repeat


def test_a_poll_is_remembered_from_its_second_time_until_it_is_dropped() -> None:
    repeats, made = Repeats(), list[Repeat]()

    def make() -> Repeat:
        made.append(Repeat())
        return made[-1]

    repeats.remember(b"poll", make)
    assert (repeats.get(b"poll"), made) == (None, [])
    repeats.remember(b"poll", make)
    assert [repeats.get(b"poll")] == made
    another = remember(repeats, b"another")
    repeats.drop(b"poll", made[0])
    assert repeats.get(b"poll") is None
    assert len(repeats) == 1
    assert repeats.get(b"another") is another


def test_a_poll_that_is_no_longer_sent_is_forgotten() -> None:
    now = 0.0
    repeats = Repeats(clock=lambda: now)
    repeat = remember(repeats, b"poll")
    remember(repeats, b"another")
    for n in range(2):
        now += IDLE_SECONDS
        remember(repeats, b"of a new client %d" % n)
        assert repeats.get(b"poll") is repeat
    assert repeats.get(b"another") is None
    assert len(repeats) == 3


def test_polls_sent_once_and_those_with_a_larger_head_are_not_remembered() -> None:
    repeats = Repeats()
    for n in range(2 * SEEN_ONCE):
        repeats.remember(b"poll %d" % n, Repeat)
    remember(repeats, bytes(MAX_KEY_BYTES + 1))
    assert len(repeats) == 0
    remember(repeats, bytes(MAX_KEY_BYTES))
    assert len(repeats) == 1


@pytest.mark.parametrize("size", [100, 1000, MAX_KEY_BYTES])
def test_remembered_polls_stay_within_their_bytes(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    assert MAX_BYTES < 64 << 20
    monkeypatch.setattr("notifygate.server.repeats.MAX_BYTES", 1 << 20)  # a million polls take seconds
    repeats = Repeats()
    for n in range((3 << 20) // (size + 300)):
        remember(repeats, b"%0*d" % (size, n))
    assert (1 << 20) / 4 < len(repeats) * (size + Repeat.held_bytes) < 1 << 20

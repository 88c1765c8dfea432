"""Signed counts: those of other workers are read, and forged, raised or moved ones are not."""

import pytest

from notifygate.limits.signed_counts import COUNT_BYTES, WORKER_BYTES, CountSigner

OLD, NEW = "the old secret of more than 32 bytes", "the new secret of more than 32 bytes"
PLACE = b"notifygate:tests:fixed-window:signed:poll:user:alice:1800000000"


def record(signer: CountSigner, count: int, place: bytes = PLACE) -> bytes:
    return signer.worker + signer.sign(place, count)


def test_the_counts_of_all_others_are_added_up() -> None:
    mine, *others = (CountSigner([OLD]) for _ in range(4))
    records = record(mine, 100) + b"".join(record(other, n) for n, other in enumerate(others, 1))
    assert mine.others(PLACE, records) == (1 + 2 + 3, True)
    assert mine.others(PLACE, b"") == (0, True)


def test_each_secret_reads_and_the_first_signs() -> None:
    rotated, old = CountSigner([NEW, OLD]), CountSigner([OLD])
    assert rotated.others(PLACE, record(old, 5)) == (5, True)
    assert old.others(PLACE, record(rotated, 5)) == (0, False)


@pytest.mark.parametrize("byte", range(WORKER_BYTES + COUNT_BYTES + 16))
def test_no_byte_of_a_record_can_be_changed(byte: int) -> None:
    altered = bytearray(record(CountSigner([OLD]), 5))
    altered[byte] ^= 1
    assert CountSigner([OLD]).others(PLACE, bytes(altered)) == (0, False)


@pytest.mark.parametrize("part", [b"poll", b"alice", b"1800000000", b"tests"])
def test_a_record_is_good_for_its_own_limit_key_window_and_gateway_alone(part: bytes) -> None:
    elsewhere = PLACE.replace(part, part[:-1] + b"x")
    assert CountSigner([OLD]).others(PLACE, record(CountSigner([OLD]), 5, elsewhere)) == (0, False)


def test_a_count_can_not_be_multiplied_by_repeating_its_record() -> None:
    other = CountSigner([OLD])
    assert CountSigner([OLD]).others(PLACE, record(other, 5) * 10) == (5, True)


def test_reading_ends_at_the_first_record_that_is_not_valid() -> None:
    one, other = CountSigner([OLD]), CountSigner([OLD])
    made_up = b"w" * 8 + (10**6).to_bytes(8, "big") + bytes(16)
    assert CountSigner([OLD]).others(PLACE, record(one, 2) + made_up + record(other, 3)) == (2, False)


def test_what_is_no_whole_record_is_not_valid() -> None:
    assert CountSigner([OLD]).others(PLACE, record(CountSigner([OLD]), 5) + b"x") == (5, False)

"""Signed counts: those of other workers are read, and forged, raised or moved ones are not."""

from collections.abc import Callable

import pytest

from notifygate.limits.signed_counts import COUNT_BYTES, WORKER_BYTES, CountSigner

OLD, NEW = "the old secret of more than 32 bytes", "the new secret of more than 32 bytes"
KEY = b"notifygate:tests:fixed-window:signed:poll:user:alice:1800000000"
MADE_UP = b"w" * 8 + (10**6).to_bytes(8, "big") + bytes(16)


def record(count: int, signer: CountSigner | None = None, key: bytes = KEY) -> bytes:
    signer = signer or CountSigner([OLD])
    return signer.worker + signer.sign(key, count)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(lambda: b"", (0, True), id="none"),
        pytest.param(lambda: record(1) + record(2) + record(3), (6, True), id="all are added up"),
        pytest.param(lambda: record(5) * 10, (5, True), id="repeated"),
        pytest.param(lambda: record(2) + MADE_UP + record(3), (2, False), id="to the first that is not valid"),
        pytest.param(lambda: record(5) + b"x", (5, False), id="no whole record"),
        *(
            pytest.param(lambda part=part: record(5, key=KEY.replace(part, part[:-1] + b"x")), (0, False), id=part.decode())
            for part in (b"poll", b"alice", b"1800000000", b"tests")
        ),
    ],
)  # fmt: skip
def test_counts_of_others_are_the_sum_of_valid_records_of_this_key(
    records: Callable[[], bytes], expected: tuple[int, bool]
) -> None:
    mine = CountSigner([OLD])
    assert mine.others(KEY, record(100, mine) + records()) == expected, "all but my own"


def test_every_secret_verifies_and_the_first_signs() -> None:
    rotated, old = CountSigner([NEW, OLD]), CountSigner([OLD])
    assert rotated.others(KEY, record(5, old)) == (5, True)
    assert old.others(KEY, record(5, rotated)) == (0, False)


def test_no_byte_of_a_record_can_be_changed() -> None:
    for byte in range(WORKER_BYTES + COUNT_BYTES + 16):
        altered = bytearray(record(5))
        altered[byte] ^= 1
        assert CountSigner([OLD]).others(KEY, bytes(altered)) == (0, False)

"""Times on the wire: RFC 3339 with exactly three decimals."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifygate.domain.times import rfc3339, rfc3339_or_none

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253_402_300_799_999
"""The last millisecond of the year 9999, beyond which RFC 3339 has no form."""


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (951_782_400_050, "2000-02-29T00:00:00.050Z"),
        (1_000_000_000_999, "2001-09-09T01:46:40.999Z"),
        (LAST, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_are_written_in_full(ms: int, text: str) -> None:
    assert rfc3339(ms) == rfc3339_or_none(ms) == text
    assert rfc3339_or_none(None) is None


@given(st.integers(0, LAST))
def test_a_written_time_is_read_as_the_same_moment(ms: int) -> None:
    assert datetime.fromisoformat(rfc3339(ms)) - EPOCH == timedelta(milliseconds=ms)

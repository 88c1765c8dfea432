"""Ids of requests: ready-made digits must not make two of them the same."""

import re

from notifygate.domain.ids import new_request_id

ENOUGH_TO_CARRY = 1000


def test_request_ids_are_32_hex_digits_each_after_the_one_before() -> None:
    ids = [new_request_id() for _ in range(ENOUGH_TO_CARRY)]
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids)
    numbers = [int(request_id, 16) for request_id in ids]
    assert numbers == list(range(numbers[0], numbers[0] + ENOUGH_TO_CARRY))

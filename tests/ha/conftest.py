"""Redis behind Sentinels, as documented in docs/operations.md."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.binaries import BinaryNotFoundError
from tests.support.sentinel import SentinelRedis

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


NEW_IN_REDIS_7_2 = "+client|setinfo"
"""A rule to leave out before that version, according to operations.md. Debian 12, whose Redis has TLS, has 7.0."""


def documented_rules(*, is_old: bool = False) -> list[str]:
    """Return the rules of the gateway's user in Redis, `is_old` for those before 7.2."""
    (line,) = re.findall(r"^ *ACL SETUSER notifygate (.+)$", OPERATIONS.read_text(), re.MULTILINE)
    rules = line.split()
    assert NEW_IN_REDIS_7_2 in rules
    return [rule for rule in rules if not (is_old and rule == NEW_IN_REDIS_7_2)]


def skip_without(error: BinaryNotFoundError) -> NoReturn:
    """Skip a test on a developer's machine that lacks a program. CI has to have it."""
    if "CI" in os.environ:
        raise error
    pytest.skip(str(error))


MakeRedis = Callable[..., SentinelRedis]


@pytest.fixture
def make_redis() -> Iterator[MakeRedis]:
    """Return a function that starts a Redis behind Sentinels for the gateway's user in operations.md."""
    made: list[SentinelRedis] = []

    def make(*, has_tls: bool = False) -> SentinelRedis:
        try:
            made.append(SentinelRedis(documented_rules(is_old=has_tls), "the-password", has_tls=has_tls))
        except BinaryNotFoundError as error:
            skip_without(error)
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.close()

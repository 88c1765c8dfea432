"""The fixture of the tests of `send` and `watch`."""

import time
from collections.abc import Iterator

import pytest

from tests.unit.cli.scripted_gateway import Shell


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The command line on a scripted gateway, in UTC."""
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "UTC")
        time.tzset()
        made = Shell()
        yield made
        made.gateway.close()
    time.tzset()

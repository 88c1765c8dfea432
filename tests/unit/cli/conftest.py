"""The fixture of the tests of `send` and `watch`."""

from collections.abc import Iterator

import pytest

from tests.unit.cli.scripted_gateway import Shell


@pytest.fixture
def shell() -> Iterator[Shell]:
    """The command line on a scripted gateway."""
    made = Shell()
    yield made
    made.gateway.close()

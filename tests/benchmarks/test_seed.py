"""The seed writes the rows that the gateway itself would write: counts, pages and further publications are right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.seed import PUBLISHED_ROUNDS, READ_ROUNDS, Seed, fill
from tests.support.in_process import InProcessGateway

SEED = Seed(recipients=3, heavy=7)


@pytest.fixture
def seeded(sqlite_url: str) -> Iterator[InProcessGateway]:
    gateway = InProcessGateway(sqlite_url)
    gateway.stop()
    fill(Path(sqlite_url.removeprefix("sqlite:///")), SEED)
    gateway.start()
    yield gateway
    gateway.stop()


def test_every_recipient_has_notifications_and_has_read_some(seeded: InProcessGateway, sqlite_url: str) -> None:
    heavy, other = seeded.recipient("r000000").inbox(), seeded.recipient("r000002").inbox()
    assert (len(other["notifications"]), other["unread"]) == (PUBLISHED_ROUNDS, PUBLISHED_ROUNDS - READ_ROUNDS)
    assert len(heavy["notifications"]) == PUBLISHED_ROUNDS + SEED.heavy
    assert [item["title"] for item in heavy["notifications"]].count("Order 1 is on its way") == 1
    assert sum(item["read_at"] is not None for item in other["notifications"]) == READ_ROUNDS
    # The log continues after the seed.
    recipient = seeded.recipient("r000001")
    before = recipient.inbox()
    notification = seeded.publisher().publish("user:r000001")
    after = recipient.inbox(before["cursor"])
    assert [item["id"] for item in after["notifications"]] == [notification]
    assert after["unread"] == before["unread"] + 1
    with pytest.raises(ValueError, match="has a history already"):
        fill(Path(sqlite_url.removeprefix("sqlite:///")), SEED)

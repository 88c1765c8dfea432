"""Fixtures of a gateway inside the test process, and three actors with fixed roles."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifygate.storage import database
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock


@pytest.fixture(autouse=True)
def patient_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process's own transactions more time than PostgreSQL gives those of a gateway.

    The time-outs guard against a process that was stopped; on a busy machine a test's process may pause for as long
    without being stopped. Gateways that run as processes of their own keep them.
    """
    monkeypatch.setattr(
        database,
        "POSTGRESQL_OPTIONS",
        "-c lock_timeout=60s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s",
    )


@pytest.fixture
def make_app(database_url: str) -> Iterator[Callable[..., InProcessGateway]]:
    """Return a function that starts a gateway in this process with the given settings, by field name, and `clock`.

    All of one test share a database, so two are two nodes of one gateway.
    """
    made: list[InProcessGateway] = []

    def make(**settings: Any) -> InProcessGateway:
        made.append(InProcessGateway(database_url, is_migrated=True, **settings))
        return made[-1]

    yield make
    for gateway in made:
        gateway.stop()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test advances: `make_app(clock=clock)`."""
    return ManualClock()


@pytest.fixture
def app(make_app: Callable[..., InProcessGateway]) -> InProcessGateway:
    """A gateway with the defaults and no rate limits."""
    return make_app()


@pytest.fixture
def publisher(app: InProcessGateway) -> PublisherActor:
    """A publisher without restrictions."""
    return app.publisher()


@pytest.fixture
def alice(app: InProcessGateway) -> RecipientActor:
    """A recipient with the role `admin` whose inbox has begun."""
    return _with_inbox(app.recipient("alice", "admin"))


@pytest.fixture
def bob(app: InProcessGateway) -> RecipientActor:
    """A recipient without roles whose inbox has begun."""
    return _with_inbox(app.recipient("bob"))


@pytest.fixture
def mallory(app: InProcessGateway) -> RecipientActor:
    """A stranger with a valid token whose inbox has begun."""
    return _with_inbox(app.recipient("mallory"))


def _with_inbox(recipient: RecipientActor) -> RecipientActor:
    recipient.inbox()
    return recipient

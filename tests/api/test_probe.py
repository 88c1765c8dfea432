"""The probe, with which a client measures its path: GET /v1/probe (docs/protocol.md)."""

from collections.abc import Callable

import gevent
import pytest

from tests.api.helpers import expect_problem, run_ready_work
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.polling import answer_of
from tests.support.waiting import eventually


@pytest.fixture
def timed_app(make_app: Callable[..., InProcessGateway], clock: ManualClock) -> InProcessGateway:
    return make_app(clock=clock)


def probe(app: InProcessGateway, recipient: RecipientActor, seconds: int) -> gevent.Greenlet:
    """Return a probe that is held."""
    count = app.hold_count
    held = gevent.spawn(recipient.get, f"/v1/probe?hold={seconds}")
    eventually(lambda: app.hold_count == count + 1, "the probe is held")
    return held


def test_a_probe_is_held_for_the_requested_time_whatever_happens(
    timed_app: InProcessGateway, clock: ManualClock
) -> None:
    alice = timed_app.recipient("alice")
    held = probe(timed_app, alice, 20)
    clock.advance(19.5)
    timed_app.publisher().publish("user:alice", "would wake a poll")
    run_ready_work()
    assert not held.ready(), "not shortened at random, unlike the hold of a poll"
    clock.advance(0.5)
    assert answer_of(held).json == {"held": 20}


def test_a_probe_without_a_hold_is_answered_at_once(alice: RecipientActor) -> None:
    assert alice.get("/v1/probe?hold=0").json == {"held": 0}


def test_a_probe_counts_as_a_hold_of_the_recipient(app: InProcessGateway, alice: RecipientActor) -> None:
    """The seventh hold ends the oldest, which is the probe."""
    held, cursor = probe(app, alice, 50), alice.inbox()["cursor"]
    polls = [gevent.spawn(alice.poll, cursor, wait=50) for _ in range(6)]
    assert answer_of(held).json["held"] < 20
    assert not any(poll.ready() for poll in polls)
    gevent.killall(polls)


def test_a_probe_lasts_no_longer_than_its_token(timed_app: InProcessGateway, clock: ManualClock) -> None:
    alice = timed_app.recipient("alice")
    alice.credential = timed_app.token(exp=int(clock.wall()) + 10)  # by the clock of the test, not the machine's
    held = probe(timed_app, alice, 50)
    clock.advance(10)
    assert answer_of(held).json["held"] <= 10


def test_a_client_that_may_not_poll_may_not_probe(app: InProcessGateway, publisher: PublisherActor) -> None:
    expect_problem(app.anonymous().get("/v1/probe?hold=0"), 401, "unauthorized")
    expect_problem(publisher.get("/v1/probe?hold=0"), 403, "forbidden")


@pytest.mark.parametrize("query", ["", "hold=-1", "hold=1.5", "hold=long", "hold=0&wait=1"])
def test_an_invalid_probe_is_refused_by_the_name_of_the_field(alice: RecipientActor, query: str) -> None:
    answer = alice.get(f"/v1/probe?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == ["wait" if "wait" in query else "hold"]

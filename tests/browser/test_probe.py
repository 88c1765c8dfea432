"""The probe, by which a client measures its path: GET /v1/probe (docs/protocol.md). No browser is needed."""

import time

import gevent
import pytest

from tests.support.site import Publisher, Recipient, Site, new_session
from tests.support.waiting import eventually


@pytest.fixture
def alice(site: Site) -> Recipient:
    return site.recipient()


def held(alice: Recipient, seconds: int) -> tuple[int, float]:
    """Return the gateway's response to a probe, and the seconds that it took."""
    began = time.monotonic()
    answer = alice.poll(path="/v1/probe", hold=seconds)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"held"}
    return answer.json()["held"], time.monotonic() - began


def test_it_is_held_for_as_long_as_was_asked_whatever_happens(alice: Recipient, publisher: Publisher) -> None:
    alice.cursor()
    probe = gevent.spawn(held, alice, 2)
    gevent.sleep(0.5)
    publisher.publish(f"user:{alice.name}", "would wake a poll")
    said, took = probe.get(timeout=20)
    assert said == 2
    assert took >= 2, "not shortened at random, unlike the hold of a poll"


def test_no_hold_is_answered_at_once(alice: Recipient) -> None:
    said, took = held(alice, 0)
    assert said == 0
    assert took < 1.5


def test_it_counts_as_one_of_the_recipients_holds(alice: Recipient) -> None:
    """The seventh hold ends the oldest, which is the probe."""
    cursor = alice.cursor()
    probe = gevent.spawn(held, alice, 50)
    gevent.sleep(0.3)
    polls = [gevent.spawn(alice.poll, cursor, wait=50) for _ in range(6)]
    try:
        said, _ = probe.get(timeout=20)
        assert said < 20
        assert not any(poll.ready() for poll in polls)
    finally:
        gevent.killall(polls)


def test_it_lasts_no_longer_than_the_token(site: Site) -> None:
    said, took = held(site.recipient(seconds=2), 50)
    assert said <= 2
    assert took < 20


def test_who_may_not_poll_may_not_probe(alice: Recipient, publisher: Publisher) -> None:
    for credential, status in (("none", 401), (publisher.key, 403)):
        headers = {"Authorization": f"Bearer {credential}"}
        answer = alice.session.get(f"{alice.url}/v1/probe", params={"hold": 0}, headers=headers, timeout=20)
        assert answer.status_code == status


@pytest.mark.parametrize("query", [{}, {"hold": "-1"}, {"hold": "1.5"}, {"hold": "long"}, {"hold": 0, "wait": 1}])
def test_what_is_no_probe_is_refused_by_the_name_of_the_field(alice: Recipient, query: dict[str, object]) -> None:
    answer = alice.session.get(f"{alice.url}/v1/probe", params=query, timeout=20)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["wait" if "wait" in query else "hold"]


def test_connection_that_breaks_frees_the_hold(site: Site, alice: Recipient) -> None:
    def holds() -> float:
        text = new_session().get(f"{site.url}/metrics", timeout=20).text
        return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("notifygate_holds "))

    eventually(lambda: holds() == 0, "what other tests had held has ended")
    probe = gevent.spawn(held, alice, 50)
    eventually(lambda: holds() == 1, "the probe is held")
    probe.kill()
    alice.session.close()
    eventually(lambda: holds() == 0, "nobody is held any more")

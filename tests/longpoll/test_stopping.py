"""A gateway that stops or reloads: no held client sees an error, and it is fast."""

import os
import signal
import threading
import time
from collections.abc import Callable

import gevent
import pytest
import requests

from tests.support.site import MakeSite, Recipient, Site, each_worker_holds, new_session, worker_pids
from tests.support.waiting import all_done, eventually

QUICK_SECONDS = 10.0
"""Less than the time after which Docker kills, and half of gunicorn's time for requests under way."""


def hold(site: Site, readers: list[Recipient]) -> list[gevent.Greenlet]:
    """Hold polls, every second with a tag that ends it with a 304; return them as greenlets."""
    polls: list[gevent.Greenlet] = []
    for place, reader in enumerate(readers):
        first = reader.poll()
        etag = first.headers["ETag"] if place % 2 else None
        polls.append(gevent.spawn(reader.poll, first.json()["cursor"], etag=etag, wait=50))
    site.await_holds(len(readers))
    return polls


def stop(site: Site, number: int = signal.SIGTERM) -> int:
    """Stop the first gateway and return its exit code; the test's other greenlets run meanwhile."""
    return site.gateways[0].stop(number, seconds=40.0)


def press_ctrl_c(site: Site) -> int:
    """Stop the first gateway as a terminal does, which signals the workers too; return its exit code."""
    os.killpg(site.gateways[0].pid, signal.SIGINT)
    return stop(site, signal.SIGCONT)


@pytest.mark.parametrize("end", [stop, press_ctrl_c])
def test_every_hold_is_answered_when_the_gateway_stops(make_site: MakeSite, end: Callable[[Site], int]) -> None:
    site = make_site(WORKERS=2)
    readers = [site.recipient() for _ in range(50)]
    polls = hold(site, readers)
    began = time.monotonic()
    code = end(site)
    assert time.monotonic() - began < QUICK_SECONDS
    assert code == 0
    answers = all_done(polls)
    assert [answer.status_code for answer in answers] == [200, 304] * 25
    afters = {int(answer.headers["Poll-Interval"]) for answer in answers}
    assert afters <= set(range(1, 6)), "soon enough for the next gateway"
    assert len(afters) > 1, "and not all at once"
    for answer in answers[::2]:
        body = answer.json()
        assert (body["notifications"], body["removed"], body["reset"]) == ([], [], False)
        assert body["poll"]["wait"] == 0
    assert "Traceback" not in site.gateways[0].output


def test_publishing_under_way_is_answered_when_the_gateway_stops(make_site: MakeSite) -> None:
    site = make_site()
    alice, publishers = site.recipient(), [site.publisher() for _ in range(4)]
    alice.cursor()
    published: list[str] = []
    refused: list[requests.RequestException] = []

    def publish(place: int) -> None:
        while True:
            try:
                answer = publishers[place].post(f"user:{alice.name}")
            except requests.RequestException as error:
                refused.append(error)
                return
            assert answer.status_code == 201, answer.text
            published.append(answer.json()["id"])

    publishing = [gevent.spawn(publish, place) for place in range(4)]
    eventually(lambda: len(published) > 20, "some were published")
    assert stop(site) == 0
    all_done(publishing)
    site.gateways[0].restart()
    in_inbox = set[str]()
    page = alice.inbox(limit=200)
    while not in_inbox >= {item["id"] for item in page["notifications"]}:
        in_inbox |= {item["id"] for item in page["notifications"]}
        last = page["notifications"][-1]["id"]
        page = alice.poll(path="/v1/inbox/history", before=last, limit=200).json()
    assert set(published) <= in_inbox, "each publication answered with 201 is in the inbox"
    assert len(in_inbox) - len(published) <= len(publishers), (
        "and no others except those whose answer was lost on the way"
    )


def test_reload_answers_every_hold_and_the_clients_continue(make_site: MakeSite, postgres_url: str) -> None:
    site = make_site(postgres_url, WORKERS=2)
    readers, publisher = site.recipients(20), site.publisher()
    audiences = [f"user:{reader.name}" for reader in readers]
    enough = threading.Event()
    published: list[str] = []
    last = "the last one"

    def publish() -> None:
        while not enough.is_set():
            published.append(publisher.publish(audiences))
            gevent.sleep(0.05)
        published.append(publisher.publish(audiences, last))

    reading = [gevent.spawn(reader.read_until, last, reader.cursor()) for reader in readers]
    site.await_holds(len(readers))
    old = set(worker_pids(site.gateways[0]))
    publishing = gevent.spawn(publish)
    site.gateways[0].send(signal.SIGHUP)
    eventually(lambda: not old & set(worker_pids(site.gateways[0])), "other workers have taken over", seconds=40)
    site.await_workers()
    enough.set()
    all_done([publishing], seconds=40)
    for received in all_done(reading, seconds=40):
        assert received == published, "each once and in order, whichever worker returned it"


def test_killed_worker_loses_no_notification(make_site: MakeSite, postgres_url: str, redis_url: str) -> None:
    site = make_site(postgres_url, WORKERS=2, REDIS_URL=redis_url)
    publisher = site.publisher()
    readers: list[Recipient] = []
    cursors: list[str] = []
    polls: list[gevent.Greenlet] = []

    def both_hold() -> bool:
        """Hold another poll."""
        readers.append(site.recipient())
        cursors.append(readers[-1].cursor())
        polls.append(gevent.spawn(readers[-1].poll, cursors[-1], wait=50))
        site.await_holds(len(polls))
        return each_worker_holds(site.gateways[0])

    eventually(both_hold, "each worker holds a poll", seconds=60)
    victim = worker_pids(site.gateways[0])[0]
    os.kill(victim, signal.SIGKILL)
    notification_id = publisher.publish("all", "To everybody")
    cut_off = 0
    for reader, cursor, poll in zip(readers, cursors, polls, strict=True):
        try:
            (answer,) = all_done([poll])
        except requests.ConnectionError:
            cut_off += 1
            answer = reader.poll(cursor, wait=50)
        assert answer.status_code == 200
        assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]
    assert 0 < cut_off < len(readers)
    site.await_holds(0)  # those of the killed worker are no longer counted
    assert len(site.await_workers()) == 2
    assert new_session().get(f"{site.url}/readyz", timeout=20).status_code == 200

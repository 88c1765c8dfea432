"""Wake-ups of holds, on every kind of site: from one process to two nodes."""

import random
import time
from contextlib import ExitStack

import gevent
import pytest

from tests.support.site import Site, metric_of_worker, worker_pids
from tests.support.waiting import all_done


def test_notification_wakes_the_hold_of_its_recipient(site: Site) -> None:
    alice = site.recipient()
    with site.held([alice]) as polls:
        notification_id = site.publisher().publish(f"user:{alice.name}", "For you")
        (answer,) = all_done(polls)
    assert answer.status_code == 200
    body = answer.json()
    assert [item["id"] for item in body["notifications"]] == [notification_id]
    assert (body["unread"], body["has_more"], body["reset"]) == (1, False, False)
    assert answer.headers["Preference-Applied"] == "wait=50"


def test_hold_is_woken_by_whichever_gateway_is_posted_to(site: Site) -> None:
    readers = site.recipients(4)
    for at in range(len(site.gateways)):
        publisher = site.publisher(at=at)
        with site.held(readers) as polls:
            notification_id = publisher.publish([f"user:{reader.name}" for reader in readers])
            for answer in all_done(polls):
                assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]


def holds_of_workers(site: Site) -> list[float]:
    gateway = site.gateways[0]
    if site.workers == 1:
        return [site.metric("notifygate_holds")]
    return [metric_of_worker(gateway, pid, "notifygate_holds") for pid in worker_pids(gateway)]


def check_broadcast(site: Site, count: int) -> None:
    publisher = site.publisher()
    with ExitStack() as stack:
        polls: list[gevent.Greenlet] = []
        # Which worker takes a connection is up to the system, and on a busy machine one may take them all for a while.
        while len(polls) < count or not all(holds_of_workers(site)):
            assert len(polls) < count + 1000, "all holds are in one worker, which shows nothing of the others"
            more = 30 if polls else count
            readers = [site.recipient(at=place % len(site.gateways)) for place in range(more)]
            polls += stack.enter_context(site.held(readers, [reader.cursor() for reader in readers]))
        notification_id = publisher.publish("all", "For everybody")
        answers = all_done(polls)
    for answer in answers:
        assert answer.status_code == 200
        assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]
    site.await_holds(0)


@pytest.mark.parametrize("site", ["sqlite", "postgresql and redis, two workers"], indirect=True)
def test_broadcast_reaches_two_hundred_holds(site: Site) -> None:
    check_broadcast(site, 200)


def test_broadcast_reaches_the_holds_of_every_worker(site: Site) -> None:
    check_broadcast(site, 30)


def test_storm_arrives_whole_and_in_order(site: Site) -> None:
    readers = site.recipients(12)
    audiences = [f"user:{reader.name}" for reader in readers]
    topic = f"storm-{readers[0].name}"
    for reader in readers:
        reader.session.put(f"{reader.url}/v1/inbox/topics/{topic}", timeout=60).raise_for_status()
    cursors = [reader.cursor() for reader in readers]
    published: list[tuple[str, list[str]]] = []
    done = "the last one"

    def publish(at: int) -> None:
        publisher, chance = site.publisher(at=at % len(site.gateways)), random.Random(at)
        for number in range(50):
            to = [f"topic:{topic}"] if number % 5 == 0 else chance.sample(audiences, chance.randint(1, 4))
            published.append((publisher.publish(to, f"{at}.{number}"), to))

    def read(place: int) -> list[list[str]]:
        reader, cursor = readers[place], cursors[place]
        pages: list[list[str]] = []
        while True:
            body = reader.inbox(cursor, wait=20, limit=7)
            assert not body["reset"]
            cursor = body["cursor"]
            pages.append([item["id"] for item in body["notifications"]])
            if any(item["title"] == done for item in body["notifications"]):
                return pages

    began = time.monotonic()
    reading = [gevent.spawn(read, place) for place in range(len(readers))]
    all_done([gevent.spawn(publish, at) for at in range(4)], seconds=60)
    last = site.publisher().publish(audiences, done)
    told = all_done(reading, seconds=60)
    print(f"the storm took {time.monotonic() - began:.1f} s")
    orders: list[list[str]] = []
    for reader, pages in zip(readers, told, strict=True):
        ids = [notification_id for page in pages for notification_id in page]
        mine = {i for i, to in published if f"user:{reader.name}" in to or f"topic:{topic}" in to}
        assert sorted(ids) == sorted(mine | {last}), "each exactly once, and nothing of others"
        assert ids[-1] == last
        orders.append(ids)
    # All recipients get shared notifications in the same order: that of the log.
    for ids in orders[1:]:
        shared = set(ids) & set(orders[0])
        assert [i for i in ids if i in shared] == [i for i in orders[0] if i in shared]

"""Wake-ups of holds, on every kind of site: from one process to two nodes."""

import random
from contextlib import ExitStack

import gevent

from tests.support.site import Site, metric_of_worker, worker_pids
from tests.support.waiting import all_done


def test_hold_is_woken_by_a_publication_to_any_gateway(site: Site) -> None:
    for at in range(len(site.gateways)):
        site.check_wakes(site.recipients(4), site.publisher(at=at))


def holds_of_workers(site: Site) -> list[float]:
    gateway = site.gateways[0]
    if site.workers == 1:
        return [site.metric("notifygate_holds")]
    return [metric_of_worker(gateway, pid, "notifygate_holds") for pid in worker_pids(gateway)]


def test_broadcast_reaches_the_holds_of_every_worker(site: Site) -> None:
    with ExitStack() as stack:
        polls: list[gevent.Greenlet] = []
        # The system chooses the worker that accepts a connection; on a busy machine one may accept all for a while.
        while not polls or not all(holds_of_workers(site)):
            assert len(polls) < 1000, "all holds are in one worker, which proves nothing about the others"
            readers = [site.recipient(at=place % len(site.gateways)) for place in range(30)]
            polls += stack.enter_context(site.held(readers, [reader.cursor() for reader in readers]))
        notification_id = site.publisher().publish("all", "For everybody")
        for answer in all_done(polls):
            assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]
    site.await_holds(0)


def test_many_publications_at_once_arrive_completely_and_in_order(site: Site) -> None:
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

    reading = [
        gevent.spawn(reader.read_until, done, cursor, limit=7) for reader, cursor in zip(readers, cursors, strict=True)
    ]
    all_done([gevent.spawn(publish, at) for at in range(4)], seconds=60)
    last = site.publisher().publish(audiences, done)
    received = all_done(reading, seconds=60)
    orders: list[list[str]] = []
    for reader, ids in zip(readers, received, strict=True):
        mine = {i for i, to in published if f"user:{reader.name}" in to or f"topic:{topic}" in to}
        assert sorted(ids) == sorted(mine | {last}), "each exactly once, and none of others"
        assert ids[-1] == last
        orders.append(ids)
    # All recipients get shared notifications in the same order: that of the log.
    for ids in orders[1:]:
        shared = set(ids) & set(orders[0])
        assert [i for i in ids if i in shared] == [i for i in orders[0] if i in shared]

"""Redis stopped, hanging or restarted: wake-ups are late then, without other effects."""

import time

import pytest

from tests.support.redis_server import RedisServer
from tests.support.site import MakeSite, Publisher, Recipient, Site, new_session
from tests.support.waiting import eventually, stays

LATE_SECONDS = 10.0
"""Far more than the second after which a worker reads the head, far less than the wait of a hold."""

LONGEST_REQUEST_SECONDS = 5.0
"""More than a request may take on a busy machine, less than redis-py's own retries (40 s)."""

COUNTED_AFTER_SECONDS = 2.5
"""More than the grace of a second and the interval of a second after which a rescue is counted."""

PUBLISH_LIMIT = {"LIMIT_PUBLISH": "1200/minute", "LIMIT_POLL": "300/minute"}
"""Limits that are shared through Redis, so that requests use it."""


@pytest.fixture
def redis(own_redis_server: RedisServer) -> RedisServer:
    """A Redis of this test alone."""
    return own_redis_server


def is_connected(site: Site) -> bool:
    return all(site.metric("notifygate_redis_up", at) == 1 for at in range(len(site.gateways)))


def rescues_of(site: Site) -> float:
    """Return how many entries the second gateway, which gets no publications, found by reading the head."""
    return site.metric("notifygate_lost_wake_rescues_total", 1)


def degraded(site: Site) -> list[str]:
    answer = new_session().get(f"{site.url}/readyz", timeout=20, headers={"Connection": "close"})
    assert answer.status_code == 200, "Redis is not needed to be ready"
    return answer.json()["degraded"]


def publish_to_holds(site: Site, readers: list[Recipient], publisher: Publisher) -> float:
    """Publish to all readers while they are held; return how long it took until the last has it."""
    publishing_seconds, seconds = site.check_wakes(readers, publisher)
    assert publishing_seconds < LONGEST_REQUEST_SECONDS, "publishing waited for Redis"
    return seconds


def poll_quickly(readers: list[Recipient]) -> None:
    for reader in readers:
        began = time.monotonic()
        assert reader.poll().status_code == 200
        assert time.monotonic() - began < LONGEST_REQUEST_SECONDS, "a poll waited for Redis"


def test_stopped_redis_delays_wake_ups_by_a_second_and_is_counted(
    make_site: MakeSite, postgres_url: str, redis: RedisServer
) -> None:
    site = make_site(postgres_url, gateways=2, REDIS_URL=redis.url, **PUBLISH_LIMIT)
    readers, publisher = site.recipients(12), site.publisher()
    eventually(lambda: is_connected(site), "both are connected to Redis")
    publish_to_holds(site, readers, publisher)
    stays(lambda: rescues_of(site) == 0, "a healthy Redis leaves nothing to rescue", seconds=COUNTED_AFTER_SECONDS)

    redis.stop()
    assert publish_to_holds(site, readers, publisher) < LATE_SECONDS
    poll_quickly(readers)
    eventually(lambda: rescues_of(site) >= 1, "the rescue is counted")
    eventually(lambda: not is_connected(site), "the gateways notice that Redis is away")
    assert degraded(site) == ["redis"]
    assert site.metric("notifygate_redis_errors_total") >= 1

    redis.start()
    eventually(lambda: is_connected(site), "Redis is found again")
    assert degraded(site) == []
    rescues = rescues_of(site)
    for _ in range(3):
        publish_to_holds(site, readers, publisher)
    stays(lambda: rescues_of(site) == rescues, "nothing more is rescued", seconds=COUNTED_AFTER_SECONDS)


def test_hanging_redis_delays_no_request(make_site: MakeSite, postgres_url: str, redis: RedisServer) -> None:
    """Nor the start of the gateway."""
    redis.pause()
    site = make_site(postgres_url, WORKERS=2, REDIS_URL=redis.url, **PUBLISH_LIMIT)
    readers, publisher = site.recipients(12), site.publisher()
    assert degraded(site) == ["redis"]
    assert publish_to_holds(site, readers, publisher) < LATE_SECONDS
    redis.resume()
    eventually(lambda: is_connected(site), "Redis is found when it is available")
    eventually(lambda: degraded(site) == [], "both workers report it")
    redis.pause()
    for _ in range(3):
        assert publish_to_holds(site, readers, publisher) < LATE_SECONDS
        poll_quickly(readers)
    eventually(lambda: not is_connected(site), "the gateway notices that Redis hangs")
    assert publish_to_holds(site, readers, publisher) < LATE_SECONDS
    redis.resume()
    eventually(lambda: is_connected(site), "Redis is found again")
    publish_to_holds(site, readers, publisher)

"""Gateways on a Redis behind Sentinel, and the failure of its master under publications and held polls.

Workers read the head only once a minute here, so entries that are delivered sooner were announced, or read when a
worker had connected to the new master.
"""

import time
from collections.abc import Callable

from tests.ha.load import Device, Publishing, slowest_delivery_seconds
from tests.support.sentinel import SentinelRedis
from tests.support.site import RARE_HEAD_READS, MakeSite, Site
from tests.support.waiting import eventually

ANNOUNCED_SECONDS = 50.0
"""Less than the interval between reads of the head, more than any fail-over on a busy machine. docs/reliability.md has the
figures."""

LIMITS = {"LIMIT_PUBLISH": "100000/day", "LIMIT_POLL": "100000/day"}
"""Limits that are shared through Redis, so that requests use it."""


def start_site(make_site: MakeSite, database_url: str, redis: SentinelRedis) -> Site:
    """Start two gateways of two workers that announce to each other through a Redis behind Sentinels."""
    rare = {name.removeprefix("NOTIFYGATE_"): value for name, value in RARE_HEAD_READS.items()}
    site = make_site(database_url, gateways=2, WORKERS=2, REDIS_URL=redis.url, **rare, **LIMITS)
    await_connected(site)
    return site


def await_connected(site: Site) -> None:
    for at in range(len(site.gateways)):
        eventually(lambda at=at: site.metric("notifygate_redis_up", at) == 1, "all workers are connected to Redis")


def workers_on(redis: SentinelRedis, port: int) -> int:
    """Return the number of workers that are subscribed at a server."""
    with redis.connect(port) as client:
        return sum(one["user"] == "notifygate" and one["sub"] == "1" for one in client.client_list())


def fail_over_under_load(site: Site, redis: SentinelRedis, fail: Callable[[int], None]) -> float:
    """Make the master fail under load; return the slowest delivery when the load is on the new one, in seconds."""
    device, publishing = Device(site.recipient(at=1)), Publishing(site.publisher(at=0))
    try:
        publishing.await_more(10)
        device.await_all(publishing)
        failing, began = redis.master(), time.monotonic()
        fail(failing)
        new = redis.other(failing)
        eventually(lambda: redis.is_master(new), "the Sentinels name another master", seconds=60)
        named = time.monotonic()
        eventually(lambda: workers_on(redis, new) == 4, "all workers are at the new master", seconds=60)
        followed = time.monotonic()
        publishing.await_more(10)
        publishing.stop()
        device.await_all(publishing)
    finally:
        device.stop()
    slowest = slowest_delivery_seconds(publishing, device)
    print(
        f"new master named after {named - began:.1f} s, all workers there after {followed - began:.1f} s, "
        f"{len(publishing.acknowledged)} acknowledged, longest gap {publishing.longest_gap_seconds():.2f} s, "
        f"slowest delivery {slowest:.2f} s"
    )
    assert publishing.refused == 0, "publishing does not depend on Redis"
    assert list(device.received) == list(publishing.acknowledged), "in order"
    assert (device.repeated, device.resets) == ([], 0)
    await_connected(site)
    return slowest

"""A PostgreSQL under Patroni whose leader is changed by a switchover, and killed, under publications and held polls.

`make ha` runs it; a run takes about three minutes. Figures are in docs/reliability.md.
"""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.ha.conftest import skip_without
from tests.ha.load import Device, Publishing
from tests.support.binaries import BinaryNotFoundError
from tests.support.patroni import PatroniCluster
from tests.support.site import MakeSite, Site
from tests.support.waiting import eventually

WRITES = 25
"""Acknowledged before, between and after the events."""


@pytest.fixture
def cluster(is_synchronous: bool) -> Iterator[PatroniCluster]:
    """A leader and a follower of this test alone."""
    made = PatroniCluster(is_synchronous=is_synchronous)
    try:
        made.start()
        yield made
    except BinaryNotFoundError as error:
        skip_without(error)
    finally:
        made.close()


def promotions(site: Site) -> int:
    """Return how many new epochs the gateways began because of a promotion."""
    return sum(gateway.output.count("was promoted (timeline") for gateway in site.gateways)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("is_synchronous", "setting"),
    [(True, True), (True, False), (False, False)],
    ids=["synchronous, and told so", "synchronous", "asynchronous"],
)
def test_leader_is_changed_and_killed_under_load(
    make_site: MakeSite, cluster: PatroniCluster, redis_url: str, is_synchronous: bool, setting: bool
) -> None:
    site = make_site(cluster.url, gateways=2, REDIS_URL=redis_url, DATABASE_SYNCHRONOUS=setting)
    device, publishing = Device(site.recipient(at=1)), Publishing(site.publisher(at=0), seconds_between=0.05)
    gaps: list[float] = []
    try:
        for change in ("switch-over", "kill"):
            publishing.await_more(WRITES, seconds=300)
            leader, follower = cluster.leader(), cluster.follower()
            began = time.monotonic()
            if change == "kill":
                leader.kill()
            else:
                leader.switch_over(follower)
            eventually(lambda node=follower: node.role() == "primary", "the follower leads", seconds=300)
            publishing.await_more(WRITES, seconds=300)
            gaps.append(publishing.longest_gap_seconds(since=began - 1))
            if change == "kill":
                leader.start()
            cluster.await_both()
        publishing.await_more(WRITES, seconds=300)
        publishing.stop()
        lost = _settle(publishing, device)
    finally:
        device.stop()
    print(
        f"synchronous {is_synchronous}, NOTIFYGATE_DATABASE_SYNCHRONOUS {setting}: {len(publishing.acknowledged)} "
        f"acknowledged, {len(lost)} lost, {publishing.refused} refused, {len(device.repeated)} repeated, "
        f"{device.resets} resets, gap of switch-over {gaps[0]:.1f} s, of kill {gaps[1]:.1f} s"
    )
    assert device.inbox == device.fresh_inbox()
    assert max(Counter(device.inbox.values()).values()) == 1, "published once"
    assert device.repeated == []
    if is_synchronous:
        assert lost == set()
    assert device.resets == promotions(site) == (0 if setting else 2)
    assert "Traceback" not in "".join(gateway.output for gateway in site.gateways)


def _settle(publishing: Publishing, device: Device) -> set[str]:
    """Return the acknowledged titles that are missing when the device has the last one."""
    last = list(publishing.acknowledged)[-1]
    eventually(lambda: last in device.inbox.values(), "the last is received", seconds=120)
    device.check()
    return publishing.acknowledged.keys() - set(device.inbox.values())


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("is_synchronous", [True])
def test_leader_that_hangs_is_replaced_and_comes_back_as_follower(
    make_site: MakeSite, cluster: PatroniCluster, redis_url: str
) -> None:
    """Its connections stay open, and when it resumes it acts as the leader for a moment: writes that it accepts then are
    acknowledged by no standby, and so by no gateway."""
    site = make_site(cluster.url, gateways=2, REDIS_URL=redis_url, DATABASE_SYNCHRONOUS=True)
    device, publishing = Device(site.recipient(at=1)), Publishing(site.publisher(at=0), seconds_between=0.05)
    try:
        publishing.await_more(WRITES, seconds=300)
        leader, follower = cluster.leader(), cluster.follower()
        began = time.monotonic()
        leader.freeze()
        eventually(lambda: follower.role() == "primary", "the follower leads", seconds=300)
        publishing.await_more(WRITES, seconds=300)
        gap = publishing.longest_gap_seconds(since=began - 1)
        leader.thaw()
        cluster.await_both()
        publishing.await_more(WRITES, seconds=300)
        publishing.stop()
        lost = _settle(publishing, device)
    finally:
        device.stop()
    print(f"leader that hangs: {len(publishing.acknowledged)} acknowledged, {len(lost)} lost, gap {gap:.1f} s")
    assert lost == set()
    assert device.inbox == device.fresh_inbox()
    assert max(Counter(device.inbox.values()).values()) == 1, "published once"
    assert (device.repeated, device.resets) == ([], 0)

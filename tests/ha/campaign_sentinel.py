"""The master of a Redis behind Sentinel hangs, and is killed where all connections use TLS. `make ha` runs it."""

import pytest

from tests.ha.conftest import MakeRedis
from tests.ha.sentinel_site import ANNOUNCED_SECONDS, fail_over_under_load, start_site, workers_on
from tests.support.site import MakeSite
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)


def test_workers_leave_a_master_that_hangs_for_some_time(
    make_site: MakeSite, make_redis: MakeRedis, postgres_url: str
) -> None:
    """When it resumes it is a master until the Sentinels have demoted it; no worker is connected to it any more. The first
    Sentinel of the URL hangs, too."""
    redis = make_redis()
    site = start_site(make_site, postgres_url, redis)
    hanging = redis.master()
    redis.freeze_sentinel(0)
    assert fail_over_under_load(site, redis, redis.freeze) < ANNOUNCED_SECONDS
    redis.thaw(hanging)
    eventually(lambda: workers_on(redis, hanging) == 0, "its earlier connections are closed")
    assert workers_on(redis, redis.other(hanging)) == 4
    assert "Traceback" not in "".join(gateway.output for gateway in site.gateways)


def test_servers_and_sentinels_may_have_tls_alone(
    make_site: MakeSite, make_redis: MakeRedis, postgres_url: str
) -> None:
    redis = make_redis(has_tls=True)
    site = start_site(make_site, postgres_url, redis)
    assert fail_over_under_load(site, redis, redis.kill) < ANNOUNCED_SECONDS

"""The master of a Redis behind Sentinel is killed. `campaign_sentinel.py` has more, for `make ha`."""

from tests.ha.conftest import MakeRedis
from tests.ha.sentinel_site import ANNOUNCED_SECONDS, fail_over_under_load, start_site
from tests.support.site import MakeSite


def test_workers_follow_a_master_that_was_killed(make_site: MakeSite, make_redis: MakeRedis, postgres_url: str) -> None:
    redis = make_redis()
    site = start_site(make_site, postgres_url, redis)
    assert fail_over_under_load(site, redis, redis.kill) < ANNOUNCED_SECONDS
    assert "Traceback" not in "".join(gateway.output for gateway in site.gateways)

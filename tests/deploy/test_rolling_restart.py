"""Two gateways of two workers are restarted one after the other, and no request through the proxy fails.

`make campaign-rolling` repeats it ten times for each proxy and prints figures.
"""

import os
import ssl

import pytest

from tests.deploy.conftest import KINDS
from tests.deploy.rolling import restart_one_after_the_other
from tests.support.site import MakeSite
from tests.support.traffic import Traffic
from tests.support.waiting import eventually

RUNS = int(os.environ.get("NOTIFYGATE_TEST_ROLLING_RUNS", "1"))


@pytest.mark.timeout(300 + 300 * RUNS)
@pytest.mark.parametrize("kind", KINDS)
def test_rolling_restart_fails_no_request(make_site: MakeSite, postgres_url: str, redis_url: str, kind: str) -> None:
    site = make_site(postgres_url, gateways=2, WORKERS=2, REDIS_URL=redis_url, TRUSTED_PROXIES=1, LOG_LEVEL="warning")
    proxy = KINDS[kind](site.gateways)
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    traffic = Traffic(proxy.url, site.recipient().token, site.publisher().key, context=context)
    try:
        for run in range(1, RUNS + 1):
            eventually(lambda: traffic.outcomes["published"] > 20, "requests are answered", seconds=120)
            seconds = restart_one_after_the_other(site, proxy)
            print(f"{kind}, run {run}: {seconds:.1f} s, so far {dict(traffic.outcomes)}", flush=True)
        traffic.stop()
        print(f"{kind}, {RUNS} runs: {dict(traffic.outcomes)}, slowest {traffic.slowest_seconds:.2f} s", flush=True)
        assert traffic.failures == {}
        assert min(traffic.outcomes[what] for what in ("polled", "published", "held")) > 0
    finally:
        traffic.abandon()
        print(proxy.output[-3000:])
        proxy.close()

"""Two gateways of two workers are restarted one after the other, and no request through nginx or HAProxy fails.

`make campaign-rolling` repeats it ten times and prints figures.
"""

import os
import ssl
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

import pytest

from tests.deploy.conftest import KINDS
from tests.support.proxies import Haproxy, Proxy
from tests.support.site import MakeSite, Site, new_session
from tests.support.traffic import Traffic
from tests.support.waiting import eventually

RUNS = int(os.environ.get("NOTIFYGATE_TEST_ROLLING_RUNS", "1"))
STARTED_WITHIN_SECONDS = 120.0


def restart_one_after_the_other(site: Site, proxies: Sequence[Proxy]) -> float:
    """Restart all gateways of a site, each when the one before is ready; return the seconds."""
    began = time.monotonic()
    for gateway in site.gateways:
        gateway.restart()

        def is_ready(url: str = gateway.url) -> bool:
            return new_session().get(f"{url}/readyz", timeout=60).status_code == 200

        eventually(is_ready, "the gateway is ready", seconds=STARTED_WITHIN_SECONDS)
        for proxy in proxies:
            if isinstance(proxy, Haproxy):
                eventually(proxy.has_all_gateways, "the proxy's health checks", seconds=STARTED_WITHIN_SECONDS)
    return time.monotonic() - began


@pytest.mark.timeout(300 + 300 * RUNS)
def test_rolling_restart_fails_no_request(make_site: MakeSite, postgres_url: str, redis_url: str) -> None:
    site = make_site(postgres_url, gateways=2, WORKERS=2, REDIS_URL=redis_url, TRUSTED_PROXIES=1, LOG_LEVEL="warning")
    with ExitStack() as stack:
        proxies = [stack.enter_context(closing(kind(site.gateways))) for kind in KINDS.values()]
        traffics: list[Traffic] = []
        for proxy in proxies:
            context = ssl.create_default_context(cafile=str(proxy.certificate))
            key = site.publisher().key
            traffics.append(Traffic(proxy.url, site.recipient().token, key, context=context))
            stack.callback(traffics[-1].abandon)
        for run in range(1, RUNS + 1):
            eventually(lambda: all(traffic.outcomes["published"] > 20 for traffic in traffics), "answers", seconds=120)
            seconds = restart_one_after_the_other(site, proxies)
            print(f"run {run}: {seconds:.1f} s, so far {[dict(traffic.outcomes) for traffic in traffics]}", flush=True)
        for kind, proxy, traffic in zip(KINDS, proxies, traffics, strict=True):
            traffic.stop()
            print(f"{kind}: {dict(traffic.outcomes)}, slowest {traffic.slowest_seconds:.2f} s", proxy.output[-3000:])
            assert traffic.failures == {}, kind
            assert min(traffic.outcomes[outcome] for outcome in ("polled", "published", "held")) > 0

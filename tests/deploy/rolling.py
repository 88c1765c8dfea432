"""A rolling restart, as docs/operations.md describes it."""

import time

from tests.support.proxies import Haproxy, Proxy
from tests.support.site import Site, new_session
from tests.support.waiting import eventually

STARTED_WITHIN_SECONDS = 120.0


def restart_one_after_the_other(site: Site, proxy: Proxy) -> float:
    """Restart all gateways of a site, each when the one before is ready; return how many seconds that took."""
    began = time.monotonic()
    for gateway in site.gateways:
        gateway.restart()

        def is_ready(url: str = gateway.url) -> bool:
            return new_session().get(f"{url}/readyz", timeout=60).status_code == 200

        eventually(is_ready, "the gateway is ready", seconds=STARTED_WITHIN_SECONDS)
        if isinstance(proxy, Haproxy):
            eventually(proxy.has_all_gateways, "the proxy knows that", seconds=STARTED_WITHIN_SECONDS)
    return time.monotonic() - began

"""Gateways behind the documented proxies."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.proxies import Haproxy, Nginx, Proxy
from tests.support.site import Site

MakeProxy = Callable[..., Proxy]

KINDS: dict[str, type[Proxy]] = {"nginx": Nginx, "haproxy": Haproxy}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway that believes one proxy."""
    env = {"NOTIFYGATE_TRUSTED_PROXIES": "1", "NOTIFYGATE_LIMIT_FAILED_AUTH": "2/minute"}
    running = Site(f"sqlite:///{tmp_path_factory.mktemp('site')}/notifygate.db", env)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, site: Site) -> Iterator[Proxy]:
    """Each of the documented proxies in front of that gateway."""
    running = KINDS[request.param](site.gateways)
    yield running
    print(running.output)
    running.close()

"""Gateways behind the documented proxies."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.proxies import Haproxy, Nginx, Proxy
from tests.support.site import Site, running_site

KINDS: dict[str, type[Proxy]] = {"nginx": Nginx, "haproxy": Haproxy}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway that trusts one proxy."""
    with running_site(tmp_path_factory.mktemp("site"), TRUSTED_PROXIES=1, LIMIT_FAILED_AUTH="2/minute") as site:
        yield site


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, site: Site) -> Iterator[Proxy]:
    """Each of the documented proxies in front of that gateway."""
    with closing(KINDS[request.param](site.gateways)) as running:
        yield running
        print(running.output)

"""Fixtures of the browser tests, and the warning at the end of a run that skipped them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest
from playwright.sync_api import Page

from tests.browser.bell_site import bell_site, bells
from tests.browser.examples import built_examples, examples
from tests.browser.front import Front
from tests.browser.node_tools import PACKAGES, run_client
from tests.browser.phantom import old_browser, running_old_browser
from tests.support.browser import Device, NewDevice, chromium, missing, new_device
from tests.support.firefox import firefox, running_firefox
from tests.support.site import Publisher, Recipient, Site, running_site

Publish = Callable[..., str]
Axe = Callable[[Page], list[str]]

__all__ = [
    "bell_site",
    "bells",
    "built_examples",
    "chromium",
    "examples",
    "firefox",
    "new_device",
    "old_browser",
    "running_firefox",
    "running_old_browser",
]


@pytest.fixture(scope="package")
def other_origin() -> Iterator[Front]:
    """Serves pages of another origin than the gateway's, which the gateway allows; and nothing else."""
    with closing(Front("http://127.0.0.1:1")) as running:
        yield running


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, other_origin: Front) -> Iterator[Site]:
    """The real gateway, for all tests that leave it running; each has recipients of its own."""
    with running_site(tmp_path_factory.mktemp("site"), POLL_AFTER=1, CORS_ORIGINS=other_origin.url) as running:
        yield running


@pytest.fixture(scope="package")
def publisher(site: Site) -> Publisher:
    """A publisher without restrictions."""
    return site.publisher()


@pytest.fixture
def alice(site: Site) -> Recipient:
    """A new recipient."""
    return site.recipient()


@pytest.fixture
def publish(publisher: Publisher, alice: Recipient) -> Publish:
    """Publishes to Alice; returns the id of the notification."""
    return partial(publisher.publish, f"user:{alice.name}")


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    """A new device."""
    return new_device()


@pytest.fixture
def front(site: Site) -> Iterator[Front]:
    """A proxy in front of the gateway that also serves the tests' pages; tests may make it misbehave."""
    with closing(Front(site.url)) as running:
        yield running


@pytest.fixture(scope="package")
def axe() -> Axe:
    """Runs axe-core in a page and its frames, and returns the violations."""
    run_client("install")
    script = (PACKAGES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    def run(page: Page) -> list[str]:
        for frame in page.frames:
            frame.evaluate(script)
        rules = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in rules for node in rule["nodes"]
        ]

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the missing programs at the end of the output."""
    if missing:
        terminalreporter.section("BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        for message in sorted(missing):
            terminalreporter.line(message, red=True)

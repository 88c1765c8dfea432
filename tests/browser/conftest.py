"""Fixtures of the browser tests, and the loud word at the end of a run that had to go without them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.bell_site import bell_site
from tests.browser.examples import built_examples, examples
from tests.browser.front import Front
from tests.browser.node_tools import NpmError, node_module
from tests.browser.phantom import old_browser
from tests.support.browser import chromium, go_without, missing, new_device
from tests.support.site import Publisher, Site

QUICK = {"NOTIFYGATE_POLL_AFTER": "1"}
"""So that no test waits long for a short poll."""

__all__ = ["bell_site", "built_examples", "chromium", "examples", "new_device", "old_browser"]


@pytest.fixture(scope="package")
def other_origin() -> Iterator[Front]:
    """Serves pages of another origin than the gateway's, which the gateway has been told of; and nothing else."""
    running = Front("http://127.0.0.1:1")
    yield running
    running.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, other_origin: Front) -> Iterator[Site]:
    """The real gateway, for all tests that leave it running; each has recipients of its own."""
    env = {**QUICK, "NOTIFYGATE_CORS_ORIGINS": other_origin.url}
    running = Site(f"sqlite:///{tmp_path_factory.mktemp('site')}/notifygate.db", env)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def restarting_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway that tests stop, kill and start again; each leaves it running."""
    running = Site(f"sqlite:///{tmp_path_factory.mktemp('restarting')}/notifygate.db", QUICK)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="package")
def publisher(site: Site) -> Publisher:
    """May publish everything to everybody."""
    return site.publisher()


@pytest.fixture
def front(site: Site) -> Iterator[Front]:
    """A well-behaved proxy before the gateway that also serves the tests' pages; tests may spoil it."""
    running = Front(site.url)
    yield running
    running.close()


@pytest.fixture(scope="package")
def acorn() -> Path:
    """The program of the parser that says whether a file is ES5; for `run_node`."""
    return _npm_file("acorn/bin/acorn")


@pytest.fixture(scope="package")
def axe_script() -> str:
    """The source of axe-core, to be run in a page: `page.evaluate(axe_script)`, then `page.evaluate("axe.run()")`."""
    return _npm_file("axe-core/axe.min.js").read_text(encoding="utf-8")


def _npm_file(path: str) -> Path:
    try:
        return node_module(path)
    except NpmError as error:
        go_without(str(error))
        raise


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was missing where nobody can overlook it."""
    if missing:
        terminalreporter.section("BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        for message in sorted(missing):
            terminalreporter.line(message, red=True)

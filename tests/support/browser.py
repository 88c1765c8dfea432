"""The machine's Chromium, driven by Playwright: devices and their tabs, whose consoles must stay quiet.

Playwright downloads no browser here: the distribution's is used. Its synchronous interface works in this gevent process
as it is: it waits in `select`, which gevent has patched, so servers in greenlets beside the test (see
`tests/browser/front.py`) run meanwhile. While it is started an asyncio loop counts as running in the main thread,
hence the fixture ends with the package that uses it and not with the run.

Used by `tests/browser/conftest.py`, which imports the fixtures.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebError, sync_playwright

CHROMIUM_VARIABLE = "NOTIFYGATE_TEST_CHROMIUM"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The first that is installed is used. Debian's chromium-headless-shell is Chromium without a user interface: the same
engine, with which a page is there in a quarter of the time."""

FLAGS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Nothing is sent to other servers than the test's own.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

HOW_TO_INSTALL = (
    "no Chromium on this machine. Install it (Debian: apt-get install chromium-headless-shell; elsewhere: chromium) "
    f"or name one with {CHROMIUM_VARIABLE}=/path/to/chromium"
)

NETWORK_ERROR = "Failed to load resource"
"""Chromium's own console message for every request that fails or gets 4xx or 5xx."""

PATIENCE_MS = 15_000.0
"""How long a test waits in the page for an immediate effect: long, since machines may be busy."""

missing: set[str] = set()
"""Missing programs; the run's summary lists them again."""


def find_program(variable: str, names: Sequence[str]) -> Path | None:
    """Return the program that an environment variable names, else the first of some names on this machine."""
    given = os.environ.get(variable)
    for name in (given,) if given else names:
        if path := shutil.which(name):
            return Path(path)
    return None


def go_without(message: str) -> None:
    """Skip the test because a program is missing, and list it in the summary; in CI, fail it."""
    missing.add(message)
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


class Device:
    """One browser with storage, cache and network of its own, as on one of a recipient's devices."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.context.set_default_timeout(PATIENCE_MS)
        self.expects_network_errors = False
        """True where a test breaks the network or has requests refused on purpose."""
        self.expected_complaints: list[str] = []
        """Beginnings of expected console messages."""
        self._complaints: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings in the consoles of all tabs, and uncaught exceptions."""
        expected = (
            *self.expected_complaints,
            *([f"error: {NETWORK_ERROR}"] if self.expects_network_errors else []),
        )
        return [text for text in self._complaints if not text.startswith(expected)]

    def open(self, url: str) -> Page:
        """Open a tab and load a page."""
        page = self.context.new_page()
        page.goto(url)
        return page

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _on_error(self, error: WebError) -> None:
        self._complaints.append(f"uncaught: {error.error}")


NewDevice = Callable[..., Device]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of all tests of the package; without one they are skipped, and in CI they fail."""
    program = find_program(CHROMIUM_VARIABLE, NAMES)
    if program is None:
        go_without(HOW_TO_INSTALL)
    # Chromium's sandbox refuses root, the user of many containers and CI runners.
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def new_device(chromium: Browser) -> Iterator[NewDevice]:
    """Return a function that makes a `Device`; it takes the options of Playwright's `new_context`.

    Afterwards the test fails if a console has shown an error or a warning.
    """
    devices: list[Device] = []

    def make(**options: Any) -> Device:
        devices.append(Device(chromium.new_context(**options)))
        return devices[-1]

    yield make
    complaints = [text for device in devices for text in device.complaints]
    for device in devices:
        device.context.close()
    assert not complaints, "the console was not quiet:\n" + "\n".join(complaints)

"""The machine's Firefox, driven over Marionette, the protocol behind geckodriver: JSON with its length in front, on a TCP
connection. The commands are those of WebDriver.

Playwright needs commands of WebDriver BiDi that the distribution's Firefox does not have.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import find_program, go_without
from tests.support.processes import ServerProcess, make_folder, remove_folder
from tests.support.waiting import eventually

FIREFOX_VARIABLE = "NOTIFYGATE_TEST_FIREFOX"
NAMES = ("firefox-esr", "firefox")
HOW_TO_INSTALL = (
    "no Firefox on this machine. Install it (Debian: apt-get install firefox-esr) "
    f"or name one with {FIREFOX_VARIABLE}=/path/to/firefox"
)

PREFERENCES = {
    "marionette.port": 0,
    # A mouse, which a headless browser does not report, and no animations.
    "ui.primaryPointerCapabilities": 6,
    "ui.allPointerCapabilities": 6,
    "ui.prefersReducedMotion": 1,
    # Nothing is sent to other servers than the test's own, and no page but the tests' is opened.
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.server": "",
}

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowDown": "\ue015", "Delete": "\ue017"}

PATIENCE_SECONDS = 120.0
"""The longest wait for the answer to a command: only a dead browser takes so long."""


class Firefox:
    """One browser with a profile of its own."""

    def __init__(self, program: Path) -> None:
        self._folder = make_folder("firefox")
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
        (self._folder / "user.js").write_text("".join(lines))
        command = [program, "--headless", "--no-remote", "--marionette", "--profile", self._folder]
        environ = {**os.environ, "HOME": str(self._folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
        self._process = ServerProcess("Firefox", command, output_file=self._folder / "output", env=environ)
        # It writes the number of the port into this file.
        port_file = self._folder / "MarionetteActivePort"
        self._process.wait_until(lambda: port_file.exists() and port_file.read_text().isdigit())
        self._connection = socket.create_connection(("127.0.0.1", int(port_file.read_text())), PATIENCE_SECONDS)
        self._received = b""
        self._read()  # the greeting
        self._sent = 0
        self.command("WebDriver:NewSession")
        self._first = self.command("WebDriver:GetWindowHandle")
        self._current = self._first

    def close(self) -> None:
        """End the browser."""
        self._connection.close()
        self._process.kill()
        remove_folder(self._folder)

    def command(self, name: str, **parameters: Any) -> Any:
        """Send a command and return its result. Raises RuntimeError with the browser's message if it fails."""
        self._sent += 1
        data = json.dumps([0, self._sent, name, parameters]).encode()
        self._connection.sendall(b"%d:%b" % (len(data), data))
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def open(self, url: str) -> "FirefoxTab":
        """Open a tab, in a window of its own so that the others are still visible, and load a page."""
        tab = FirefoxTab(self, self.command("WebDriver:NewWindow", type="window")["handle"])
        tab.load(url)
        return tab

    def close_tabs(self) -> None:
        """Close all tabs but an empty one."""
        for handle in self.command("WebDriver:GetWindowHandles"):
            if handle != self._first:
                self.switch(handle)
                self.command("WebDriver:CloseWindow")
        self.switch(self._first)

    def switch(self, handle: str) -> None:
        """Bring a tab to the front; the commands that follow are for its page."""
        if handle != self._current:
            self.command("WebDriver:SwitchToWindow", handle=handle)
            self._current = handle

    def _read(self) -> Any:
        while b":" not in self._received:
            self._received += self._receive()
        length, _, rest = self._received.partition(b":")
        while len(rest) < int(length):
            rest += self._receive()
        self._received = rest[int(length) :]
        return json.loads(rest[: int(length)])

    def _receive(self) -> bytes:
        data = self._connection.recv(65536)
        assert data, "Firefox has closed the connection"
        return data


class FirefoxTab:
    """One tab; what it does brings it to the front."""

    def __init__(self, browser: Firefox, handle: str) -> None:
        self._browser = browser
        self._handle = handle

    def load(self, url: str) -> None:
        """Go to another page."""
        self._command("WebDriver:Navigate", url=url)

    def back(self) -> None:
        """Go back to the page before."""
        self._command("WebDriver:Back")

    def close(self) -> None:
        """Close the tab."""
        self._command("WebDriver:CloseWindow")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return self._command("WebDriver:ExecuteScript", script=f"return ({expression});", args=[], sandbox=None)

    def until(self, expression: str) -> Any:
        """Return the value of an expression as soon as it is true."""
        return eventually(lambda: self.evaluate(expression), expression)

    def press(self, key: str) -> None:
        """Press and release a key."""
        value = KEYS.get(key, key)
        strokes = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        self._command("WebDriver:PerformActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def _command(self, name: str, **parameters: Any) -> Any:
        self._browser.switch(self._handle)
        return self._browser.command(name, **parameters)


@pytest.fixture(scope="module")
def running_firefox() -> Iterator[Firefox]:
    """The browser of a module's tests; without one they are skipped, and in CI they fail."""
    program = find_program(FIREFOX_VARIABLE, NAMES)
    if program is None:
        go_without(HOW_TO_INSTALL)
    with closing(Firefox(program)) as browser:
        yield browser


@pytest.fixture
def firefox(running_firefox: Firefox) -> Iterator[Firefox]:
    """The browser, whose tabs are closed after the test."""
    yield running_firefox
    running_firefox.close_tabs()

"""PhantomJS 2.1.1 of 2016 with the WebKit of 2014, driven over HTTP: pages of one old browser, as its tabs.

The binary is that of the wheel `phasma`; nothing of the wheel is imported. This engine is not maintained: it loads
the tests' own pages on the loopback address and nothing else.
"""

import base64
import io
import json
import os
from collections.abc import Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.support.browser import go_without
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder
from tests.support.site import eventually, new_session

SCRIPT = Path(__file__).with_suffix(".js")
WIDTH, HEIGHT = 640, 480


def find_phantomjs() -> Path | None:
    """Return the wheel's program for this platform."""
    try:
        files = metadata.files("phasma") or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == "phantomjs"), None)


class OldTab:
    """A page of the old browser."""

    def __init__(self, browser: "OldBrowser", name: str) -> None:
        self._browser = browser
        self._name = name

    def evaluate(self, script: str) -> Any:
        """Return the value of an ES5 expression."""
        return self._browser.run("evaluate", page=self._name, script=script)

    def until(self, condition: str) -> Any:
        """Return the value of an expression when it is true."""
        return eventually(lambda: self.evaluate(condition), condition)

    def click(self, selector: str) -> None:
        """Click the middle of the first such element with the mouse."""
        self._browser.run("click", page=self._name, selector=selector)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all such elements."""
        return self.evaluate(
            f"[].map.call(document.querySelectorAll({json.dumps(selector)}), function (node) {{ return node.textContent; }})"
        )

    def box(self, selector: str) -> dict[str, float]:
        """Return the box of the first such element: `left`, `top`, `width`, `height`."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        return self.evaluate(
            f"(function (box) {{ return {{left: box.left, top: box.top, width: box.width, height: box.height}}; }}({box}))"
        )

    def picture(self) -> Image.Image:
        """Return a picture of the page."""
        data = base64.b64decode(self._browser.run("picture", page=self._name))
        return Image.open(io.BytesIO(data)).convert("RGB")

    def close(self) -> None:
        """Close the tab."""
        self._browser.run("close", page=self._name)


class OldBrowser:
    """A PhantomJS with a storage of its own."""

    def __init__(self, program: Path) -> None:
        self._folder = make_folder("phantomjs")
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        self._session = new_session()
        # Its OpenSSL can't read today's configurations.
        env = {**os.environ, "OPENSSL_CONF": "/dev/null", "HOME": str(self._folder)}
        command = [program, f"--local-storage-path={self._folder}", "--web-security=true", SCRIPT, str(port)]
        self._process = ServerProcess("PhantomJS", command, output_file=self._folder / "output.txt", env=env)
        self._process.wait_until(self._is_there)

    def run(self, operation: str, **arguments: Any) -> Any:
        """Run an operation of the script; return its result."""
        answer = self._session.post(self._url, json={"operation": operation, **arguments}, timeout=60)
        return answer.json()["result"]

    def open(self, url: str, width: int = WIDTH, height: int = HEIGHT) -> OldTab:
        """Open a tab and load a page."""
        opened = self.run("open", url=url, width=width, height=height)
        assert opened["status"] == "success", url
        return OldTab(self, opened["name"])

    def reset(self) -> list[str]:
        """Close all tabs; return uncaught exceptions and the output of the consoles."""
        return self.run("reset")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        remove_folder(self._folder)

    def _is_there(self) -> bool:
        try:
            return self.reset() == []
        except requests.RequestException:
            return False


@pytest.fixture(scope="package")
def running_old_browser() -> Iterator[OldBrowser]:
    """The old browser of all tests."""
    program = find_phantomjs()
    if program is None:
        go_without("no PhantomJS for this platform in the wheel phasma of requirements-dev.txt")
    with closing(OldBrowser(program)) as running:
        yield running


@pytest.fixture
def old_browser(running_old_browser: OldBrowser) -> Iterator[OldBrowser]:
    """An old browser without tabs; afterwards the test fails if a page had an error."""
    yield running_old_browser
    assert running_old_browser.reset() == []

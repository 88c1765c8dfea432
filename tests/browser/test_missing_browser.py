"""A run without Chromium: its tests are skipped with a clear message; in CI they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support import browser

REPOSITORY = Path(__file__).resolve().parents[2]


def test_chromium_is_connected(chromium: Browser) -> None:
    assert chromium.is_connected()


def test_without_chromium_its_tests_are_skipped_with_a_message() -> None:
    test = f"{__file__}::{test_chromium_is_connected.__name__}"
    given = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_timeout", test],
        cwd=REPOSITORY,
        # Without plugins, which would take most of the time and do nothing here.
        env={**given, browser.CHROMIUM_VARIABLE: "/no/such/chromium", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout
    assert "apt-get install chromium-headless-shell" in done.stdout.partition("BROWSER TESTS DID NOT RUN")[2]


def test_in_ci_its_tests_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "missing", set())
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium-headless-shell"):
        browser.go_without(browser.HOW_TO_INSTALL)
    assert browser.missing == {browser.HOW_TO_INSTALL}

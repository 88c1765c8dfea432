"""The time of a page, controlled by a test: it passes only when the test advances it. Requests and responses are real
all the time, so that a busy machine makes them slow, but never late.
"""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.support.waiting import eventually

COUNT_REQUESTS = """
window.inFlight = 0;
(function (send) {
  XMLHttpRequest.prototype.send = function () {
    window.inFlight += 1;
    this.addEventListener('loadend', function () { window.inFlight -= 1; });
    return send.apply(this, arguments);
  };
}(XMLHttpRequest.prototype.send));
"""

STEP_MS = 100


def stop_time(context: BrowserContext) -> None:
    """Stop the time of all pages that are opened in a browser from now on."""
    now = time.time()
    context.add_init_script(COUNT_REQUESTS)
    context.clock.install(time=now)
    context.clock.pause_at(now + 1)


def pass_time(page: Page, seconds: float) -> None:
    """Advance the page's time: its timers run, in their order."""
    page.clock.run_for(int(seconds * 1000))


def pass_time_until(page: Page, is_so: Callable[[], Any], what: str) -> Any:
    """Return what `is_so` returns as soon as that is true.

    The time advances while the page waits for its timers, and stands still while one of its requests is under way.
    """

    def poll() -> Any:
        if not (result := is_so()) and not page.evaluate("window.inFlight"):
            page.clock.run_for(STEP_MS)
        return result

    return eventually(poll, what)

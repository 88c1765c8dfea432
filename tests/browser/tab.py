"""A tab with the client in it, whose events are recorded."""

import json
import time
from typing import Any

from playwright.sync_api import Page

from tests.browser.front import Front
from tests.support.browser import PATIENCE_MS, Device
from tests.support.site import Recipient

CLIENT = "/static/notifygate/notifygate.js"

OLD_ENGINE = """
(function () {
  ['fetch', 'Promise', 'Map', 'BroadcastChannel', 'IntersectionObserver', 'CustomEvent'].forEach(function (name) {
    delete window[name];
    if (name in window) throw new Error(name + ' is still there');
  });
  delete Array.prototype.includes;
  delete Navigator.prototype.locks;
  if ([].includes || navigator.locks) throw new Error('the engine is not old');
}());
"""
"""Removes the features that an old browser lacks from a new one, before any other script of the page runs."""

WINDOW_OF_FRAME = """
['begin', 'client', 'told'].forEach(function (name) {
  Object.defineProperty(window, name, {get: function () { return frames[0][name]; }});
});
"""
"""Makes the names of a page's only frame available in the page."""

RECORDER = """
var told = [], client;
function begin(options) {
  if (options.token_after) {
    var tokens = options.token_after.slice();
    options.getToken = function (done) { told.push(['asked']); setTimeout(function () { done(tokens.shift()); }); };
    delete options.token_after;
  }
  client = new Notifygate(options);
  ['notifications', 'removed', 'counts', 'reset', 'state', 'error'].forEach(function (event) {
    client.on(event, function (a, b) { told.push([event, JSON.parse(JSON.stringify(a === undefined ? null : a)), b]); });
  });
  client.start();
}
"""


class Tab:
    """One tab; `page` is Playwright's."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def begin(self, recipient: Recipient, **options: Any) -> "Tab":
        """Make the client and start it. `token_after` lists the tokens that getToken gives, one after the other."""
        if "token_after" not in options:
            options = {"token": recipient.token, **options}
        self.page.evaluate("options => begin(options)", options)
        return self

    def events(self, event: str) -> list[Any]:
        """Return the first arguments of all events of one name, oldest first."""
        return self.page.evaluate("name => told.filter(e => e[0] === name).map(e => e[1])", event)

    @property
    def titles(self) -> list[str]:
        """Titles of all notifications that were reported as new, in order."""
        return self.page.evaluate(
            "told.filter(e => e[0] === 'notifications').flatMap(e => e[2].added).map(i => i.title)"
        )

    @property
    def items(self) -> list[dict[str, Any]]:
        """The notifications of the client."""
        return self.page.evaluate("client.items()")

    @property
    def counts(self) -> dict[str, int] | None:
        """The client's counts."""
        return self.page.evaluate("client.counts")

    @property
    def state(self) -> dict[str, Any]:
        """The state that the client reports."""
        return self.page.evaluate("client.state")

    def until(self, condition: str, argument: Any = None) -> None:
        """Return when a JavaScript expression is true; `arg` is the argument in it, `told` the record."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        # Polled from here: the page's own clock may be stopped.
        while not self.page.evaluate(f"arg => !!({condition})", argument):
            if time.monotonic() > deadline:
                record = json.dumps(self.page.evaluate("told.slice(-12)"), indent=1)
                raise AssertionError(f"not so in time: {condition} ({argument!r}). Last events: {record}")
            time.sleep(0.02)

    def until_items(self, count: int) -> None:
        """Return when the client has so many notifications."""
        self.until("client.items().length === arg", count)

    def until_unread(self, count: int) -> None:
        """Return when the client has this unread count from the server."""
        self.until("client.counts && client.counts.unread === arg", count)

    def until_holding(self) -> "Tab":
        """Return when a poll is held, by this tab or for it."""
        self.until("client.state.mode === 'long' && client.state.hold > 0")
        return self

    def call(self, method: str, *arguments: Any) -> dict[str, Any]:
        """Call a method and return the arguments of its callback, as `{"error": …, "answer": …}`."""
        return self.begin_call(method, *arguments).end_call()

    def begin_call(self, method: str, *arguments: Any) -> "Tab":
        """Call a method."""
        self.page.evaluate(
            """([method, args]) => {
                window.result = null;
                client[method](...args, (error, answer) => { window.result = {error: error, answer: answer || null}; });
            }""",
            [method, list(arguments)],
        )
        return self

    def end_call(self) -> dict[str, Any]:
        """Return the arguments of the callback, as soon as it is called."""
        self.until("window.result")
        return self.page.evaluate("window.result")


def open_tab(device: Device, front: Front, *, old: bool = False, name: str = "/tab") -> Tab:
    """Open a tab with the client's script and the recorder in it, in an old engine with `old`.

    The old engine is in a frame: Playwright, which works in the window of an evaluation, needs a Map there.
    """
    scripts = f"<script src='{CLIENT}'></script><script>{RECORDER}</script>"
    if not old:
        return Tab(device.open(front.page(name, f"<body>{scripts}</body>")))
    front.page(f"{name}/frame", f"<script>{OLD_ENGINE}</script>{scripts}")
    return Tab(device.open(front.page(name, f"<iframe src='{name}/frame'></iframe><script>{WINDOW_OF_FRAME}</script>")))

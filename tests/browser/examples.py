"""The example applications of clients/js/examples/, built with the packages as published to npm, as pages of a gateway.

They are on the gateway's own origin, where Playwright serves them under the strictest content security policy.
"""

import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.bell_site import POLICY, WATCH_POLICY, BellSite
from tests.browser.node_tools import build_examples
from tests.support.browser import Device, NewDevice
from tests.support.site import Recipient, eventually

NAMES = ("react", "react-development", "vue", "svelte", "element", "angular")


@pytest.fixture(scope="session")
def built_examples() -> Path:
    """The folder with the built examples."""
    return build_examples()


class Example:
    """A page with one of the examples, on a device of a recipient."""

    def __init__(
        self, bell_site: BellSite, device: Device, recipient: Recipient, folder: Path, lost: str | None
    ) -> None:
        self.device = device
        self.recipient = recipient
        self._folder = folder
        self.lost = lost
        """Part of the URL of a file whose first request fails; None afterwards."""
        self.polls: list[Request] = []
        """Polls that were sent, oldest first."""
        self.ended: list[Request] = []
        """Those that were aborted."""
        device.context.add_init_script(WATCH_POLICY)
        device.context.route(f"{bell_site.url}/app/**", self._serve)
        device.context.route(f"{bell_site.url}/my/notification-token", self._give_token)
        device.context.route(f"{bell_site.url}/favicon.ico", lambda route: route.fulfill(body=""))
        self.page: Page = device.context.new_page()
        self.page.on("request", lambda request: self.polls.append(request) if is_poll(request) else None)
        self.page.on("requestfailed", lambda request: self.ended.append(request) if is_poll(request) else None)
        self.page.goto(f"{bell_site.url}/app/index.html")
        self.status = self.page.locator("section > p[role=status]")
        self.items = self.page.get_by_role("list", name="Inbox").locator("li")
        self.badge = self.page.locator(".ngb-count")
        self.bell = self.page.locator(".ngb-button")
        self.toggle = self.page.get_by_role("button", name="the inbox")
        self.mark_all = self.page.locator("section > button").filter(has_text="Mark all as read")

    @property
    def holds(self) -> list[Request]:
        """Polls with a wait."""
        return [poll for poll in self.polls if "wait=" in poll.url and "wait=0" not in poll.url]

    def until(self, is_so: Callable[[], Any], what: str) -> None:
        """Return when `is_so` returns a true value; meanwhile the browser's events are handled."""
        eventually(lambda: self.page.wait_for_timeout(20) or is_so(), what)

    def change_user(self, recipient: Recipient) -> str:
        """Have another recipient log in, and return the page's text when the change was drawn."""
        self.recipient = recipient
        return self.page.evaluate(
            "() => { [...document.querySelectorAll('button')].find(b => b.textContent === 'Change the user').click();"
            " return new Promise(done => requestAnimationFrame(() => done(document.body.innerText))); }"
        )

    def expect_inbox(self, *titles: str, unread: int) -> None:
        """Return when the page's own list, its count and the bell show these notifications."""
        expect(self.items).to_have_count(len(titles))
        for number, title in enumerate(titles):
            expect(self.items.nth(number)).to_contain_text(title)
        expect(self.status).to_have_text(f"{unread} unread")
        if unread:
            expect(self.badge).to_have_text(str(unread))
        else:
            expect(self.badge).to_be_hidden()

    def _serve(self, route: Route) -> None:
        if self.lost and self.lost in route.request.url:
            self.lost = None
            route.abort()
            return
        path = self._folder / route.request.url.partition("/app/")[2].partition("?")[0]
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {"Content-Type": media_type, "Content-Security-Policy": POLICY}
        route.fulfill(body=path.read_bytes(), headers=headers)

    def _give_token(self, route: Route) -> None:
        route.fulfill(json={"token": self.recipient.token})


def is_poll(request: Request) -> bool:
    """Return whether a request is a poll for changes or for a snapshot."""
    return "/v1/inbox?" in request.url or request.url.endswith("/v1/inbox")


class Examples:
    """Opens examples, each on a new device of a recipient."""

    def __init__(self, bell_site: BellSite, new_device: NewDevice, folder: Path) -> None:
        self._bell_site = bell_site
        self._new_device = new_device
        self._folder = folder

    def open(self, name: str, recipient: Recipient, lost: str | None = None) -> Example:
        """Open an example and return when its client has the snapshot and its bell is there.

        `lost`: the first request for a file in whose URL this is fails.
        """
        device = self._new_device(reduced_motion="reduce", viewport={"width": 1000, "height": 720})
        device.expects_network_errors = lost is not None
        example = Example(self._bell_site, device, recipient, self._folder / name, lost)
        expect(example.status).to_contain_text("unread")
        expect(example.bell).to_be_visible()
        return example


@pytest.fixture
def examples(bell_site: BellSite, new_device: NewDevice, built_examples: Path) -> Examples:
    """Opens examples."""
    return Examples(bell_site, new_device, built_examples)

"""A gateway, and pages with the bell on devices of its recipients, for the tests of the bell.

The page is that of docs/bell.md: an element, two scripts, and the strictest content security policy that a real page
could have. It is on the gateway's own origin, where Playwright serves it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Request, Route, expect

from tests.browser.page_time import pass_time_until, stop_time
from tests.support.browser import PATIENCE_MS, Device, NewDevice
from tests.support.site import Publisher, Recipient, Site, running_site
from tests.support.waiting import eventually

POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

HTML = """<!doctype html>
<html lang="en" dir="{dir}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Orders</title></head>
<body>
<header><h1>Orders</h1><a href="/page/help" id="before">Help</a>
<div id="bell" data-notifygate-bell data-token="{token}" {attributes}></div>
<a href="/page/account" id="after">Account</a></header>
<main><p>Nothing to see but the bell.</p></main>
<script src="/static/notifygate/notifygate.js"></script>
{scripts}
</body></html>"""

BELL = ("notifygate-bell.js",)
"""The scripts of a page beside the client's."""

FIELDS = {"type", "body", "priority", "sender", "icon", "action_url"}
"""Fields of notifications that tests choose."""

WATCH_POLICY = """
window.violations = [];
document.addEventListener('securitypolicyviolation', function (event) {
  window.violations.push(event.violatedDirective + ' ' + event.blockedURI);
});
"""


class Bell:
    """A page with a bell, on one device of a recipient."""

    def __init__(self, page: Page, device: Device, recipient: Recipient, publisher: Publisher) -> None:
        self.page = page
        self.device = device
        self.recipient = recipient
        self._publisher = publisher
        self.button = page.locator(".ngb-button")
        self.count = page.locator(".ngb-count")
        self.panel = page.locator(".ngb-panel")
        self.cards = page.locator(".ngb-card")
        self.toasts = page.locator(".ngb-toast")
        self.modal = page.locator(".ngb-modal")
        self.undo = page.locator(".ngb-undo")

    def await_snapshot(self) -> "Bell":
        """Return when the first snapshot is there: from then on arrivals are new."""
        eventually(
            lambda: self.page.evaluate(
                "() => { const b = document.querySelector('#bell').notifygateBell;"
                " return b && b.isReady && b.client.counts; }"
            ),
            "the first snapshot is there",
        )
        return self

    def await_preference(self, type_name: str, display: str) -> None:
        """Return when the bell knows how the recipient wants notifications of a type to be displayed."""
        self.page.wait_for_function(
            "([type, display]) => (document.querySelector('#bell').notifygateBell.preferenceStore.types[type] || {})"
            ".display === display",
            arg=[type_name, display],
        )

    def publish(self, title: str, **fields: Any) -> str:
        """Publish to the recipient; return the id of the notification."""
        return self._publisher.publish(f"user:{self.recipient.name}", title, **fields)

    def pass_time_until(self, count: int, elements: Locator) -> None:
        """Return when there are so many elements; the page's time advances only while the client waits for it."""
        pass_time_until(self.page, lambda: elements.count() == count, f"{count} of {elements}")

    def open(self) -> "Bell":
        """Open the panel with a click."""
        self.button.click()
        expect(self.panel).to_be_visible()
        return self

    def card(self, title: str) -> Locator:
        """Return the card with this title."""
        return self.cards.filter(has_text=title)

    def choose(self, name: str) -> None:
        """Choose an entry of the panel's menu."""
        self.page.locator(".ngb-menu-button").click()
        self.page.get_by_role("menuitem", name=name).click()

    def filter(self, name: str) -> Locator:
        """Return the button of a filter, `All` or `Unread`."""
        return self.page.locator(".ngb-filter").filter(has_text=name)

    def call(self, script: str, *arguments: Any) -> Any:
        """Run a function `(bell, argument) => …` in the page and return its result."""
        return self.page.evaluate(
            f"(argument) => ({script})(document.querySelector('#bell').notifygateBell, argument)", *arguments
        )

    def remake(self, options: str) -> None:
        """Replace this bell by another one with the same client; `options` is a JavaScript object."""
        self.page.evaluate(
            "() => { const node = document.querySelector('#bell'), old = node.notifygateBell; old.destroy();"
            f" node.notifygateBell = new NotifygateBell(node, Object.assign({{client: old.client}}, {options}));"
            " old.client.start(); }"
        )
        self.await_snapshot()

    def expect_titles(self, *titles: str) -> None:
        """Return when exactly these cards are shown, in this order."""
        expect(self.page.locator(".ngb-card .ngb-title")).to_have_text(list(titles))

    def set_hidden(self, hidden: bool) -> None:
        """Put the tab into the background or back: headless browsers show every tab."""
        self.page.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    def focused(self) -> str:
        """Return the class of the focused element, or its id, or its tag."""
        return self.page.evaluate(
            "() => { const at = document.activeElement; return at.className || at.id || at.tagName; }"
        )


class BellSite:
    """The gateway, its publisher, and bells."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.url = site.url
        self.publisher: Publisher = site.publisher()
        self.admin: Publisher = site.publisher(scope="admin")

    def recipient(self, *titles: str, **fields: Any) -> Recipient:
        """Return a new recipient in whose inbox are notifications with these titles, the last one the newest."""
        recipient = self.site.recipient()
        recipient.cursor()
        for title in titles:
            self.publisher.publish(f"user:{recipient.name}", title, **fields)
        return recipient

    def bell(
        self,
        new_device: NewDevice,
        recipient: Recipient,
        *,
        device: Device | None = None,
        attributes: str = "",
        direction: str = "ltr",
        init_script: str = "",
        await_snapshot: bool = True,
        clock: bool = False,
        scripts: Sequence[str] = BELL,
        **context: Any,
    ) -> Bell:
        """Open a page with the bell on a new device of the recipient, or in another tab of `device`.

        `clock`: the page's time stands still (see `page_time.py`). Otherwise toasts and the bar with the undo stay for as
        long as the test needs. Other options are passed to the browser.
        """
        if device is None:
            device = new_device(**{"reduced_motion": "reduce", "viewport": {"width": 1000, "height": 720}, **context})
            device.context.add_init_script(WATCH_POLICY + init_script)
            if clock:
                stop_time(device.context)
        html = HTML.format(token=recipient.token, attributes=attributes, dir=direction, scripts=script_tags(scripts))

        def serve(route: Route) -> None:
            route.fulfill(body=html, headers={"Content-Type": "text/html", "Content-Security-Policy": POLICY})

        device.context.route(f"{self.url}/page**", serve)
        device.context.route(f"{self.url}/page/**", serve)
        device.context.route(f"{self.url}/favicon.ico", lambda route: route.fulfill(body=""))
        bell = Bell(device.open(f"{self.url}/page"), device, recipient, self.publisher)
        if await_snapshot:
            bell.await_snapshot()
            if not clock:
                bell.call("bell => { bell.options.toastSeconds = bell.options.undoSeconds = 3600; }")
        return bell


class Bells:
    """Opens pages with a bell."""

    def __init__(self, site: BellSite, new_device: NewDevice) -> None:
        self.site = site
        self.new_device = new_device
        self.recipient = site.recipient

    def open(self, *titles: str, recipient: Recipient | None = None, **options: Any) -> Bell:
        """Open one, by default of a new recipient with these notifications, the last one the newest.

        `options`: fields of the notifications, and options of `BellSite.bell`.
        """
        fields = {name: options.pop(name) for name in FIELDS & options.keys()}
        return self.site.bell(self.new_device, recipient or self.recipient(*titles, **fields), **options)

    def publish(self, recipient: Recipient, title: str, **fields: Any) -> str:
        """Publish to a recipient; return the id of the notification."""
        return self.site.publisher.publish(f"user:{recipient.name}", title, **fields)


def script_tags(names: Sequence[str]) -> str:
    """Return the tags that load these files of the browser client."""
    return "\n".join(f'<script src="/static/notifygate/{name}"></script>' for name in names)


def box_of(element: Locator) -> FloatRect:
    """Return the box of an element, which must exist."""
    box = element.bounding_box()
    assert box is not None
    return box


def refuse(bell: Bell, path: str, status: int = 503, method: str = "POST") -> None:
    """Replace the gateway's answers to one kind of request of this device with refusals."""
    bell.device.expects_network_errors = True

    def answer(route: Route) -> None:
        if route.request.method == method:
            route.fulfill(status=status, body='{"code": "unavailable"}', content_type="application/problem+json")
        else:
            route.fallback()

    bell.device.context.route(f"**{path}", answer)


def state_requests(bell: Bell) -> list[Mapping[str, Any]]:
    """Return a list to which the bodies of this page's state changes are added as they are sent."""
    bodies: list[Mapping[str, Any]] = []

    def record(request: Request) -> None:
        if request.url.endswith("/v1/inbox/state"):
            bodies.append(request.post_data_json or {})

    bell.page.on("request", record)
    return bodies


@pytest.fixture(scope="package")
def bell_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BellSite]:
    """The gateway that the tests of the bell share; each of them has recipients of its own."""
    expect.set_options(timeout=PATIENCE_MS)
    with running_site(tmp_path_factory.mktemp("bell"), DEMO=1) as site:
        yield BellSite(site)


@pytest.fixture
def bells(bell_site: BellSite, new_device: NewDevice) -> Bells:
    """Opens pages with a bell on new devices."""
    return Bells(bell_site, new_device)

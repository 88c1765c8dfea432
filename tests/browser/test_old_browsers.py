"""The client and the bell in a browser of 2014: WebKit 538, without Promise, Map, Symbol, custom properties or flex boxes.

Its appearance was checked by eye; the last test covers faults that were found so.
"""

import json

import pytest

from tests.browser.conftest import Publish
from tests.browser.front import Front
from tests.browser.phantom import OldBrowser, OldTab
from tests.browser.tab import CLIENT, RECORDER
from tests.support.site import Recipient, eventually

BELL = """<link rel="stylesheet" href="/static/notifygate/notifygate-bell.css">
<body style="margin: 0; background: #fff; font: 16px sans-serif">
<div style="padding: 16px; text-align: right"><div id="bell" data-notifygate-bell data-token="{token}"
 style="display: inline-block; text-align: left"></div></div>
<script src="/static/notifygate/notifygate.js"></script>
<script src="/static/notifygate/notifygate-bell.js"></script></body>"""

BUTTONS_WITH_ICONS_ASIDE = """(function () {
  function middle(node) {
    var box = node.getBoundingClientRect();
    return {x: box.left + box.width / 2, y: box.top + box.height / 2};
  }
  return [].filter.call(document.querySelectorAll('.ngb button'), function (button) {
    var icon = button.querySelector('svg');
    if (!icon || !button.offsetWidth || button.textContent.replace(/[0-9+]/g, '')) {
      return false;
    }
    return Math.abs(middle(icon).x - middle(button).x) > 1 || Math.abs(middle(icon).y - middle(button).y) > 1;
  }).map(function (button) { return button.className; });
}())"""
"""Buttons of the page that show an icon alone, but not in their middle."""

ACCENT = (0x33, 0x55, 0xD1)
URGENT = (0xB4, 0x23, 0x1D)


def open_client(browser: OldBrowser, front: Front, recipient: Recipient, name: str = "/tab") -> OldTab:
    """Open a tab with the client in it; return when a poll is held, by this tab or for it."""
    tab = browser.open(front.page(name, f"<body><script src='{CLIENT}'></script><script>{RECORDER}</script></body>"))
    tab.evaluate(f"begin({json.dumps({'token': recipient.token})})")
    tab.until("client.cursor && client.state.mode === 'long' && client.state.hold > 0")
    return tab


def open_bell(browser: OldBrowser, front: Front, recipient: Recipient) -> OldTab:
    """Open a tab with the bell; return when its first snapshot is there."""
    tab = browser.open(front.page("/bell", BELL.format(token=recipient.token)))
    tab.until("document.querySelector('#bell').notifygateBell.client.counts")
    return tab


TITLES = "client.items().map(function (item) { return item.title; })"


def test_engine_lacks_the_features_of_new_ones(old_browser: OldBrowser, front: Front) -> None:
    tab = old_browser.open(front.page("/empty", "<body></body>"))
    assert "PhantomJS/2.1.1" in tab.evaluate("navigator.userAgent")
    names = ["Promise", "fetch", "Map", "Symbol", "Intl", "BroadcastChannel", "IntersectionObserver"]
    assert [name for name in names if tab.evaluate(f"'{name}' in window")] == []
    assert tab.evaluate("'flex' in document.body.style") is False
    assert tab.evaluate("'locks' in navigator") is False


def test_polls_are_held_and_woken(old_browser: OldBrowser, front: Front, alice: Recipient, publish: Publish):
    first = publish("before")
    tab = open_client(old_browser, front, alice)
    for number in range(3):
        eventually(lambda: front.open_polls, "a hold")
        publish(f"news {number}")
        tab.until(f"client.counts.unread === {number + 2}")
    assert tab.evaluate(TITLES) == ["news 2", "news 1", "news 0", "before"]
    tab.evaluate(f"client.markRead('{first}')")
    tab.until("client.counts.unread === 3")
    assert all(poll.headers.get("if-none-match") for poll in front.polls[1:])


def test_three_tabs_make_one_poll_which_another_takes_over(
    old_browser: OldBrowser, front: Front, alice: Recipient, publish: Publish
) -> None:
    tabs = [open_client(old_browser, front, alice, f"/tab{number}") for number in range(3)]
    assert len(front.polls) == 2, "a snapshot and a hold"
    while tabs:
        leaders = [tab for tab in tabs if tab.evaluate("client.state.leader")]
        assert len(leaders) == 1
        assert len(front.open_polls) == 1
        publish(f"for {len(tabs)}")
        for tab in tabs:
            tab.until(f"{TITLES}[0] === 'for {len(tabs)}'")
        eventually(lambda: front.open_polls, "the next hold")
        leaders[0].close()
        tabs.remove(leaders[0])
        if tabs:
            eventually(
                lambda left=tuple(tabs): any(tab.evaluate("client.state.leader") for tab in left), "a new leader"
            )
            eventually(lambda: len(front.open_polls) == 1, "its hold")


def test_panel_lists_notifications_marks_them_as_read_and_mutes_their_type(
    old_browser: OldBrowser, front: Front, alice: Recipient, publish: Publish
) -> None:
    publish("first", body="A body")
    publish("second", priority="high")
    tab = open_bell(old_browser, front, alice)
    tab.until("document.title.indexOf('(2)') === 0")
    assert tab.texts(".ngb-count") == ["2"]
    tab.click(".ngb-button")
    tab.until("document.querySelectorAll('.ngb-card').length === 2")
    assert tab.texts(".ngb-card .ngb-title") == ["second", "first"]
    publish("third")
    tab.until("document.querySelectorAll('.ngb-card').length === 3")
    assert tab.texts(".ngb-count") == ["3"]
    tab.click(".ngb-card .ngb-title")
    tab.until("document.querySelector('#bell').notifygateBell.client.counts.unread === 2")
    assert tab.texts(".ngb-count") == ["2"]
    tab.evaluate("document.querySelector('#bell').notifygateBell.showSettings()")
    tab.until("document.querySelector('.ngb-switch')")
    tab.click(".ngb-switch")
    preferences = eventually(
        lambda: alice.session.get(f"{alice.url}/v1/inbox/preferences", timeout=30).json()["types"], "it is saved"
    )
    assert preferences == {"general": {"muted": True}}


@pytest.fixture
def opened(old_browser: OldBrowser, front: Front, alice: Recipient, publish: Publish) -> OldTab:
    """A bell whose panel shows three cards, of which the first is urgent and the last was read."""
    read = publish("read", type="comment")
    publish("unread", type="comment")
    publish("urgent", type="security", priority="high")
    alice.change("read", read)
    tab = open_bell(old_browser, front, alice)
    tab.click(".ngb-button")
    tab.until("document.querySelectorAll('.ngb-card').length === 3")
    tab.until("getComputedStyle(document.querySelector('.ngb-panel')).opacity === '1'")  # it fades in
    return tab


def is_near(colour: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether two colours are equal, apart from the effect of an edge nearby."""
    return all(abs(one - other) <= 16 for one, other in zip(colour, wanted, strict=True))


def test_picture_of_the_panel_is_right(opened: OldTab) -> None:
    picture = opened.picture()

    def colour(selector: str) -> tuple[int, ...]:
        box = opened.box(selector)
        return picture.getpixel((int(box["left"] + box["width"] / 2), int(box["top"] + box["height"] / 2)))

    assert opened.evaluate(BUTTONS_WITH_ICONS_ASIDE) == []
    count = opened.box(".ngb-count")
    assert is_near(picture.getpixel((int(count["left"] + count["width"] / 2), int(count["top"] + 4))), ACCENT)
    panel = opened.box(".ngb-panel")
    assert panel["left"] >= 0
    assert panel["left"] + panel["width"] <= picture.width
    assert is_near(colour(".ngb-high .ngb-dot"), URGENT)
    # Icons are beside the texts, on a background of their own, and not above them.
    icon, title = opened.box(".ngb-card .ngb-icon"), opened.box(".ngb-card .ngb-title")
    assert icon["left"] + icon["width"] <= title["left"]
    assert picture.getpixel((int(icon["left"] + 4), int(icon["top"] + icon["height"] / 2))) != picture.getpixel(
        (int(panel["left"] + panel["width"] / 2), int(panel["top"] + 8))
    )

"""One poll per browser: tabs elect one that polls, get its responses, and take its place when it closes. Some of them
run twice: with Web Locks and BroadcastChannel, and in an old engine on localStorage alone.
"""

import json
from collections.abc import Sequence

import pytest
from playwright.sync_api import Dialog

from tests.browser.conftest import Publish
from tests.browser.front import Forwarded, Front
from tests.browser.tab import Tab, open_tab
from tests.support.browser import Device, NewDevice
from tests.support.site import Publisher, Recipient, Site
from tests.support.waiting import eventually

HIDE = """hidden => {
    const it = (window.frames[0] || window).document;
    Object.defineProperty(it, 'hidden', {configurable: true, get: () => hidden});
    it.dispatchEvent(new Event('visibilitychange'));
}"""


def open_tabs(count: int, device: Device, front: Front, alice: Recipient, *, old: bool = False) -> list[Tab]:
    """Open tabs of one browser; return them when one of them polls and all have the snapshot."""
    tabs = [open_tab(device, front, old=old, name=f"/tab{number}").begin(alice) for number in range(count)]
    for tab in tabs:
        tab.until_holding()
        tab.until("client.cursor")
    return tabs


def leader_of(tabs: Sequence[Tab]) -> Tab:
    """Return the tab that polls; there must be exactly one."""

    def leaders() -> list[Tab]:
        return [tab for tab in tabs if tab.state["leader"]]

    eventually(lambda: len(leaders()) == 1, "one leader")
    return leaders()[0]


def test_eight_tabs_make_one_poll(site: Site, device: Device, front: Front, alice: Recipient, publish: Publish) -> None:
    most_at_once = 0

    def count_polls(seen: Forwarded) -> int:
        nonlocal most_at_once
        most_at_once = max(most_at_once, len(front.open_polls))
        return 0

    front.fails = count_polls
    tabs = open_tabs(8, device, front, alice)
    leader_of(tabs)
    assert len(front.polls) == 2, "a snapshot and a hold"
    titles = [str(number) for number in range(5)]
    for count, title in enumerate(titles, 1):
        publish(title)
        for tab in tabs:
            tab.until_unread(count)
    for tab in tabs:
        assert tab.titles == titles
    eventually(lambda: front.open_polls, "the next hold")
    assert most_at_once == 1
    assert len(front.polls) == 2 + len(titles)
    lines = site.access_lines(principal=f"user:{alice.name}", route="/v1/inbox")
    assert len(lines) == 1 + len(titles), "the gateway logs as many polls, without the present hold"


@pytest.mark.parametrize("old", [False, True], ids=["new engine", "old engine"])
def test_closed_leader_is_replaced_at_its_cursor(
    old: bool, device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    tabs = open_tabs(3, device, front, alice, old=old)
    for number in range(3):
        leader = leader_of(tabs)
        others = [tab for tab in tabs if tab is not leader]
        publish(f"before {number}")
        for tab in tabs:
            tab.until_unread(2 * number + 1)
        cursor = leader.page.evaluate("client.cursor")
        count = len(front.polls)
        leader.page.close()
        publish(f"after {number}")
        for tab in others:
            tab.until_unread(2 * number + 2)
        assert front.polls[count].cursor == cursor
        for tab in others:
            assert tab.titles == [f"{when} {n}" for n in range(number + 1) for when in ("before", "after")]
            assert tab.events("reset") == []
        tabs = others
        if len(tabs) == 1:
            break


def test_leader_that_hangs_is_replaced_and_stops_polling_when_it_is_back(
    new_device: NewDevice, front: Front, site: Site, publisher: Publisher
) -> None:
    """In a new engine and in an old one at once, since it takes some seconds."""
    browsers = [HangingBrowser(new_device(), front, site.recipient(), old=old) for old in (False, True)]
    for browser in browsers:
        browser.hang()
        publisher.publish(f"user:{browser.recipient.name}", "while it hung")
    for browser in browsers:
        browser.other.until("client.state.leader")
        browser.other.until_items(1)
        publisher.publish(f"user:{browser.recipient.name}", "only the other was told")
        browser.other.until_items(2)
        browser.resume()
    for browser in browsers:
        browser.leader.until_items(2)
        assert leader_of(browser.tabs) is browser.other
        assert browser.stored_cursor == browser.other.page.evaluate("client.cursor"), (
            "the answer that it received meanwhile is old"
        )
        publisher.publish(f"user:{browser.recipient.name}", "when it was back")
        for tab in browser.tabs:
            tab.until_items(3)
            assert sorted(tab.titles) == ["only the other was told", "when it was back", "while it hung"]
    eventually(lambda: len(front.open_polls) == len(browsers), "one poll each again")


class HangingBrowser:
    """A browser with two tabs, of which the one that polls hangs while a dialog is open in it."""

    def __init__(self, device: Device, front: Front, recipient: Recipient, *, old: bool) -> None:
        self.recipient = recipient
        self.tabs = [open_tab(device, front, old=old, name=f"/{old}{number}").begin(recipient) for number in range(2)]
        for tab in self.tabs:
            tab.until_holding()
            tab.until("client.cursor")
        self.leader = leader_of(self.tabs)
        self.other = next(tab for tab in self.tabs if tab is not self.leader)
        self._dialogs: list[Dialog] = []
        self.leader.page.on("dialog", lambda dialog: self._dialogs.append(dialog))

    @property
    def stored_cursor(self) -> str:
        """The cursor with which the next page would begin."""
        return json.loads(self.other.page.evaluate(f"localStorage['notifygate::{self.recipient.name}:cursor']"))

    def hang(self) -> None:
        """Stop all scripts in the tab that polls."""
        self.leader.page.evaluate("setTimeout(alert); 0")
        while not self._dialogs:
            self.other.page.wait_for_timeout(20)  # meanwhile, the browser's events are handled

    def resume(self) -> None:
        """Resume the tab's scripts."""
        self._dialogs.pop().accept()


def test_client_works_where_storage_is_forbidden(
    device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    device.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }});"
    )
    tab = open_tab(device, front).begin(alice).until_holding()
    publish()
    tab.until_items(1)

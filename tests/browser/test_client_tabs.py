"""One poll per browser: tabs elect one that polls, get its responses, and take its place when it closes. Some of them
run twice: with Web Locks and BroadcastChannel, and in an old engine on localStorage alone.
"""

import json
from collections.abc import Sequence

import pytest
from playwright.sync_api import Dialog

from tests.browser.front import Front, Seen
from tests.browser.page_time import stop_time
from tests.browser.tab import Tab, open_tab
from tests.support.browser import Device, NewDevice
from tests.support.site import Publisher, Recipient, Site
from tests.support.waiting import eventually

HIDE = """hidden => {
    const it = (window.frames[0] || window).document;
    Object.defineProperty(it, 'hidden', {configurable: true, get: () => hidden});
    it.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(params=[False, True], ids=["new engine", "old engine"])
def old(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def alice(site: Site) -> Recipient:
    return site.recipient()


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    return new_device()


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


def test_eight_tabs_make_one_poll(
    old: bool, site: Site, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    most_at_once = 0

    def watch(seen: Seen) -> int:
        nonlocal most_at_once
        most_at_once = max(most_at_once, len(front.open_polls))
        return 0

    front.fails = watch
    tabs = open_tabs(8, device, front, alice, old=old)
    leader_of(tabs)
    assert len(front.polls) == 2, "a snapshot and a hold"
    titles = [str(number) for number in range(5)]
    for count, title in enumerate(titles, 1):
        publisher.publish(f"user:{alice.name}", title)
        for tab in tabs:
            tab.until_unread(count)
    for tab in tabs:
        assert tab.titles == titles
    eventually(lambda: front.open_polls, "the next hold")
    assert most_at_once == 1
    assert len(front.polls) == 2 + len(titles)
    lines = site.access_lines(principal=f"user:{alice.name}", route="/v1/inbox")
    assert len(lines) == 1 + len(titles), "so says the gateway, which doesn't count the hold that goes on"


def test_tab_that_opens_later_gets_everything_from_the_others(
    old: bool, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}", "before")
    (first,) = open_tabs(1, device, front, alice, old=old)
    publisher.publish(f"user:{alice.name}", "between")
    first.until_items(2)
    eventually(lambda: front.open_polls, "the next hold")
    count = len(front.polls)
    second = open_tab(device, front, old=old, name="/second").begin(alice)
    second.until_items(2)
    assert second.counts == {"unread": 2, "unseen": 2}
    assert second.titles == []
    assert len(front.polls) == count
    publisher.publish(f"user:{alice.name}", "after")
    second.until_items(3)
    assert second.titles == ["after"]


def test_what_is_done_in_one_tab_shows_in_all(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tabs = open_tabs(3, device, front, alice)
    notification_id = publisher.publish(f"user:{alice.name}")
    for tab in tabs:
        tab.until_unread(1)
    follower = next(tab for tab in tabs if not tab.state["leader"])
    assert follower.call("markRead", notification_id)["error"] is None
    for tab in tabs:
        tab.until_unread(0)
        assert tab.items[0]["read_at"]


def test_closed_leader_is_replaced_at_its_cursor(
    old: bool, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tabs = open_tabs(3, device, front, alice, old=old)
    for number in range(3):
        leader = leader_of(tabs)
        others = [tab for tab in tabs if tab is not leader]
        publisher.publish(f"user:{alice.name}", f"before {number}")
        for tab in tabs:
            tab.until_unread(2 * number + 1)
        cursor = leader.page.evaluate("client.cursor")
        count = len(front.polls)
        leader.page.close()
        publisher.publish(f"user:{alice.name}", f"after {number}")
        for tab in others:
            tab.until_unread(2 * number + 2)
        assert front.polls[count].cursor == cursor
        for tab in others:
            assert tab.titles == [f"{when} {which}" for which in range(number + 1) for when in ("before", "after")]
            assert tab.told("reset") == []
        tabs = others
        if len(tabs) == 1:
            break


def test_leader_that_hangs_is_replaced_and_steps_down_when_it_is_back(
    new_device: NewDevice, front: Front, site: Site, publisher: Publisher
) -> None:
    """On a new engine and on an old one at once, since it takes the seconds that it takes."""
    browsers = [HangingBrowser(new_device(), front, site.recipient(), old=old) for old in (False, True)]
    for browser in browsers:
        browser.hang()
        publisher.publish(f"user:{browser.recipient.name}", "while it hung")
    for browser in browsers:
        browser.other.until("client.state.leader")
        browser.other.until_items(1)
        publisher.publish(f"user:{browser.recipient.name}", "only the other was told")
        browser.other.until_items(2)
        browser.go_on()
    for browser in browsers:
        browser.leader.until_items(2)
        assert leader_of(browser.tabs) is browser.other
        assert browser.stored_cursor == browser.other.page.evaluate("client.cursor"), "the answer it slept on is old"
        publisher.publish(f"user:{browser.recipient.name}", "when it was back")
        for tab in browser.tabs:
            tab.until_items(3)
            assert sorted(tab.titles) == ["only the other was told", "when it was back", "while it hung"]
    eventually(lambda: len(front.open_polls) == len(browsers), "one poll each again")


class HangingBrowser:
    """A browser with two tabs, of which the one that polls hangs for as long as a dialog is open in it."""

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
        """The cursor from which the next page would go on."""
        return json.loads(self.other.page.evaluate(f"localStorage['notifygate::{self.recipient.name}:cursor']"))

    def hang(self) -> None:
        """Let nothing run in the tab that polls."""
        self.leader.page.evaluate("setTimeout(alert); 0")
        while not self._dialogs:
            self.other.page.wait_for_timeout(20)  # meanwhile, the browser's events come in

    def go_on(self) -> None:
        """Let the tab go on where it stood still."""
        self._dialogs.pop().accept()


def test_tab_that_has_lost_the_lead_handles_no_answer(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    stop_time(device.context)  # so that it finds out by the answer alone
    (tab,) = open_tabs(1, device, front, alice)
    key = f"notifygate::{alice.name}:"
    lease = {"id": "another tab", "at": tab.page.evaluate("Date.now()"), "visible": True}
    tab.page.evaluate("([key, lease]) => { localStorage[key] = lease; }", [f"{key}lease", json.dumps(lease)])
    cursor = tab.page.evaluate("key => localStorage[key]", f"{key}cursor")
    publisher.publish(f"user:{alice.name}")
    tab.until("!client.state.leader")
    assert tab.items == []
    assert tab.page.evaluate("key => localStorage[key]", f"{key}cursor") == cursor


def test_tab_that_is_seen_takes_over_from_one_that_is_not(
    old: bool, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tabs = open_tabs(2, device, front, alice, old=old)
    leader = leader_of(tabs)
    (other,) = (tab for tab in tabs if tab is not leader)
    leader.page.evaluate(HIDE, True)
    other.until("client.state.leader")
    eventually(lambda: leader_of(tabs) is other, "the other polls")
    publisher.publish(f"user:{alice.name}")
    for tab in tabs:
        tab.until_items(1)


def test_two_recipients_of_one_browser_share_nothing(
    site: Site, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    bob = site.recipient()
    mine, his = (open_tab(device, front, name=f"/{who.name}").begin(who).until_holding() for who in (alice, bob))
    assert (mine.state["leader"], his.state["leader"]) == (True, True)
    publisher.publish(f"user:{alice.name}", "for Alice")
    mine.until_items(1)
    publisher.publish(f"user:{bob.name}", "for Bob")
    his.until_items(1)
    assert (mine.titles, his.titles) == (["for Alice"], ["for Bob"])


def test_storage_holds_neither_tokens_nor_notifications(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tabs = open_tabs(2, device, front, alice)
    publisher.publish(f"user:{alice.name}", "private matter")
    for tab in tabs:
        tab.until_items(1)
    stored: dict[str, str] = tabs[0].page.evaluate("Object.assign({}, localStorage)")
    assert set(stored) == {f"notifygate::{alice.name}:{name}" for name in ("cursor", "lease", "path")}
    text = json.dumps(stored)
    assert alice.token not in text
    assert alice.token.split(".")[1] not in text
    assert "private" not in text


def test_client_that_does_not_share_polls_alone_and_stores_nothing(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tabs = [
        open_tab(device, front, name=f"/tab{number}").begin(alice, share=False).until_holding() for number in range(2)
    ]
    publisher.publish(f"user:{alice.name}")
    for tab in tabs:
        tab.until_items(1)
        assert tab.state["leader"]
    assert tabs[0].page.evaluate("localStorage.length") == 0


def test_client_works_where_storage_is_forbidden(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    device.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }});"
    )
    tab = open_tab(device, front).begin(alice).until_holding()
    publisher.publish(f"user:{alice.name}")
    tab.until_items(1)

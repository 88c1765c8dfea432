"""The client and the bell in Firefox, as far as engines differ: tabs, going back to a page, leaving it, keys. All else is
tested in Chromium.
"""

import json

from tests.browser.conftest import Publish
from tests.browser.front import PAGE, Answer, Front
from tests.browser.tab import CLIENT, RECORDER
from tests.support.firefox import Firefox, FirefoxTab
from tests.support.site import Recipient
from tests.support.waiting import eventually

TITLES = "client.items().map(item => item.title)"
NEW_TITLES = "told.filter(e => e[0] === 'notifications').flatMap(e => e[2].added).map(item => item.title)"
BELL_HTML = """<a href="/next" id="before">Before</a><div id="bell" data-notifygate-bell data-token="{token}"></div>
<script src="/static/notifygate/notifygate.js"></script><script src="/static/notifygate/notifygate-bell.js"></script>"""
NOTE_RETURN = "addEventListener('pageshow', function (event) { window.isKept = event.persisted; });"
FOCUSED = "document.activeElement.id || document.activeElement.className"


def serve(front: Front, path: str, body: str) -> str:
    """Serve a page that the browser may keep; return its URL."""
    front.pages[path] = Answer(200, PAGE.format(body), "text/html; charset=utf-8", caching="no-cache")
    return f"{front.url}{path}"


def open_tab(firefox: Firefox, front: Front, alice: Recipient, path: str = "/tab") -> FirefoxTab:
    """Open a tab with a client that runs; return it when a poll is held, by this tab or for it."""
    script = f"{RECORDER}{NOTE_RETURN}begin({json.dumps({'token': alice.token})})"
    tab = firefox.open(serve(front, path, f"<script src='{CLIENT}'></script><script>{script}</script>"))
    tab.until("client.cursor && client.state.hold > 0")
    return tab


def until_titles(tab: FirefoxTab, *titles: str) -> None:
    """Return when the client has these notifications, and no others."""
    tab.until(f"JSON.stringify({TITLES}) === {json.dumps(json.dumps(titles, separators=(',', ':')))}")


def test_one_tab_polls_for_all_and_is_replaced_when_it_closes(
    firefox: Firefox, front: Front, alice: Recipient, publish: Publish
) -> None:
    tabs = [open_tab(firefox, front, alice, f"/tab{number}") for number in range(3)]
    assert len(front.polls) == 2, "a snapshot and a hold"
    publish("one")
    for tab in tabs:
        until_titles(tab, "one")
    (leader,) = [tab for tab in tabs if tab.evaluate("client.state.leader")]
    leader.close()
    publish("two")
    for tab in tabs:
        if tab is not leader:
            until_titles(tab, "two", "one")
            assert tab.evaluate(NEW_TITLES) == ["one", "two"]
    eventually(lambda: len(front.open_polls) == 1, "one of them polls")


def test_page_to_which_the_user_goes_back_misses_nothing(
    firefox: Firefox, front: Front, alice: Recipient, publish: Publish
) -> None:
    """While such a page is loaded, Firefox answers its requests from the cache without asking the gateway."""
    tab = open_tab(firefox, front, alice)
    publish("before")
    until_titles(tab, "before")
    tab.load(serve(front, "/next", "next"))
    eventually(lambda: not front.open_polls, "the poll of the page that was left has ended")
    publish("meanwhile")
    tab.back()
    until_titles(tab, "meanwhile", "before")
    tab.until("client.state.hold > 0")
    assert tab.evaluate("client.counts") == {"unread": 2, "unseen": 2}
    assert tab.evaluate(NEW_TITLES) == ["meanwhile"]


def test_page_that_comes_back_from_memory_goes_on(
    firefox: Firefox, front: Front, alice: Recipient, publish: Publish
) -> None:
    """Firefox keeps pages that neither poll nor hold a lock, until a message of another tab arrives for them."""
    leader = open_tab(firefox, front, alice, "/leader")
    tab = open_tab(firefox, front, alice)
    publish("before")
    until_titles(tab, "before")
    tab.until("client.state.requests === 3")  # the next hold is the last that the other tab reports
    tab.load(serve(front, "/next", "next"))
    tab.back()
    tab.until("isKept")
    publish("after")
    for one in (tab, leader):
        until_titles(one, "after", "before")
        assert one.evaluate(NEW_TITLES) == ["before", "after"]


def test_bell_is_used_with_keys_and_a_change_is_sent_when_the_page_is_left(
    firefox: Firefox, front: Front, alice: Recipient, publish: Publish
) -> None:
    for title in ("one", "two"):
        publish(title)
    tab = firefox.open(serve(front, "/bell", BELL_HTML.format(token=alice.token)))
    tab.until("document.querySelector('.ngb-count').textContent === '2'")
    tab.evaluate("document.querySelector('#before').focus()")
    tab.press("Tab")
    tab.until(f"({FOCUSED}).startsWith('ngb-button')")
    tab.press("Enter")
    tab.until("document.activeElement.matches('.ngb-card:first-child')")
    tab.press("ArrowDown")
    tab.until("document.activeElement.matches('.ngb-card:last-child')")
    tab.press("Escape")
    tab.until(f"document.querySelector('.ngb-panel').hidden && ({FOCUSED}).startsWith('ngb-button')")
    tab.press("ArrowDown")
    tab.until("document.activeElement.matches('.ngb-card:last-child')")
    tab.press("Delete")
    tab.until("!document.querySelector('.ngb-undo').hidden && document.querySelectorAll('.ngb-card').length === 1")
    tab.load(serve(front, "/next", "next"))
    eventually(lambda: len(alice.inbox()["notifications"]) == 1, "the gateway has dismissed it")

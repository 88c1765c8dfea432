"""The client with a real gateway: new notifications, changes by its user and by others. Its logic without a browser
is tested beside its sources."""

import pytest

from tests.browser.conftest import Publish
from tests.browser.front import Front
from tests.browser.tab import CLIENT, RECORDER, Tab, open_tab
from tests.support.browser import Device
from tests.support.site import Publisher, Recipient, Site


@pytest.fixture
def tab(device: Device, front: Front, alice: Recipient) -> Tab:
    """A tab of Alice's whose poll is held."""
    return open_tab(device, front).begin(alice).until_holding()


def test_published_notification_arrives_with_its_count(tab: Tab, publish: Publish) -> None:
    notification_id = publish("For you", body="Hello")
    tab.until_unread(1)
    (item,) = tab.items
    assert (item["id"], item["title"], item["body"]) == (notification_id, "For you", "Hello")
    assert tab.counts == {"unread": 1, "unseen": 1}
    assert tab.titles == ["For you"]


def test_history_continues_a_snapshot_without_new_notifications(
    device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    for number in range(53):
        publish(str(number))
    tab = open_tab(device, front).begin(alice).until_holding()
    assert [len(items) for items in tab.events("notifications")] == [50]
    assert tab.titles == []
    assert tab.events("counts") == [{"unread": 53, "unseen": 53}]
    assert tab.page.evaluate("told.filter(e => e[0] === 'notifications')[0][2].has_more")
    page = tab.call("history", {"before": tab.items[-1]["id"], "limit": 2})["answer"]
    assert [item["title"] for item in page["notifications"]] == ["2", "1"]
    assert page["has_more"]
    page = tab.call("history", {"before": page["notifications"][-1]["id"]})["answer"]
    assert [item["title"] for item in page["notifications"]] == ["0"]
    assert [item["title"] for item in tab.items] == [str(number) for number in reversed(range(53))]
    assert tab.call("history", None)["answer"]["notifications"] == tab.items[:50]


def test_every_change_reaches_the_gateway(tab: Tab, publish: Publish, publisher: Publisher, alice: Recipient) -> None:
    first, second, third = (publish(title) for title in ("first", "second", "third"))
    tab.until_unread(3)
    shown = tab.page.evaluate("client.cursor")
    assert tab.call("markSeen", None)["answer"] == {"changed": 3, "unread": 3, "unseen": 0}
    assert tab.call("markRead", [first, second])["answer"] == {"changed": 2, "unread": 1, "unseen": 0}
    assert tab.call("markUnread", first)["answer"] == {"changed": 1, "unread": 2, "unseen": 0}
    assert tab.call("dismiss", [first])["answer"] == {"changed": 1, "unread": 1, "unseen": 0}
    publish("came later")
    tab.until_unread(2)
    assert tab.call("markAllRead", shown)["answer"]["unread"] == 1, "the later one was not shown"
    tab.until("client.items().every(i => !!i.read_at === (i.title !== 'came later'))")
    assert tab.counts == {"unread": 1, "unseen": 1}
    publisher.session.delete(f"{publisher.url}/v1/notifications/{second}", timeout=30).raise_for_status()
    tab.until_items(2)
    alice.change("dismiss", third)
    tab.until_items(1)
    assert all([gone] in tab.events("removed") for gone in (first, second, third))
    topic = f"topic-{alice.name}"
    assert tab.call("follow", topic)["answer"] == {"topic": topic, "following": True}
    publisher.publish(f"topic:{topic}", "followed")
    tab.until_items(2)
    assert tab.call("unfollow", topic)["answer"] == {"topic": topic, "following": False}
    tab.until_items(1)
    tab.call("dismissAll", None)
    tab.until_items(0)
    tab.until_unread(0)
    assert tab.titles == ["first", "second", "third", "came later", "followed"]


def test_page_of_another_origin_may_poll_if_the_gateway_allows_it(
    device: Device, other_origin: Front, site: Site, alice: Recipient, publish: Publish
) -> None:
    script = f"<script src='{site.url}{CLIENT}'></script><script>{RECORDER}</script>"
    tab = Tab(device.open(other_origin.page("/other", script)))
    tab.begin(alice, url=f"{site.url}/").until_holding()
    notification_id = publish()
    tab.until_unread(1)
    assert tab.call("markRead", notification_id)["error"] is None
    assert tab.call("preferences", None)["error"] is None
    tab.page.evaluate("client.stop(); 0")
    tab.begin(alice, url=site.url, wait=0)
    tab.until("client.state.notModified && client.state.retry <= 2")


def test_handler_that_throws_is_reported_to_the_page(tab: Tab, device: Device, publish: Publish) -> None:
    device.expected_complaints.append("uncaught: bad handler")
    tab.page.evaluate("client.on('counts', function () { throw new Error('bad handler'); }); 0")
    for count in (1, 2):
        publish()
        tab.until_unread(count)

"""Events of the client: new notifications, changes by other devices, and changes by its own user."""

import json

import gevent
import pytest

from tests.browser.front import Answer, Front, Seen
from tests.browser.tab import CLIENT, RECORDER, Tab, open_tab
from tests.support.browser import Device, NewDevice
from tests.support.site import Publisher, Recipient, Site
from tests.support.waiting import eventually


@pytest.fixture
def alice(site: Site) -> Recipient:
    return site.recipient()


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    return new_device()


@pytest.fixture
def tab(device: Device, front: Front, alice: Recipient) -> Tab:
    """A tab of Alice's whose poll is held."""
    return open_tab(device, front).begin(alice).until_holding()


def refuse_changes(seen: Seen) -> int:
    return 403 if seen.path == "/v1/inbox/state" else 0


def test_published_notification_arrives_with_its_count(tab: Tab, alice: Recipient, publisher: Publisher) -> None:
    notification_id = publisher.publish(f"user:{alice.name}", "For you", body="Hello")
    tab.until_unread(1)
    (item,) = tab.items
    assert (item["id"], item["title"], item["body"]) == (notification_id, "For you", "Hello")
    assert tab.counts == {"unread": 1, "unseen": 1}
    assert tab.titles == ["For you"]


def test_client_begins_with_a_snapshot_of_which_nothing_is_new(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    for title in ("first", "second"):
        publisher.publish(f"user:{alice.name}", title)
    tab = open_tab(device, front).begin(alice).until_holding()
    assert [[item["title"] for item in items] for items in tab.told("notifications")] == [["second", "first"]]
    assert tab.titles == []
    assert tab.told("counts") == [{"unread": 2, "unseen": 2}]


def test_what_is_read_on_one_device_is_read_on_the_other(
    tab: Tab, alice: Recipient, publisher: Publisher, front: Front, new_device: NewDevice
) -> None:
    tab.until_items(0)
    notification_id = publisher.publish(f"user:{alice.name}")
    phone = open_tab(new_device(), front).begin(alice)
    for each in (tab, phone):
        each.until_unread(1)
    answer = phone.call("markRead", notification_id)["answer"]
    assert answer == {"changed": 1, "unread": 0, "unseen": 0}
    for each in (tab, phone):
        each.until_unread(0)
    assert tab.items[0]["read_at"]
    assert len(tab.titles) == 1, "what was merely read elsewhere is no news"


def test_what_leaves_the_inbox_is_told(tab: Tab, alice: Recipient, publisher: Publisher) -> None:
    retracted, dismissed = (publisher.publish(f"user:{alice.name}") for _ in range(2))
    tab.until_items(2)
    publisher.session.delete(f"{publisher.url}/v1/notifications/{retracted}", timeout=30).raise_for_status()
    tab.until_items(1)
    alice.session.post(f"{alice.url}/v1/inbox/state", json={"op": "dismiss", "ids": [dismissed]}, timeout=30)
    tab.until_items(0)
    assert tab.told("removed") == [[retracted], [dismissed]]
    assert tab.counts == {"unread": 0, "unseen": 0}


def test_change_shows_at_once_and_the_count_waits_for_the_server(
    tab: Tab, alice: Recipient, publisher: Publisher, front: Front
) -> None:
    notification_id = publisher.publish(f"user:{alice.name}")
    tab.until_unread(1)
    front.delay = lambda seen: 0.3
    at_once = tab.page.evaluate(
        "id => { client.markRead(id); return [client.items()[0].read_at, client.counts.unread]; }", notification_id
    )
    assert at_once[0]
    assert at_once[1] == 1
    assert tab.page.evaluate("told[told.length - 1][2].optimistic")
    tab.until_unread(0)


def test_refused_change_is_undone(
    tab: Tab, device: Device, alice: Recipient, publisher: Publisher, front: Front
) -> None:
    device.expects_network_errors = True
    notification_id = publisher.publish(f"user:{alice.name}", "Stays")
    tab.until_unread(1)
    front.fails = refuse_changes
    before = tab.items
    for method in ("markRead", "dismiss", "markAllRead", "dismissAll"):
        result = tab.call(method, None if "All" in method else notification_id)
        assert result["error"]["status"] == 403, method
        assert tab.items == before, method
        assert tab.told("notifications")[-1] == before, method
        assert tab.counts == {"unread": 1, "unseen": 1}, method


def test_undoing_keeps_what_the_server_has_told_meanwhile(
    tab: Tab, device: Device, alice: Recipient, publisher: Publisher, front: Front
) -> None:
    device.expects_network_errors = True
    notification_id = publisher.publish(f"user:{alice.name}")
    tab.until_unread(1)
    released: list[Seen] = []

    def refuse_late(seen: Seen) -> int:
        if seen.path != "/v1/inbox/state":
            return 0
        alice.session.post(f"{alice.url}/v1/inbox/state", json={"op": "read", "ids": [notification_id]}, timeout=30)
        eventually_told()
        released.append(seen)
        return 403

    def eventually_told() -> None:
        # The gateway's own answer has gone by when the next poll is on its way.
        count = len(front.polls)
        while len(front.polls) == count:
            gevent.sleep(0.01)

    front.fails = refuse_late
    tab.call("markUnread", notification_id)
    assert released
    tab.until_unread(0)
    assert tab.items[0]["read_at"], "the server's word stands"


def test_mark_all_read_leaves_what_the_user_has_not_been_shown(
    tab: Tab, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}", "shown")
    tab.until_unread(1)
    shown = tab.page.evaluate("client.cursor")
    publisher.publish(f"user:{alice.name}", "came later")
    tab.until_unread(2)
    assert tab.call("markAllRead", shown)["answer"]["unread"] == 1
    tab.until("client.items().length === 2 && client.items()[1].read_at")
    assert not tab.items[0]["read_at"]
    assert tab.counts == {"unread": 1, "unseen": 1}
    tab.call("dismissAll", None)
    tab.until_items(0)
    tab.until_unread(0)
    assert tab.titles == ["shown", "came later"], "a reset is no news"


def test_every_change_of_state_reaches_the_server(tab: Tab, alice: Recipient, publisher: Publisher) -> None:
    first, second = (publisher.publish(f"user:{alice.name}") for _ in range(2))
    tab.until_unread(2)
    assert tab.call("markSeen", None)["answer"] == {"changed": 2, "unread": 2, "unseen": 0}
    assert tab.call("markRead", [first, second])["answer"] == {"changed": 2, "unread": 0, "unseen": 0}
    assert tab.call("markUnread", first)["answer"] == {"changed": 1, "unread": 1, "unseen": 0}
    assert tab.call("dismiss", [first])["answer"] == {"changed": 1, "unread": 0, "unseen": 0}
    tab.until_items(1)


def test_history_goes_back_behind_the_snapshot(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    for number in range(53):
        publisher.publish(f"user:{alice.name}", str(number))
    tab = open_tab(device, front).begin(alice).until_holding()
    assert len(tab.items) == 50
    assert tab.page.evaluate("told.filter(e => e[0] === 'notifications')[0][2].has_more")
    page = tab.call("history", {"before": tab.items[-1]["id"], "limit": 2})["answer"]
    assert [item["title"] for item in page["notifications"]] == ["2", "1"]
    assert page["has_more"]
    page = tab.call("history", {"before": page["notifications"][-1]["id"]})["answer"]
    assert [item["title"] for item in page["notifications"]] == ["0"]
    assert [item["title"] for item in tab.items] == [str(number) for number in reversed(range(53))]
    assert tab.call("history", None)["answer"]["notifications"] == tab.items[:50]


def test_preferences_are_guarded_against_another_device(
    tab: Tab, device: Device, alice: Recipient, publisher: Publisher
) -> None:
    assert tab.call("preferences", None)["answer"] == {"types": {}}
    muted = {"like": {"muted": True}}
    assert tab.call("preferences", muted)["answer"]["types"] == muted
    alice.session.put(f"{alice.url}/v1/inbox/preferences", json={"types": {}}, timeout=30).raise_for_status()
    device.expects_network_errors = True
    assert tab.call("preferences", muted)["error"]["status"] == 412
    tab.call("preferences", None)
    assert tab.call("preferences", muted)["error"] is None
    publisher.publish(f"user:{alice.name}", "muted", type="like")
    publisher.publish(f"user:{alice.name}", "not muted")
    tab.until_items(1)
    assert tab.items[0]["title"] == "not muted"


def test_resets_that_bring_nothing_new_do_not_end_the_holding(tab: Tab, alice: Recipient, publisher: Publisher) -> None:
    for number, display in enumerate(["badge", "toast", "badge"], 1):
        types = {"like": {"display": display}}
        alice.session.put(f"{alice.url}/v1/inbox/preferences", json={"types": types}, timeout=30).raise_for_status()
        tab.until("told.filter(e => e[0] === 'reset').length === arg", number)
    publisher.publish(f"user:{alice.name}", "news")
    tab.until_items(1)
    assert "short" not in {state["mode"] for state in tab.told("state")}
    assert tab.titles == ["news"]


def test_own_changes_do_not_end_the_holding(tab: Tab, alice: Recipient, publisher: Publisher, front: Front) -> None:
    """Although the response of the hold is known here already."""
    notification_id = publisher.publish(f"user:{alice.name}")
    tab.until_unread(1)
    for method in ("markSeen", "markRead", "markUnread", "dismiss"):
        eventually(lambda: front.open_polls, "the next hold")
        count = len(front.polls)
        tab.call(method, notification_id)
        eventually(lambda count=count: len(front.polls) > count, "it is answered")
    assert "short" not in {state["mode"] for state in tab.told("state")}


def test_gateway_that_answers_every_hold_with_a_reset_is_not_asked_without_end(
    device: Device, front: Front, alice: Recipient
) -> None:
    body = {"notifications": [], "removed": [], "unread": 0, "unseen": 0, "has_more": False, "reset": True}

    def reset(seen: Seen) -> int | Answer:
        cursor = f"{seen.cursor}x"[-60:]
        answer = {**body, "cursor": cursor, "poll": {"after": 15, "wait": 55}}
        return Answer(200, json.dumps(answer), "application/json") if seen.wait else 0

    front.fails = reset
    tab = open_tab(device, front).begin(alice)
    tab.until("client.state.mode === 'short' && client.state.retry === 15")
    assert [seen.wait for seen in front.polls] == [0, *[55] * 5]


def test_topics_are_followed_and_left(tab: Tab, publisher: Publisher, alice: Recipient) -> None:
    topic = f"topic-{alice.name}"
    assert tab.call("follow", topic)["answer"] == {"topic": topic, "following": True}
    publisher.publish(f"topic:{topic}", "followed")
    tab.until_items(1)
    assert tab.call("unfollow", topic)["answer"] == {"topic": topic, "following": False}


def test_page_of_another_origin_may_poll_if_the_gateway_allows_it(
    device: Device, other_origin: Front, site: Site, alice: Recipient, publisher: Publisher
) -> None:
    script = f"<script src='{site.url}{CLIENT}'></script><script>{RECORDER}</script>"
    tab = Tab(device.open(other_origin.page("/other", script)))
    tab.begin(alice, url=f"{site.url}/").until_holding()
    notification_id = publisher.publish(f"user:{alice.name}")
    tab.until_unread(1)
    assert tab.call("markRead", notification_id)["error"] is None
    assert tab.call("preferences", None)["error"] is None
    tab.page.evaluate("client.stop(); 0")
    tab.begin(alice, url=site.url, wait=0)
    tab.until("client.state.notModified && client.state.retry <= 2")


def test_burst_arrives_whole_and_in_order(tab: Tab, alice: Recipient, publisher: Publisher, front: Front) -> None:
    titles = [str(number) for number in range(60)]
    before = len(front.polls)
    for title in titles:
        publisher.publish(f"user:{alice.name}", title)
    tab.until_items(60)
    assert tab.titles == titles
    assert len(front.polls) - before < 40, "what comes in a burst is taken together"


def test_handler_that_throws_stops_neither_the_others_nor_the_polls(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    device.expected_complaints.append("uncaught: bad handler")
    tab = open_tab(device, front).begin(alice).until_holding()
    tab.page.evaluate(
        "client.on('counts', function () { throw new Error('bad handler'); }); client.on('counts', function () { told.push(['after']); }); 0"
    )
    for count in (1, 2):
        publisher.publish(f"user:{alice.name}")
        tab.until_unread(count)
    tab.until("told.filter(e => e[0] === 'after').length === 2")


def test_stopped_client_is_quiet_and_can_start_again(
    tab: Tab, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tab.page.evaluate("client.stop(); 0")
    tab.until("client.state.mode === 'stopped' && !client.state.error")
    count = len(front.seen)
    publisher.publish(f"user:{alice.name}", "meanwhile")
    assert len(front.seen) == count
    assert not front.open_polls
    tab.page.evaluate("client.start(); 0")
    tab.until_unread(1)
    assert tab.titles == ["meanwhile"]

"""The client over its life: pages come and go, networks and gateways too, tabs are hidden and seen again."""

import signal
from collections.abc import Callable

import pytest

from tests.browser.front import Front
from tests.browser.page_time import pass_time, stop_time
from tests.browser.tab import Tab, open_tab
from tests.browser.test_client_tabs import HIDE
from tests.support.browser import Device, NewDevice
from tests.support.site import Publisher, Recipient, Site
from tests.support.waiting import eventually


@pytest.fixture
def alice(site: Site) -> Recipient:
    return site.recipient()


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    made = new_device()
    made.expects_network_errors = True
    return made


def test_next_page_gets_what_came_between_as_new_and_the_rest_as_a_snapshot(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}", "seen by the first page")
    tab = open_tab(device, front).begin(alice)
    tab.until_items(1)
    tab.page.goto("about:blank")
    publisher.publish(f"user:{alice.name}", "between the pages")
    tab = open_tab(device, front).begin(alice)
    tab.until_items(2)
    tab.until("told.filter(e => e[0] === 'notifications').length === 2")
    assert tab.titles == ["between the pages"]
    tab.until_holding()
    publisher.publish(f"user:{alice.name}", "later")
    tab.until_items(3)
    assert tab.titles == ["between the pages", "later"]


def test_cursor_is_stored_after_the_handlers_ran_so_that_a_crash_repeats(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tab = open_tab(device, front)
    key = f"notifygate::{alice.name}:cursor"
    tab.begin(alice).until_holding()
    before = tab.page.evaluate("key => localStorage[key]", key)
    tab.page.evaluate("key => { client.on('counts', function () { told.push(['stored', localStorage[key]]); }); }", key)
    publisher.publish(f"user:{alice.name}", "handled in a crash")
    tab.until_items(1)
    assert tab.told("stored") == [before], "the handlers saw the old cursor"
    tab.until("localStorage[arg[0]] !== arg[1]", [key, before])
    tab.page.goto("about:blank")
    # As it is in storage when the page crashes in a handler.
    again = open_tab(device, front)
    again.page.evaluate("([key, cursor]) => { localStorage[key] = cursor; }", [key, before])
    again.begin(alice)
    again.until("told.filter(e => e[0] === 'notifications').length === 2")
    assert again.titles == ["handled in a crash"]
    assert len(again.items) == 1


def test_offline_browser_does_not_poll_and_catches_up_when_it_is_back(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    tab = open_tab(device, front).begin(alice).until_holding()
    device.context.set_offline(True)
    tab.until("client.state.mode === 'offline'")
    count = len(front.polls)
    publisher.publish(f"user:{alice.name}", "missed")
    device.context.set_offline(False)
    tab.until_items(1)
    assert tab.titles == ["missed"]
    assert front.polls[count].cursor == front.polls[count - 1].cursor
    assert tab.told("error") == []


def stop_in_order(site: Site, tab: Tab, front: Front) -> None:
    """The gateway answers its holds with the time of the next poll: no error."""
    held = front.open_polls[0]
    site.gateways[0].send(signal.SIGTERM)
    eventually(lambda: held.ended, "the hold is answered")
    tab.until("client.state.mode === 'short' && client.state.retry > 0")
    assert held.status in (200, 304)
    assert tab.told("error") == []
    site.gateways[0].stop()


def crash(site: Site, tab: Tab, front: Front) -> None:
    """The gateway is gone without a word."""
    site.gateways[0].kill()
    tab.until("client.state.error")


@pytest.mark.parametrize("stop", [stop_in_order, crash])
def test_restart_of_the_gateway_loses_nothing(
    stop: Callable[[Site, Tab, Front], None], restarting_site: Site, device: Device
) -> None:
    front = Front(restarting_site.url)
    alice, publisher = restarting_site.recipient(), restarting_site.publisher()
    tab = open_tab(device, front).begin(alice).until_holding()
    publisher.publish(f"user:{alice.name}", "before")
    tab.until_items(1)
    eventually(lambda: front.open_polls, "the next hold")
    stop(restarting_site, tab, front)
    restarting_site.gateways[0].restart()
    publisher.publish(f"user:{alice.name}", "after")
    tab.page.evaluate("client.start(); 0")  # what "try now" does, rather than wait until it does so by itself
    tab.until_items(2)
    assert tab.titles == ["before", "after"]
    assert tab.told("reset") == []
    front.close()


def test_hidden_tab_polls_once_a_minute_and_at_once_when_it_is_seen(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    stop_time(device.context)
    tab = open_tab(device, front).begin(alice).until_holding()
    tab.page.evaluate(HIDE, True)
    publisher.publish(f"user:{alice.name}", "ends the hold")
    tab.until_items(1)
    pass_time(tab.page, 0.5)
    tab.until("client.state.mode === 'hidden' && client.state.retry === 60")
    count = len(front.polls)
    publisher.publish(f"user:{alice.name}", "waits for its minute")
    pass_time(tab.page, 59)
    assert len(front.polls) == count
    pass_time(tab.page, 1.5)
    tab.until_items(2)
    tab.until("client.state.retry === 60")
    publisher.publish(f"user:{alice.name}", "is looked for")
    tab.page.evaluate(HIDE, False)
    tab.until_items(3)
    pass_time(tab.page, 0.5)
    tab.until_holding()


def test_old_engine_works_from_end_to_end(
    new_device: NewDevice, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    """The tests of tabs run in it too."""
    device = new_device()
    tab = open_tab(device, front, old=True).begin(alice, token_after=[alice.token]).until_holding()
    notification_id = publisher.publish(f"user:{alice.name}", "for an old browser")
    tab.until_unread(1)
    tab.page.evaluate("id => { client.markRead(id); }", notification_id)
    tab.until_unread(0)
    tab.page.evaluate("client.dismissAll(null, function (error) { told.push(['dismissed', error]); }); 0")
    tab.until("told.some(e => e[0] === 'dismissed' && e[1] === null)")
    tab.until_items(0)
    tab.page.evaluate(
        "client.history(null, function (error, page) { told.push(['page', page.notifications.length]); }); 0"
    )
    tab.until("told.some(e => e[0] === 'page' && e[1] === 0)")

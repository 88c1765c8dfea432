"""The client over time: pages, networks and gateways come and go, tabs are hidden and visible again."""

import signal
from contextlib import closing

import pytest

from tests.browser.conftest import Publish
from tests.browser.front import Front
from tests.browser.page_time import pass_time, stop_time
from tests.browser.tab import Tab, open_tab
from tests.browser.test_client_tabs import HIDE
from tests.support.browser import Device, NewDevice
from tests.support.site import MakeSite, Recipient, Site
from tests.support.waiting import eventually


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    made = new_device()
    made.expects_network_errors = True
    return made


def test_next_page_gets_notifications_in_between_as_new_and_the_rest_as_a_snapshot(
    device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    publish("seen by the first page")
    tab = open_tab(device, front).begin(alice)
    tab.until_items(1)
    tab.page.goto("about:blank")
    publish("between the pages")
    tab = open_tab(device, front).begin(alice)
    tab.until_items(2)
    tab.until("told.filter(e => e[0] === 'notifications').length === 2")
    assert tab.titles == ["between the pages"]
    tab.until_holding()
    publish("later")
    tab.until_items(3)
    assert tab.titles == ["between the pages", "later"]


def test_offline_browser_does_not_poll_and_catches_up_when_it_is_back(
    device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    tab = open_tab(device, front).begin(alice).until_holding()
    device.context.set_offline(True)
    tab.until("client.state.mode === 'offline'")
    count = len(front.polls)
    publish("missed")
    device.context.set_offline(False)
    tab.until_items(1)
    assert tab.titles == ["missed"]
    assert front.polls[count].cursor == front.polls[count - 1].cursor
    assert tab.events("error") == []


def stop_in_order(site: Site, tab: Tab, front: Front) -> None:
    """Stop the gateway, which answers its holds with the time of the next poll: no error."""
    held = front.open_polls[0]
    site.gateways[0].send(signal.SIGTERM)
    eventually(lambda: held.ended, "the hold is answered")
    tab.until("client.state.mode === 'short' && client.state.retry > 0")
    assert held.status in (200, 304)
    assert tab.events("error") == []
    site.gateways[0].stop()


def crash(site: Site, tab: Tab, front: Front) -> None:
    """Kill the gateway, which ends its holds without an answer."""
    site.gateways[0].kill()
    tab.until("client.state.error")


def test_restart_of_the_gateway_loses_nothing(make_site: MakeSite, device: Device) -> None:
    site = make_site(POLL_AFTER=1)
    alice, publisher = site.recipient(), site.publisher()
    with closing(Front(site.url)) as front:
        tab = open_tab(device, front).begin(alice)
        for count, stop in enumerate((stop_in_order, crash)):
            tab.until_holding()
            publisher.publish(f"user:{alice.name}", "before")
            tab.until_items(2 * count + 1)
            eventually(lambda: front.open_polls, "the next hold")
            stop(site, tab, front)
            site.gateways[0].restart()
            publisher.publish(f"user:{alice.name}", "after")
            tab.page.evaluate("client.start(); 0")  # as "try now" does, instead of waiting for the retry
            tab.until_items(2 * count + 2)
        assert tab.titles == ["before", "after"] * 2
        assert tab.events("reset") == []


def test_hidden_tab_polls_once_a_minute_and_at_once_when_it_is_visible(
    device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    stop_time(device.context)
    tab = open_tab(device, front).begin(alice).until_holding()
    tab.page.evaluate(HIDE, True)
    publish("ends the hold")
    tab.until_items(1)
    pass_time(tab.page, 0.5)
    tab.until("client.state.mode === 'hidden' && client.state.retry === 60")
    count = len(front.polls)
    publish("waits for its minute")
    pass_time(tab.page, 59)
    assert len(front.polls) == count
    pass_time(tab.page, 1.5)
    tab.until_items(2)
    tab.until("client.state.retry === 60")
    publish("is looked for")
    tab.page.evaluate(HIDE, False)
    tab.until_items(3)
    pass_time(tab.page, 0.5)
    tab.until_holding()

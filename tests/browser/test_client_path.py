"""The client on paths that cut holds, lose ETags, buffer answers or fail, and with tokens and cursors that the gateway
refuses. Its logic for paths is tested without a browser beside its sources.

The test advances the page's time where holds have to end (see `page_time.py`); requests and answers are always real.
"""

import itertools
import json

import pytest
from gevent.event import Event

from tests.browser.conftest import Publish
from tests.browser.front import Forwarded, Front
from tests.browser.page_time import pass_time, pass_time_until, stop_time
from tests.browser.tab import open_tab
from tests.support.browser import Device, NewDevice
from tests.support.site import Recipient, Site
from tests.support.waiting import eventually


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    made = new_device()
    made.expects_network_errors = True
    return made


def test_two_holds_cut_at_the_same_age_set_the_longest_hold(device: Device, front: Front, alice: Recipient) -> None:
    """One hold ends with a proxy's answer, the other without any."""
    stop_time(device.context)
    tab = open_tab(device, front).begin(alice)

    def held() -> Forwarded:
        return pass_time_until(
            tab.page, lambda: next((seen for seen in front.open_polls if seen.wait), None), "a poll is held"
        )

    for age, status in ((20, 504), (20.5, None)):
        hold = held()
        assert hold.wait == 55
        pass_time(tab.page, age)
        front.cut_holds(status)
        eventually(lambda hold=hold: hold.ended, "the hold has ended")
    assert held().wait == 14
    assert tab.state["limit"] == 14
    assert tab.events("error") == [], "a hold that times out is not an error"


def test_notifications_are_neither_lost_nor_repeated_on_the_worst_path(
    device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    """Cuts holds at 1.5 s, strips ETags, and every fifth poll is a 502 or cut off with the answer on its way."""
    front.cuts_after = 1.5
    front.strips_etags = True
    failures = itertools.cycle([0, 0, 0, 0, 502, 0, 0, 0, 0, -1])

    def fails(seen: Forwarded) -> int:
        failure = next(failures) if seen.is_poll else 0
        front.loses_answers = failure < 0
        return max(failure, 0)

    front.fails = fails
    tab = open_tab(device, front).begin(alice)
    tab.until("client.cursor")
    titles = [str(number) for number in range(20)]
    for title in titles[:10]:
        publish(title)
        tab.page.wait_for_timeout(100)  # so that they arrive with several polls
    tab.until("client.state.limit")
    for title in titles[10:]:
        publish(title)
        tab.page.wait_for_timeout(100)
    tab.until_items(len(titles))
    assert tab.titles == titles
    assert tab.counts == {"unread": len(titles), "unseen": len(titles)}
    assert tab.events("reset") == []


def test_diagnosis_measures_the_path(device: Device, front: Front, alice: Recipient) -> None:
    stop_time(device.context)
    gate = Event()
    front.gate = lambda seen: None if seen.is_poll else gate
    tab = open_tab(device, front).begin(alice, wait=1).begin_call("diagnose")

    def await_request(path: str) -> None:
        eventually(lambda: any(seen.path == path for seen in front.seen), path)

    await_request("/v1/inbox/unread")
    pass_time(tab.page, 0.25)
    gate.set()
    await_request("/v1/probe")
    pass_time(tab.page, 1)
    assert tab.end_call()["answer"] == {"rtt": 0.25, "hold": 1, "buffered": False, "etag": True}


def test_expired_token_is_replaced_once_and_no_error_is_reported(
    site: Site, device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    expired = site.recipient(alice.name, seconds=-10).token
    tab = open_tab(device, front).begin(alice, token_after=[expired, alice.token]).until_holding()
    publish()
    tab.until_items(1)
    assert tab.events("error") == []
    assert tab.page.evaluate("told.filter(e => e[0] === 'asked').length") == 2


@pytest.mark.parametrize("whose", ["none", "another recipient's"])
def test_cursor_that_is_not_valid_is_replaced_by_a_snapshot(
    whose: str, site: Site, device: Device, front: Front, alice: Recipient, publish: Publish
) -> None:
    publish("old")
    cursor = "no cursor at all" if whose == "none" else site.recipient().cursor()
    tab = open_tab(device, front)
    key = f"notifygate::{alice.name}:cursor"
    tab.page.evaluate("([key, value]) => { localStorage[key] = value; }", [key, json.dumps(cursor)])
    tab.begin(alice).until("told.some(e => e[0] === 'reset' || e[0] === 'error')")
    tab.until_holding()
    publish("new")
    tab.until_items(2)
    assert tab.titles == ["new"]
    assert [error["code"] for error in tab.events("error")] == (["invalid-cursor"] if whose == "none" else [])

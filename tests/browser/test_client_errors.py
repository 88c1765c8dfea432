"""Rejected requests of the client: new tokens, back-off, and an end for permanent errors."""

import json

import pytest

from tests.browser.front import Answer, Front, Seen
from tests.browser.page_time import pass_time, stop_time
from tests.browser.tab import open_tab
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


def test_expired_token_is_replaced_once_and_nobody_notices(
    site: Site, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    expired = site.recipient(alice.name, seconds=-10).token
    tab = open_tab(device, front).begin(alice, token_after=[expired, alice.token]).until_holding()
    publisher.publish(f"user:{alice.name}")
    tab.until_items(1)
    assert tab.told("error") == []
    assert tab.page.evaluate("told.filter(e => e[0] === 'asked').length") == 2


def test_token_that_expires_in_a_hold_is_replaced(
    site: Site, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    short_lived = site.recipient(alice.name, seconds=3).token
    tab = open_tab(device, front).begin(alice, token_after=[short_lived, alice.token]).until_holding()
    tab.until("told.filter(e => e[0] === 'asked').length === 2")
    publisher.publish(f"user:{alice.name}")
    tab.until_items(1)
    assert tab.told("error") == []


def test_client_stops_and_says_so_when_a_new_token_is_no_good_either(
    site: Site, device: Device, front: Front, alice: Recipient
) -> None:
    expired = site.recipient(alice.name, seconds=-10).token
    tab = open_tab(device, front).begin(alice, token_after=[expired, expired, alice.token])
    tab.until("client.state.mode === 'stopped'")
    assert [seen.status for seen in front.polls] == [401, 401]
    (error,) = tab.told("error")
    assert (error["status"], error["code"], error["retry"]) == (401, "unauthorized", 0)
    assert tab.state["error"] == error


@pytest.mark.parametrize("tokens", [[""], [None]], ids=["empty", "none"])
def test_client_without_a_token_stops(tokens: list[str | None], device: Device, front: Front, alice: Recipient) -> None:
    tab = open_tab(device, front).begin(alice, token_after=tokens)
    tab.until("client.state.mode === 'stopped' && client.state.error.status === 401")
    assert front.seen == []


def test_token_may_come_in_a_promise_and_a_rejected_one_is_tried_again(
    device: Device, front: Front, alice: Recipient
) -> None:
    tab = open_tab(device, front)
    tab.page.evaluate(
        """token => {
            var tries = 0;
            begin({getToken: () => tries++ ? Promise.resolve(token) : Promise.reject(new Error('no network'))});
        }""",
        alice.token,
    )
    tab.until_holding()
    assert [error["status"] for error in tab.told("error")] == [0]


def test_token_of_somebody_else_stops_the_client(site: Site, device: Device, front: Front, alice: Recipient) -> None:
    bob = site.recipient()
    expired = site.recipient(alice.name, seconds=-10).token
    tab = open_tab(device, front).begin(alice, token_after=[expired, bob.token])
    tab.until("client.state.mode === 'stopped' && client.state.error.status === 401")
    assert len(front.polls) == 1, "nothing was asked in Bob's name"


def test_retry_after_is_obeyed_whatever_happens(device: Device, front: Front, alice: Recipient) -> None:
    stop_time(device.context)
    front.fails = lambda seen: Answer(503, retry_after=300)
    tab = open_tab(device, front).begin(alice)
    tab.until("client.state.mode === 'waiting' && client.state.retry >= 300 && client.state.error.status === 503")
    pass_time(tab.page, 299)
    tab.page.evaluate(
        "client.start(); dispatchEvent(new Event('online')); document.dispatchEvent(new Event('visibilitychange')); 0"
    )
    assert tab.page.evaluate("window.inFlight") == 0
    assert len(front.polls) == 1
    front.fails = None
    pass_time(tab.page, 2)
    tab.until_holding()


def test_client_that_is_waiting_polls_at_once_when_it_is_told_to(
    device: Device, front: Front, alice: Recipient
) -> None:
    stop_time(device.context)
    front.fails = lambda seen: 500
    tab = open_tab(device, front)
    tab.page.evaluate("Math.random = () => 0.999; 0")
    tab.begin(alice)
    tab.until("told.filter(e => e[0] === 'error').length === 1")
    front.fails = None
    tab.page.evaluate("client.start(); 0")
    tab.until_holding()


def test_five_answers_to_one_cursor_make_the_client_drop_it(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}", "still there")
    tab = open_tab(device, front).begin(alice, wait=0)
    tab.until("client.cursor")
    cursor = tab.page.evaluate("client.cursor")
    stuck = {"notifications": [], "removed": [], "unread": 1, "unseen": 1, "cursor": cursor, "has_more": True}
    body = json.dumps({**stuck, "reset": False, "poll": {"after": 1, "wait": 55}})
    front.fails = lambda seen: Answer(200, body, "application/json") if seen.cursor == cursor else 0
    tab.until("told.filter(e => e[0] === 'error' && e[1].code === 'loop').length === 1")
    asked = [seen for seen in front.polls if seen.cursor == cursor and seen.ended]
    assert len(asked) <= 7, "at most two that the gateway answered, and five"
    front.fails = None
    tab.until("told.filter(e => e[0] === 'reset').length === 1 && client.state.mode === 'short'")
    assert len(tab.items) == 1
    assert tab.titles == []


def test_cursor_that_is_none_is_replaced_by_a_snapshot(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}")
    tab = open_tab(device, front)
    tab.page.evaluate(
        "user => localStorage.setItem('notifygate::' + user + ':cursor', '\"no cursor at all\"')", alice.name
    )
    tab.begin(alice).until("told.some(e => e[0] === 'error')")
    tab.until_holding()
    assert len(tab.items) == 1
    assert [error["code"] for error in tab.told("error")] == ["invalid-cursor"]


def test_cursor_of_another_recipient_is_replaced_by_a_snapshot(
    site: Site, device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}", "old")
    bob = site.recipient()
    tab = open_tab(device, front)
    tab.page.evaluate(
        "([user, cursor]) => localStorage.setItem('notifygate::' + user + ':cursor', JSON.stringify(cursor))",
        [alice.name, bob.cursor()],
    )
    tab.begin(alice).until_holding()
    publisher.publish(f"user:{alice.name}", "new")
    tab.until_items(2)
    assert tab.titles == ["new"]
    assert tab.told("error") == []


def test_failed_poll_is_followed_by_one_that_is_answered_at_once(
    device: Device, front: Front, alice: Recipient
) -> None:
    """So that it is known soon whether the gateway is back, and not only when a hold ends."""
    answers: list[Seen] = []

    def fails(seen: Seen) -> int:
        answers.append(seen)
        return 500 if len(answers) in (2, 3) else 0

    front.fails = fails
    tab = open_tab(device, front).begin(alice)
    tab.until("told.filter(e => e[0] === 'error').length === 2")
    eventually(lambda: len(answers) >= 5, "it goes on")
    tab.until_holding()
    assert [seen.wait for seen in answers] == [0, 55, 0, 0, 55]
    assert tab.state["error"] is None

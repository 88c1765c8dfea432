"""The client on paths that allow no long holds, lose ETags, keep answers back or fail now and then.

The page's time is the test's where hours or holds have to pass (see `page_time.py`); requests and answers are real all
the time. Holds are then cut off by the test, after as much of the page's time as it likes.
"""

import itertools
from typing import Any

import pytest
from gevent.event import Event

from tests.browser.conftest import QUICK
from tests.browser.front import Answer, Front, Seen
from tests.browser.page_time import pass_time, pass_time_until, stop_time
from tests.browser.tab import open_tab
from tests.support.browser import Device, NewDevice
from tests.support.site import Publisher, Recipient, Site
from tests.support.waiting import eventually

HOUR = 3600


@pytest.fixture
def alice(site: Site) -> Recipient:
    return site.recipient()


@pytest.fixture
def device(new_device: NewDevice) -> Device:
    made = new_device()
    made.expects_network_errors = True
    return made


class TimedTab:
    """A tab whose clock is the test's, with one poll held."""

    def __init__(self, device: Device, front: Front, alice: Recipient, **options: Any) -> None:
        stop_time(device.context)
        self.device = device
        self.front = front
        self.tab = open_tab(device, front).begin(alice, **options)
        self.await_hold()

    def await_hold(self) -> Seen:
        """Return the poll that is held; time passes as far as the client waits for it."""
        return pass_time_until(
            self.tab.page, lambda: next((seen for seen in self.front.open_polls if seen.wait), None), "a poll is held"
        )

    def pass_time(self, seconds: float) -> None:
        """Let time pass in the page, timers and all."""
        pass_time(self.tab.page, seconds)

    def pass_polls(self, count: int) -> None:
        """Advance the time until a number of further polls is answered."""

        def answered() -> int:
            return sum(seen.ended is not None for seen in self.front.polls)

        wanted = answered() + count
        pass_time_until(self.tab.page, lambda: answered() >= wanted, "they are answered")

    def cut_hold_at(self, age: float, status: int | None = 504) -> Seen:
        """Cut the held poll off at an age; return the one that is held next."""
        cut = self.await_hold()
        self.pass_time(age)
        self.front.cut_holds(status)
        eventually(lambda: cut.ended, "the hold has ended")
        return self.await_hold()


@pytest.mark.parametrize("statuses", [(408, 502), (504, 524), (None, None)], ids=str)
def test_two_holds_that_die_at_one_age_tell_the_longest_hold(
    statuses: tuple[int | None, int | None], device: Device, front: Front, alice: Recipient
) -> None:
    timed = TimedTab(device, front, alice)
    assert timed.await_hold().wait == 55
    assert timed.cut_hold_at(20, statuses[0]).wait == 55
    assert timed.cut_hold_at(20.5, statuses[1]).wait == 14
    assert timed.tab.state["limit"] == 14
    assert timed.tab.told("error") == [], "a hold that times out is not an error"


def test_hold_that_ends_without_news_is_followed_by_the_next_at_once(
    device: Device, front: Front, alice: Recipient
) -> None:
    timed = TimedTab(device, front, alice)
    for number in (1, 2):
        assert timed.cut_hold_at(53, 304).wait == 55
        assert timed.tab.state["notModified"] == number
    modes = [(state["mode"], state["retry"]) for state in timed.tab.told("state")]
    assert set(modes) == {("connecting", 0), ("long", 0)}
    assert timed.tab.told("error") == []
    assert not timed.tab.state["limit"]


def test_learned_hold_is_remembered_for_a_day(device: Device, front: Front, alice: Recipient) -> None:
    timed = TimedTab(device, front, alice)
    timed.cut_hold_at(10)
    assert timed.cut_hold_at(10).wait == 7
    timed.tab.page.reload()
    timed.tab.begin(alice)
    assert timed.await_hold().wait == 7
    timed.tab.page.clock.fast_forward(25 * HOUR * 1000)
    eventually(lambda: timed.await_hold().wait == 55, "the limit is forgotten")


def test_path_that_got_better_is_used_to_the_full(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    timed = TimedTab(device, front, alice)
    timed.cut_hold_at(10)
    assert timed.cut_hold_at(10).wait == 7
    timed.tab.page.clock.fast_forward(HOUR * 1000)
    for number in range(1, 12):
        held = timed.await_hold()
        if held.wait == 55 and not timed.tab.state["limit"]:
            return
        timed.pass_time(held.wait * 0.95)
        publisher.publish(f"user:{alice.name}")  # ends the hold as its natural end would, just sooner
        eventually(lambda held=held: held.ended, "the hold has ended")
        timed.tab.until_items(number)
    raise AssertionError(f"never got back to long holds: {[seen.wait for seen in front.polls]}")


def test_path_without_holds_is_polled_at_the_interval_of_the_gateway(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    timed = TimedTab(device, front, alice)
    timed.cut_hold_at(2)
    timed.pass_time(2)
    front.cut_holds()
    timed.tab.until("client.state.mode === 'short' && client.state.limit === 1")
    timed.pass_polls(2)
    assert [seen.wait for seen in front.polls[-3:]] == [0, 0, 0]
    timed.tab.until(f"client.state.retry === {QUICK['NOTIFYGATE_POLL_AFTER']}")  # 0 until the answer is taken in
    publisher.publish(f"user:{alice.name}", "by short poll")
    timed.pass_polls(1)
    timed.tab.until_items(1)
    assert timed.tab.told("error") == []


def test_gateway_that_goes_away_in_a_hold_is_no_limit_of_the_path(
    device: Device, front: Front, alice: Recipient
) -> None:
    timed = TimedTab(device, front, alice)
    for _ in range(3):
        front.fails = lambda seen: 502
        timed.await_hold()
        timed.pass_time(10)
        front.cut_holds(None)
        timed.tab.until("client.state.mode === 'waiting'")
        front.fails = None
        timed.pass_time(10)
        assert timed.await_hold().wait == 55
        timed.tab.until("!client.state.error")


def test_hold_that_is_never_answered_is_given_up(device: Device, front: Front, alice: Recipient) -> None:
    timed = TimedTab(device, front, alice)
    first = timed.await_hold()
    timed.pass_time(65)
    assert not first.ended, "the answer might be on its way"
    timed.pass_time(10)
    eventually(lambda: first.ended, "the client has hung up")
    assert timed.await_hold().wait == 55
    assert timed.tab.told("error") == []


def test_sleep_of_a_laptop_makes_one_poll_and_teaches_nothing(device: Device, front: Front, alice: Recipient) -> None:
    timed = TimedTab(device, front, alice)
    for _ in range(3):
        held = timed.await_hold()
        count = len(front.polls)
        timed.tab.page.clock.fast_forward(8 * HOUR * 1000)
        eventually(lambda held=held: held.ended, "the stale hold is given up")
        assert timed.await_hold().wait == 55
        assert len(front.polls) - count <= 2, "one stale hold, and one new"
    assert timed.tab.told("error") == []


def test_lost_etags_cost_bytes_and_nothing_else(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    timed = TimedTab(device, front, alice)
    for _ in range(2):
        timed.cut_hold_at(53, 304)
    front.strips_etags = True
    timed.await_hold()
    publisher.publish(f"user:{alice.name}", "without a tag")
    timed.tab.until_items(1)
    timed.tab.page.evaluate("client.stop(); 0")
    timed.tab.begin(alice, wait=0)
    timed.pass_polls(5)
    assert {seen.status for seen in front.polls[-4:]} == {200}, "no 304"
    assert timed.tab.state["notModified"] == 0
    assert timed.tab.titles == ["without a tag"]


def test_answer_that_is_no_json_is_an_error_and_not_an_empty_inbox(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    publisher.publish(f"user:{alice.name}", "behind the portal")
    front.fails = lambda seen: Answer(200, "<h1>Please log in to the hotel's WiFi</h1>")
    tab = open_tab(device, front).begin(alice)
    tab.until("client.state.mode === 'waiting' && client.state.error.status === 200")
    front.fails = None
    tab.until_items(1)


def test_nothing_is_lost_or_told_twice_on_the_worst_of_paths(
    device: Device, front: Front, alice: Recipient, publisher: Publisher
) -> None:
    """Cuts holds at 1.5 s, buffers, strips ETags, and every fifth poll is a 502 or cut off with the answer on its
    way."""
    front.cuts_after = 1.5
    front.buffers = True
    front.strips_etags = True
    troubles = itertools.cycle([0, 0, 0, 0, 502, 0, 0, 0, 0, -1])

    def fails(seen: Seen) -> int:
        trouble = next(troubles) if seen.is_poll else 0
        front.loses_answers = trouble < 0
        return max(trouble, 0)

    front.fails = fails
    tab = open_tab(device, front).begin(alice)
    tab.until("client.cursor")
    titles = [str(number) for number in range(20)]
    for title in titles[:10]:
        publisher.publish(f"user:{alice.name}", title)
        tab.page.wait_for_timeout(100)  # so that they come by several polls
    tab.until("client.state.limit")
    for title in titles[10:]:
        publisher.publish(f"user:{alice.name}", title)
        tab.page.wait_for_timeout(100)
    tab.until_items(len(titles))
    assert tab.titles == titles
    assert tab.counts == {"unread": len(titles), "unseen": len(titles)}
    assert tab.told("reset") == []


def test_diagnosis_measures_the_path(device: Device, front: Front, alice: Recipient) -> None:
    stop_time(device.context)
    gate = Event()
    front.gate = lambda seen: None if seen.is_poll else gate
    tab = open_tab(device, front).begin(alice, wait=1).begin_call("diagnose")
    await_request(front, "/v1/inbox/unread")
    pass_time(tab.page, 0.25)
    gate.set()
    await_request(front, "/v1/probe", hold="1")
    pass_time(tab.page, 1)
    assert tab.end_call()["answer"] == {"rtt": 0.25, "hold": 1, "buffered": False, "etag": True}


def await_request(front: Front, path: str, **query: str) -> None:
    """Return when a request with this query has come to the proxy."""
    eventually(lambda: any(seen.path == path and query.items() <= seen.query.items() for seen in front.seen), path)


def test_diagnosis_finds_what_is_wrong_with_the_path(device: Device, front: Front, alice: Recipient) -> None:
    stop_time(device.context)
    front.strips_etags = True
    gates = {"3": Event(), "1": Event()}
    front.gate = lambda seen: gates.get(seen.query.get("hold", ""))
    front.fails = lambda seen: 504 if seen.query.get("hold") == "3" else 0
    tab = open_tab(device, front).begin(alice, wait=3).begin_call("diagnose")
    for hold, seconds in (("3", 1.5), ("1", 2.3)):
        await_request(front, "/v1/probe", hold=hold)
        pass_time(tab.page, seconds)
        gates[hold].set()
    assert tab.end_call()["answer"] == {"rtt": 0, "hold": 1, "buffered": True, "etag": False}
    assert [seen.query["hold"] for seen in front.seen if seen.path == "/v1/probe"] == ["3", "1"]

"""Waits that end with nothing to say, and what is not held at all (docs/protocol.md, "Holding")."""

import time

import gevent
import pytest

from tests.longpoll.site import Recipient, Site, all_done, eventually

pytestmark = pytest.mark.parametrize("site", ["sqlite"], indirect=True)


def held_seconds(site: Site, request_id: str) -> float:
    """Return how long a request was held, as its line in the log says: free of what the network takes."""
    (line,) = eventually(lambda: site.access_lines(request_id=request_id), "the line of a request in the log")
    return line["held_seconds"]


@pytest.fixture
def alice(site: Site) -> Recipient:
    """A recipient whose inbox has begun."""
    recipient = site.recipient()
    recipient.cursor()
    return recipient


def test_end_of_a_wait_is_an_empty_answer_with_the_counts(site: Site, alice: Recipient) -> None:
    site.publisher().publish(f"user:{alice.name}")
    began = time.monotonic()
    answer = alice.poll(alice.cursor(), wait=1)
    assert 0.9 <= time.monotonic() - began < 10
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=1"
    body = answer.json()
    assert (body["notifications"], body["removed"], body["has_more"], body["reset"]) == ([], [], False, False)
    assert (body["unread"], body["unseen"]) == (1, 1)
    assert body["poll"]["wait"] == 55


def test_end_of_a_wait_with_a_tag_that_still_holds_is_a_304(alice: Recipient) -> None:
    first = alice.poll()
    began = time.monotonic()
    answer = alice.poll(first.json()["cursor"], etag=first.headers["ETag"], wait=1)
    assert 0.9 <= time.monotonic() - began < 10
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["ETag"] == first.headers["ETag"]
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert int(answer.headers["Poll-Interval"]) > 0


def test_end_of_a_wait_with_a_tag_that_no_longer_holds_is_a_200(site: Site, alice: Recipient) -> None:
    old = alice.poll().headers["ETag"]
    site.publisher().publish(f"user:{alice.name}")
    answer = alice.poll(alice.cursor(), etag=old, wait=1)
    assert answer.status_code == 200
    assert answer.json()["notifications"] == []


def test_prefer_header_asks_for_a_wait_too(alice: Recipient) -> None:
    began = time.monotonic()
    answer = alice.poll(alice.cursor(), headers={"Prefer": "respond-async, wait=1"})
    assert time.monotonic() - began >= 0.9
    assert answer.headers["Preference-Applied"] == "wait=1"


def test_parameter_wins_over_prefer(alice: Recipient) -> None:
    answer = alice.poll(alice.cursor(), wait=1, headers={"Prefer": "wait=40"})
    assert answer.headers["Preference-Applied"] == "wait=1"


def test_waits_are_shortened_by_chance_and_never_lengthened(site: Site, alice: Recipient) -> None:
    devices = [site.recipient() for _ in range(12)]
    cursors = [device.cursor() for device in devices]
    wait = 2
    polls = [
        gevent.spawn(device.poll, cursor, wait=wait, headers={"X-Request-Id": f"jitter-{device.name}"})
        for device, cursor in zip(devices, cursors, strict=True)
    ]
    answers = all_done(polls)
    times = [held_seconds(site, answer.headers["X-Request-Id"]) for answer in answers]
    assert all(answer.headers["Preference-Applied"] == f"wait={wait}" for answer in answers)
    assert min(times) >= wait * 0.9 - 0.01, times
    assert max(times) < wait + 2, times  # a busy machine comes late, but never by as much as a longer wait would be
    assert max(times) - min(times) > 0.01, f"they would all come back at once: {times}"


def test_wait_above_the_maximum_is_lowered_and_said_so(site: Site, alice: Recipient) -> None:
    with site.held([alice], wait=4000) as polls:
        site.publisher().publish(f"user:{alice.name}")
        (answer,) = all_done(polls)
    assert answer.headers["Preference-Applied"] == "wait=55"


def test_wait_of_nothing_is_answered_at_once_and_said_so(alice: Recipient) -> None:
    answer = alice.poll(alice.cursor(), wait=0)
    assert answer.headers["Preference-Applied"] == "wait=0"
    assert "Preference-Applied" not in alice.poll(alice.cursor()).headers


@pytest.mark.parametrize("wait", ["-1", "1.5", "soon", "", "1e3", "٣"])
def test_anything_but_a_whole_number_is_refused(alice: Recipient, wait: str) -> None:
    answer = alice.poll(alice.cursor(), wait=wait)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["wait"]


def test_poll_without_cursor_and_tag_is_never_held(alice: Recipient) -> None:
    began = time.monotonic()
    assert alice.poll(wait=30).status_code == 200
    assert time.monotonic() - began < 10


def test_poll_without_cursor_is_held_while_its_tag_holds(site: Site, alice: Recipient) -> None:
    etag = alice.poll().headers["ETag"]
    poll = gevent.spawn(alice.poll, etag=etag, wait=50)
    site.await_holds(1)
    notification_id = site.publisher().publish(f"user:{alice.name}")
    (answer,) = all_done([poll])
    assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]


def test_poll_with_news_behind_its_cursor_is_never_held(site: Site, alice: Recipient) -> None:
    cursor = alice.cursor()
    notification_id = site.publisher().publish(f"user:{alice.name}")
    began = time.monotonic()
    body = alice.inbox(cursor, wait=30)
    assert time.monotonic() - began < 10
    assert [item["id"] for item in body["notifications"]] == [notification_id]


def test_cursor_that_lost_its_answer_is_told_again_although_the_tag_is_the_newest(site: Site, alice: Recipient) -> None:
    cursor = alice.cursor()
    notification_id = site.publisher().publish(f"user:{alice.name}")
    etag = alice.poll(cursor).headers["ETag"]
    again = alice.poll(cursor, etag=etag, wait=30)
    assert again.status_code == 200
    assert [item["id"] for item in again.json()["notifications"]] == [notification_id]


def test_muted_type_wakes_nobody(site: Site, alice: Recipient) -> None:
    muted = {"types": {"like": {"muted": True, "display": "none"}}}
    alice.session.put(f"{alice.url}/v1/inbox/preferences", json=muted, timeout=60).raise_for_status()
    publisher = site.publisher()
    wakes = site.metric("notifygate_wakes_total")
    with site.held([alice]) as polls:
        publisher.publish(f"user:{alice.name}", type="like")
        shown = publisher.publish(f"user:{alice.name}", type="comment")
        (answer,) = all_done(polls)
    assert [item["id"] for item in answer.json()["notifications"]] == [shown]
    assert site.metric("notifygate_wakes_total") == wakes + 1


def test_hold_ends_with_the_token_that_it_was_asked_with(site: Site) -> None:
    expires_at = time.time() + 3
    alice = site.recipient(seconds=3)
    cursor = alice.cursor()
    answer = alice.poll(cursor, wait=50)
    assert time.time() < expires_at + 7, "long before the end of the wait"
    assert answer.status_code == 200
    time.sleep(max(0.0, expires_at - time.time()))  # holds end up to one tick of the wheel before the token does
    assert alice.poll(cursor).status_code == 401


def test_seventh_hold_of_a_recipient_ends_the_oldest_as_if_its_time_were_over(site: Site, alice: Recipient) -> None:
    cursor = alice.cursor()
    first = gevent.spawn(alice.poll, cursor, wait=50)
    site.await_holds(1)
    others = [gevent.spawn(alice.poll, cursor, wait=50) for _ in range(6)]
    (answer,) = all_done([first])
    assert answer.status_code == 200
    assert answer.json()["notifications"] == []
    site.await_holds(6)
    notification_id = site.publisher().publish(f"user:{alice.name}")
    for other in all_done(others):
        assert [item["id"] for item in other.json()["notifications"]] == [notification_id]

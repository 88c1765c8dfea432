"""Dismissing one notification and all, and undoing it."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import Bells, refuse, state_requests
from tests.support.site import Recipient
from tests.support.waiting import eventually

UNDO_MS = 6_500


def titles_of(recipient: Recipient) -> list[str]:
    """Return the titles in the gateway's inbox, newest first."""
    return [item["title"] for item in recipient.inbox()["notifications"]]


def test_a_dismissal_can_be_undone_before_it_is_sent_to_the_gateway(bells: Bells):
    bell = bells.open("Keep", "Dismiss", clock=True)
    bell.open()
    bodies = state_requests(bell)
    bell.card("Dismiss").hover()
    bell.card("Dismiss").get_by_role("button", name="Archive").click()
    bell.expect_titles("Keep")
    expect(bell.count).to_have_text("1")
    expect(bell.undo).to_have_text(re.compile("Notification archived"))
    bell.undo.get_by_role("button", name="Undo").click()
    bell.expect_titles("Dismiss", "Keep")
    expect(bell.count).to_have_text("2")
    bell.page.clock.fast_forward(UNDO_MS)
    assert not [body for body in bodies if body["op"] == "dismiss"]
    assert titles_of(bell.recipient) == ["Dismiss", "Keep"]


def test_a_dismissed_notification_leaves_every_device_after_the_time_to_undo(bells: Bells):
    alice = bells.recipient("One", "Two", "Three")
    laptop = bells.open(recipient=alice)
    laptop.open()
    bell = bells.open(recipient=alice, clock=True)
    bell.open()
    bodies = state_requests(bell)
    for title in ("One", "Three"):
        bell.card(title).hover()
        bell.card(title).get_by_role("button", name="Archive").click()
    expect(bell.undo).to_have_text(re.compile("2 notifications archived"))
    bell.page.clock.fast_forward(UNDO_MS)
    expect(bell.undo).to_be_hidden()
    laptop.expect_titles("Two")
    bell.expect_titles("Two")
    bell.pass_time_until(1, bell.count.filter(has_text=re.compile("^1$")))
    assert [len(body["ids"]) for body in bodies if body["op"] == "dismiss"] == [2]


def test_archive_all_dismisses_no_notification_that_was_not_shown(bells: Bells):
    bell = bells.open(*[f"Old {number}" for number in range(60)], clock=True)
    bell.open()
    expect(bell.count).to_have_text("60")
    bodies = state_requests(bell)
    bell.choose("Archive all")
    expect(bell.page.locator(".ngb-empty-title")).to_have_text("You’re all caught up")
    expect(bell.count).to_be_hidden()
    bell.publish("Newer")
    bell.pass_time_until(1, bell.cards)
    bell.expect_titles("Newer")
    expect(bell.count).to_have_text("1")
    # The newer one is shown, and marked as seen in a request of its own.
    with bell.page.expect_response(lambda response: '"dismiss"' in (response.request.post_data or "")):
        bell.page.clock.fast_forward(UNDO_MS)
    expect(bell.undo).to_be_hidden()
    bell.expect_titles("Newer")
    bell.pass_time_until(1, bell.count.filter(has_text=re.compile("^1$")))
    assert titles_of(bell.recipient) == ["Newer"]
    assert [set(body) for body in bodies if body["op"] == "dismiss"] == [{"op", "up_to"}]


def test_archive_all_can_be_undone_after_the_panel_was_closed(bells: Bells):
    bell = bells.open("One", "Two", clock=True)
    bell.open()
    bell.choose("Archive all")
    expect(bell.undo.get_by_role("button", name="Undo")).to_be_focused()
    bell.page.keyboard.press("Escape")
    bell.open()
    bell.undo.get_by_role("button", name="Undo").focus()
    bell.page.keyboard.press("Enter")
    bell.expect_titles("Two", "One")
    expect(bell.count).to_have_text("2")


def test_a_notification_comes_back_if_the_gateway_refuses_to_dismiss_it(bells: Bells):
    bell = bells.open("One", "Two", clock=True)
    bell.open()
    refuse(bell, "/v1/inbox/state")
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    bell.expect_titles("One")
    bell.page.clock.fast_forward(UNDO_MS)
    bell.expect_titles("Two", "One")
    expect(bell.page.locator(".ngb-strip")).to_have_text(re.compile("could not be saved"))
    expect(bell.count).to_have_text("2")


def test_leaving_the_page_ends_the_time_to_undo(bells: Bells):
    bell = bells.open("One", "Two")
    bell.open()
    bodies = state_requests(bell)
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    with bell.page.expect_request(lambda request: '"dismiss"' in (request.post_data or "")):
        bell.page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    bell.page.wait_for_function("() => !document.querySelector('#bell').notifygateBell.dismissals.pending")
    assert [body["op"] for body in bodies if body["op"] == "dismiss"] == ["dismiss"]


def test_an_archived_notification_stays_archived_when_the_page_is_left_at_once(bells: Bells):
    bell = bells.open("One", "Two")
    bell.open()
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    bell.page.goto("about:blank")
    eventually(lambda: titles_of(bell.recipient) == ["One"], "the gateway has it")

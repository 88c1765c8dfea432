"""Critical notifications: a dialog that has to be acknowledged."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import Bells, refuse


def test_a_critical_notification_stays_until_it_is_acknowledged(bells: Bells):
    bell = bells.open()
    bell.page.locator("#before").focus()
    bell.publish("Fire in building B", body="Leave at once.", priority="critical")
    dialog = bell.page.get_by_role("alertdialog")
    expect(dialog).to_have_accessible_name("Fire in building B")
    expect(dialog).to_have_accessible_description("Leave at once.")
    expect(bell.page.get_by_role("alert").filter(has_text="Critical notification")).to_have_text(
        "Critical notification: Fire in building B"
    )
    acknowledge = dialog.get_by_role("button", name="Acknowledge")
    expect(acknowledge).to_be_focused()
    bell.page.keyboard.press("Escape")
    bell.page.mouse.click(5, 5)
    expect(dialog).to_be_visible()
    acknowledge.click()
    expect(dialog).to_be_hidden()
    expect(bell.page.locator("#before")).to_be_focused()
    expect(bell.count).to_be_hidden()
    assert bell.recipient.inbox()["unread"] == 0


def test_the_focus_can_not_leave_the_dialog(bells: Bells):
    bell = bells.open()
    bell.publish("Fire", body="Leave. " * 500, priority="critical", action_url="/page/plan")
    expect(bell.modal).to_be_visible()
    text, link, button = "ngb-modal-body", "ngb-secondary", "ngb-primary"
    assert bell.focused() == button
    for key, stops in (("Tab", [text, link, button, text]), ("Shift+Tab", [button, link, text, button])):
        for stop in stops:
            bell.page.keyboard.press(key)
            assert bell.focused() == stop, key
    bell.page.evaluate("document.querySelector('#after').focus()")
    assert bell.focused() == "ngb-primary"


def test_several_critical_notifications_are_shown_one_after_the_other(bells: Bells):
    bell = bells.open()
    bell.publish("First", priority="critical")
    expect(bell.modal).to_be_visible()
    bell.publish("Second", priority="critical")
    expect(bell.page.locator(".ngb-modal-count")).to_have_text("1 of 2")
    bell.page.keyboard.press("Enter")
    expect(bell.modal).to_contain_text("Second")
    expect(bell.page.locator(".ngb-modal-count")).to_have_text("2 of 2")
    bell.page.keyboard.press("Enter")
    expect(bell.modal).to_have_count(0)


def test_acknowledging_on_one_device_closes_the_dialog_on_all(bells: Bells):
    phone = bells.open()
    laptop = bells.open(recipient=phone.recipient)
    phone.publish("Fire", priority="critical")
    expect(laptop.modal).to_be_visible()
    phone.page.get_by_role("button", name="Acknowledge").click()
    expect(laptop.modal).to_have_count(0)


def test_the_dialog_stays_while_its_acknowledgement_can_not_be_saved_also_after_a_reload(bells: Bells):
    bell = bells.open("Fire", priority="critical")
    refuse(bell, "/v1/inbox/state")
    bell.page.get_by_role("button", name="Acknowledge").click()
    expect(bell.page.locator(".ngb-modal-note")).to_have_text("Your acknowledgement could not be saved.")
    expect(bell.page.get_by_role("button", name="Try again")).to_be_visible()
    # The page can still be used.
    bell.page.get_by_role("button", name="Close for now").click()
    expect(bell.modal).to_have_count(0)
    expect(bell.count).to_have_text("1")
    bell.device.context.unroute("**/v1/inbox/state")
    bell.page.reload()
    bell.page.get_by_role("button", name="Acknowledge").click()
    expect(bell.count).to_be_hidden()


def test_the_link_of_the_dialog_acknowledges_and_is_followed(bells: Bells):
    bell = bells.open("Fire", priority="critical", action_url="/page/plan")
    bell.page.get_by_role("link", name="Acknowledge and open").click()
    bell.page.wait_for_url("**/page/plan")
    expect(bell.modal).to_have_count(0)
    assert bell.recipient.inbox()["unread"] == 0


def test_a_dialog_for_a_type_that_is_not_critical_can_be_closed_by_escape(bells: Bells):
    bell = bells.open()
    bell.call("bell => { bell.options.types = {poll: {display: 'modal'}}; }")
    bell.publish("Lunch?", type="poll")
    expect(bell.page.get_by_role("dialog").filter(has_text="Lunch?")).to_be_visible()
    bell.page.keyboard.press("Escape")
    expect(bell.modal).to_have_count(0)
    expect(bell.count).to_be_hidden()


def test_a_recipient_may_choose_another_display_for_critical_notifications_of_a_type(bells: Bells):
    alice = bells.recipient()
    alice.prefer({"drill": {"display": "toast"}})
    bell = bells.open(recipient=alice)
    bell.await_preference("drill", "toast")
    bell.publish("Drill", type="drill", priority="critical")
    expect(bell.toasts).to_have_text([re.compile("Drill")])
    with bell.page.expect_response("**/v1/inbox/preferences**"):
        bell.page.reload()
    expect(bell.count).to_have_text("1")
    expect(bell.modal).to_have_count(0)

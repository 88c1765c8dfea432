"""Bells that share a page: with one client or several, in a shadow tree, with options that change while they are there."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import Bell, Bells, refuse
from tests.browser.test_bell_parts import mount
from tests.support.waiting import eventually

COPY = """
document.addEventListener('DOMContentLoaded', () => {
  const copy = document.querySelector('#bell').cloneNode(true);
  copy.id = 'copy';
  document.querySelector('main').appendChild(copy);
});
"""
"""Puts a second declared bell into the page, as a header for other widths of the window."""

SECOND = """token => {
  const node = document.querySelector('main').appendChild(document.createElement('div'));
  node.id = 'second';
  window.second = new NotifygateBell(node, {token: token});
}"""


def open_second(bell: Bell) -> None:
    """Make a second bell in the page, with a client of its own; return when its first snapshot is there."""
    with bell.page.expect_response("**/v1/inbox/preferences**"):
        bell.page.evaluate(SECOND, bell.recipient.token)
    eventually(lambda: bell.page.evaluate("window.second.client.counts"), "the snapshot of the second")


def test_declared_bells_of_one_recipient_share_a_client(bells: Bells):
    bell = bells.open("One", init_script=COPY)
    assert bell.call("bell => bell.client === document.querySelector('#copy').notifygateBell.client")
    first, second = bell.page.locator("#bell .ngb-count"), bell.page.locator("#copy .ngb-count")
    for count in (first, second):
        expect(count).to_have_text("1")
    bell.publish("Two")
    expect(second).to_have_text("2")
    expect(bell.toasts).to_have_count(1)
    # The other one goes on alone, and ends with the last.
    bell.call("bell => bell.destroy()")
    bell.publish("Three")
    expect(second).to_have_text("3")
    state = "document.querySelector('#copy').notifygateBell.client.state.mode"
    assert bell.page.evaluate(state) != "stopped"
    bell.page.evaluate("document.querySelector('#copy').notifygateBell.destroy()")
    assert bell.page.evaluate(state) == "stopped"


def test_two_clients_in_one_page_show_one_dialog_at_a_time(bells: Bells):
    bell = bells.open()
    open_second(bell)
    bell.publish("Fire", priority="critical")
    expect(bell.page.locator("#second .ngb-count")).to_have_text("1")
    expect(bell.modal).to_have_count(1)
    acknowledge = bell.modal.get_by_role("button", name="Acknowledge")
    expect(acknowledge).to_be_focused()
    acknowledge.click()
    expect(bell.modal).to_have_count(0)
    expect(bell.page.locator("html")).not_to_have_class(re.compile("ngb-locked"))


def test_two_clients_in_one_page_write_one_count_into_its_title(bells: Bells):
    bell = bells.open("One")
    open_second(bell)
    bell.publish("Two")
    for count in (bell.page.locator("#bell .ngb-count"), bell.page.locator("#second .ngb-count")):
        expect(count).to_have_text("2")
    expect(bell.page).to_have_title("(2) Orders")
    bell.call("bell => bell.destroy()")
    bell.page.evaluate("window.second.update()")
    expect(bell.page).to_have_title("(2) Orders")
    bell.page.evaluate("window.second.destroy()")
    expect(bell.page).to_have_title("Orders")


def test_the_page_is_not_scrolled_below_a_dialog_while_another_part_is_updated(bells: Bells):
    bell = bells.open()
    mount(bell, view="list")
    bell.publish("Fire", priority="critical")
    expect(bell.modal).to_be_visible()
    locked = re.compile("ngb-locked")
    expect(bell.page.locator("html")).to_have_class(locked)
    bell.publish("Order 17")
    expect(bell.page.locator("#part .ngb-card")).to_have_count(2)
    expect(bell.page.locator("html")).to_have_class(locked)
    bell.page.evaluate("window.part.destroy()")
    expect(bell.page.locator("html")).to_have_class(locked)


def test_a_bell_in_a_shadow_tree_stays_open_while_it_is_used(bells: Bells):
    bell = bells.open("One", "Two")
    bell.page.evaluate(
        "() => { const client = document.querySelector('#bell').notifygateBell.client;"
        " const host = document.querySelector('main').appendChild(document.createElement('div')); host.id = 'host';"
        " const node = host.attachShadow({mode: 'open'}).appendChild(document.createElement('div'));"
        " window.inner = new NotifygateBell(node, {client: client}); }"
    )
    inner = bell.page.locator("#host")
    inner.locator(".ngb-button").click()
    expect(inner.locator(".ngb-card")).to_have_count(2)
    assert bell.page.evaluate("window.inner.isOpen")
    inner.locator(".ngb-menu-button").click()
    expect(inner.get_by_role("menuitem", name="Settings")).to_be_visible()
    bell.page.keyboard.press("Escape")
    inner.locator(".ngb-card").first.click()
    expect(bell.page.locator("#bell .ngb-count")).to_have_text("1")
    assert bell.page.evaluate("window.inner.isOpen")
    bell.page.get_by_text("Nothing to see but the bell.").click()
    assert not bell.page.evaluate("window.inner.isOpen")


def test_a_chosen_filter_stays_when_the_page_passes_the_same_tabs_again(bells: Bells):
    alice = bells.recipient("An order", type="orders")
    bells.publish(alice, "A comment", type="comments")
    bell = bells.open(recipient=alice)
    tabs = "{tabs: [{label: 'Orders', filter: item => item.type === '%s'}]}"
    bell.remake(tabs % "orders")
    bell.open()
    bell.filter("Orders").click()
    bell.expect_titles("An order")
    # As a framework does with each rendering: functions are others, and may behave otherwise.
    bell.call(f"bell => bell.set({tabs % 'orders'})")
    bell.expect_titles("An order")
    expect(bell.filter("Orders")).to_be_focused()
    bell.call(f"bell => bell.set({tabs % 'comments'})")
    bell.expect_titles("A comment")
    bell.call("bell => bell.set({tabs: [{label: 'Comments', types: ['comments']}]})")
    bell.expect_titles("A comment", "An order")
    expect(bell.filter("All")).to_have_attribute("aria-pressed", "true")


def test_icons_and_the_count_in_the_title_follow_changed_options(bells: Bells):
    bell = bells.open("Shop 4.2", type="shop")
    bell.open()
    path = bell.card("Shop 4.2").locator(".ngb-icon path")
    icons = bell.page.evaluate("NotifygateBell.icons")
    expect(path).to_have_attribute("d", icons["bell"])
    bell.call("bell => bell.set({types: {shop: {icon: 'deploy'}}})")
    expect(path).to_have_attribute("d", icons["deploy"])
    expect(bell.page).to_have_title("(1) Orders")
    bell.call("bell => bell.set({titleCount: false})")
    expect(bell.page).to_have_title("Orders")
    bell.call("bell => bell.set({titleCount: true})")
    expect(bell.page).to_have_title("(1) Orders")


def test_a_shown_notification_is_marked_as_seen_although_the_gateway_failed_once(bells: Bells):
    bell = bells.open("One")
    refuse(bell, "/v1/inbox/state")
    with bell.page.expect_response("**/v1/inbox/state"):
        bell.open()
    bell.device.context.unroute("**/v1/inbox/state")
    bell.publish("Two")
    bell.expect_titles("Two", "One")
    eventually(lambda: bell.recipient.inbox()["unseen"] == 0, "both are seen")


def test_undo_in_a_field_of_the_page_does_not_bring_back_what_was_archived(bells: Bells):
    bell = bells.open("One", "Two")
    bell.remake("{undoSeconds: 3600, render: {footer: part => part.node || document.createElement('input')}}")
    bell.open()
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    field = bell.page.locator(".ngb-footer input")
    field.press_sequentially("Tomorrow")
    bell.page.keyboard.press("Control+z")
    expect(field).to_have_value("")
    bell.expect_titles("One")
    bell.page.keyboard.press("Tab")
    bell.undo.get_by_role("button", name="Undo").focus()
    bell.page.keyboard.press("Control+z")
    bell.expect_titles("Two", "One")

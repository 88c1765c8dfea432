"""The settings: muted types, the display of each type, desktop notifications, changes on two devices at once."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.bell_site import BELL, Bell, Bells, refuse
from tests.support.site import Recipient
from tests.support.waiting import eventually

GERMAN = "notifygate-bell.de.js"


def open_settings(bell: Bell) -> None:
    """Open the settings and wait for the gateway's preferences."""
    bell.open()
    with bell.page.expect_response("**/v1/inbox/preferences**"):
        bell.choose("Settings")


def row(bell: Bell, title: str) -> Locator:
    """Return the row of a type."""
    return bell.page.locator(".ngb-type").filter(has_text=title)


def preferences(recipient: Recipient) -> dict[str, Any]:
    """Return a recipient's preferences."""
    return recipient.session.get(f"{recipient.url}/v1/inbox/preferences").json()["types"]


def test_a_muted_type_leaves_the_list_and_the_count(bells: Bells):
    alice = bells.recipient("An order", type="orders")
    bells.publish(alice, "A like", type="like")
    bell = bells.open(recipient=alice)
    expect(bell.count).to_have_text("2")
    open_settings(bell)
    switch = row(bell, "Like").get_by_role("switch")
    expect(switch).to_have_accessible_name("Receive “Like”")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    expect(bell.count).to_have_text("1")
    bell.page.get_by_role("button", name="Back").click()
    bell.expect_titles("An order")
    assert preferences(alice) == {"like": {"muted": True}}
    # It is still in the settings, and notifications that come back with it are not new.
    bell.choose("Settings")
    row(bell, "Like").get_by_role("switch").click()
    expect(bell.count).to_have_text("2")
    assert bell.toasts.count() == 0
    assert preferences(alice) == {}


def test_a_type_can_get_another_display(bells: Bells):
    bell = bells.open("First", type="orders")
    open_settings(bell)
    with bell.page.expect_response(lambda response: response.request.method == "PUT"):
        row(bell, "Orders").get_by_role("combobox").select_option("Badge only")
    bell.page.keyboard.press("Escape")
    bell.page.keyboard.press("Escape")
    expect(bell.panel).to_be_hidden()
    bell.publish("Second", type="orders")
    bell.publish("Third", type="other")
    expect(bell.count).to_have_text("3")
    expect(bell.toasts).to_have_text([re.compile("Third")])
    assert preferences(bell.recipient) == {"orders": {"muted": False, "display": "badge"}}


def test_notification_between_a_change_of_settings_and_its_reset_gets_its_toast(bells: Bells):
    bell = bells.open("First", type="orders")
    open_settings(bell)
    bell.call("bell => bell.client.stop()")  # so that the test chooses when the reset arrives
    with bell.page.expect_response(lambda response: response.request.method == "PUT"):
        row(bell, "Orders").get_by_role("combobox").select_option("Desktop notification")
    bell.call("bell => bell.close()")
    bell.publish("Between", type="orders")
    bell.call("bell => { bell.client.on('reset', () => { window.hasReset = true; }); bell.client.start(); }")
    expect(bell.toasts).to_have_text([re.compile("Between")])
    assert bell.page.evaluate("window.hasReset")


def test_a_notification_published_while_its_type_was_muted_gets_no_toast(bells: Bells):
    alice = bells.recipient("First", type="orders")
    alice.prefer({"orders": {"muted": True}})
    bell = bells.open(recipient=alice)
    open_settings(bell)
    bell.publish("While muted", type="orders")
    bell.call("bell => bell.client.stop()")
    alice.prefer({})  # on another device
    bell.call("bell => bell.close()")
    bell.publish("Of another type", type="other")
    bell.call("bell => bell.client.start()")
    expect(bell.count).to_have_text("3")
    expect(bell.toasts).to_have_text([re.compile("Of another type")])


def test_two_devices_do_not_overwrite_each_others_changes(bells: Bells):
    alice = bells.recipient("One", type="orders")
    bells.publish(alice, "Two", type="like")
    bell = bells.open(recipient=alice)
    open_settings(bell)
    bell.call("bell => bell.client.stop()")  # it doesn't receive the other device's change
    bell.device.expects_network_errors = True  # the 412 with which it notices the change
    alice.prefer({"like": {"display": "none"}})
    with bell.page.expect_response(lambda response: response.request.method == "PUT" and response.ok):
        row(bell, "Orders").get_by_role("switch").click()
    assert preferences(alice) == {"like": {"muted": False, "display": "none"}, "orders": {"muted": True}}
    expect(row(bell, "Like").get_by_role("combobox")).to_have_value("none")


def test_the_types_of_the_page_are_used(bells: Bells):
    bell = bells.open("One", type="sec.alert")
    bell.remake(
        "{types: {'sec.alert': {title: 'Security', mandatory: true}, news: {title: 'Product news', display: 'badge'}}}"
    )
    open_settings(bell)
    expect(bell.page.locator(".ngb-type-title")).to_have_text(["Product news", "Security"])
    for title, automatic in (("Product news", "Badge only (automatic)"), ("Security", "Pop-up (automatic)")):
        expect(row(bell, title).get_by_role("combobox").locator("option:checked")).to_have_text(automatic)
    expect(row(bell, "Security")).to_contain_text("Always on")
    switch = row(bell, "Security").get_by_role("switch")
    expect(switch).to_be_disabled()
    switch.click(force=True)
    expect(switch).to_be_checked()
    bell.page.keyboard.press("Escape")
    bell.page.keyboard.press("Escape")
    bell.publish("Two", type="news")
    expect(bell.count).to_have_text("2")
    expect(bell.toasts).to_have_count(0)


def test_topics_can_be_followed_in_the_settings(bells: Bells):
    alice = bells.recipient("One")
    alice.session.put(f"{alice.url}/v1/inbox/topics/deploys").raise_for_status()
    bell = bells.open(recipient=alice)
    bell.remake("{topics: {releases: {title: 'Releases', description: 'Each new version'}}}")
    open_settings(bell)
    deploys = bell.page.get_by_role("switch", name="Follow “deploys”")
    releases = bell.page.get_by_role("switch", name="Follow “Releases”")
    expect(deploys).to_be_checked()
    expect(releases).not_to_be_checked()
    with bell.page.expect_response("**/v1/inbox/topics/releases"):
        releases.click()
    expect(releases).to_be_checked()
    bells.site.publisher.publish("topic:releases", "Version 4")
    expect(bell.count).to_have_text("2")
    refuse(bell, "/v1/inbox/topics/deploys", method="DELETE")
    deploys.click()
    expect(bell.page.locator(".ngb-note")).to_have_text("This setting could not be saved.")
    expect(deploys).to_be_checked()


def test_a_topic_that_is_switched_twice_quickly_is_changed_twice_in_order(bells: Bells):
    alice = bells.recipient("One")
    bell = bells.open(recipient=alice)
    bell.remake("{topics: {releases: {}}}")
    sent: list[str] = []
    held: list[Route] = []

    def hold(route: Route) -> None:
        sent.append(route.request.method)
        if route.request.method == "PUT":
            held.append(route)
        else:
            route.continue_()

    bell.page.route("**/v1/inbox/topics/*", hold)
    open_settings(bell)
    releases = bell.page.get_by_role("switch", name="Follow “releases”")
    releases.dblclick()
    expect(releases).not_to_be_checked()
    eventually(lambda: held, "the first change is sent")
    with bell.page.expect_response(lambda response: response.request.method == "DELETE"):
        assert sent == ["PUT"]
        held[0].continue_()
    expect(releases).not_to_be_checked()
    assert alice.session.get(f"{alice.url}/v1/inbox/topics").json() == {"topics": []}


def test_without_storage_pop_ups_are_paused_for_the_life_of_the_page(bells: Bells):
    deny = "Object.defineProperty(window, 'localStorage', {get: () => { throw new DOMException('denied'); }});"
    bell = bells.open("One", init_script=deny)
    bell.open().choose("Pause pop-ups for an hour")
    expect(bell.page.locator(".ngb-strip")).to_have_text(re.compile("paused until .*\\d"))
    bell.page.keyboard.press("Escape")
    bell.publish("Quiet")
    expect(bell.count).to_have_text("2")
    expect(bell.toasts).to_have_count(0)
    bell.open().choose("Resume")
    bell.page.keyboard.press("Escape")
    bell.publish("Loud")
    expect(bell.toasts).to_have_text([re.compile("Loud")])


def test_pop_ups_can_be_paused_in_all_tabs_except_critical_notifications(bells: Bells):
    bell = bells.open("One")
    other = bells.open(recipient=bell.recipient, device=bell.device)
    bell.open().choose("Pause pop-ups for an hour")
    paused = re.compile("Pop-ups on this device are paused until .*\\d")
    expect(bell.page.locator(".ngb-strip")).to_have_text(paused)
    bell.page.keyboard.press("Escape")
    bell.publish("Quiet", priority="high")
    for tab in (bell, other):
        expect(tab.count).to_have_text("2")
        expect(tab.toasts).to_have_count(0)
    bell.publish("Fire", priority="critical")
    bell.page.get_by_role("button", name="Acknowledge").click()
    other.open()
    expect(other.page.locator(".ngb-strip")).to_have_text(paused)
    other.page.get_by_role("button", name="Resume").click()
    expect(other.page.locator(".ngb-strip")).to_be_hidden()
    bell.publish("Loud")
    expect(bell.toasts).to_have_text([re.compile("Loud")])


def test_permission_is_requested_only_by_a_click(bells: Bells):
    script = """
      window.asked = 0;
      window.Notification = function () { this.close = () => {}; };
      window.Notification.permission = 'default';
      window.Notification.requestPermission = function (done) {
        window.asked += 1;
        window.Notification.permission = 'granted';
        done('granted');
      };
    """
    bell = bells.open("One", type="call", init_script=script)
    open_settings(bell)
    row(bell, "Call").get_by_role("combobox").select_option("Desktop notification")
    allow = bell.page.get_by_role("button", name="Allow: Desktop notifications")
    expect(allow).to_be_focused()
    assert bell.page.evaluate("window.asked") == 0
    allow.click()
    expect(allow).to_be_hidden()
    expect(bell.page.locator(".ngb-desktop")).to_contain_text("Allowed in this browser.")
    assert bell.page.evaluate("window.asked") == 1


@pytest.mark.parametrize("scripts", [(GERMAN, *BELL), (*BELL, GERMAN)], ids=["before the bell", "after it"])
def test_the_script_of_a_language_is_loaded_in_either_order(bells: Bells, scripts: tuple[str, ...]):
    bell = bells.open("One", "Two", attributes='data-language="de-AT"', scripts=scripts)
    expect(bell.button).to_have_accessible_name("Benachrichtigungen, 2 ungelesen")
    bell.open()
    expect(bell.page.get_by_role("button", name="Alle gelesen")).to_be_visible()
    bell.remake("{language: 'en'}")
    expect(bell.button).to_have_accessible_name("Notifications, 2 unread")


def test_without_its_script_a_language_is_english_with_dates_of_its_own(bells: Bells):
    bell = bells.open("One", attributes='data-language="de"').open()
    expect(bell.panel).to_have_accessible_name("Notifications")
    expect(bell.panel.locator("time")).to_have_attribute("title", re.compile(r"\d\. \w+ \d{4}"))


def test_strings_can_be_replaced(bells: Bells):
    bell = bells.open("One", "Two")
    bell.remake("""{
      language: 'cs',
      strings: {heading: 'Oznámení', bellUnread: n => n < 5 ? n + ' nepřečtené' : n + ' nepřečtených'}
    }""")
    expect(bell.button).to_have_accessible_name("2 nepřečtené")
    bell.open()
    expect(bell.panel).to_have_accessible_name("Oznámení")

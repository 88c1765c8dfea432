"""Reading: one notification, all, on this device and on another, and with refusals of the gateway."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import Bells, box_of, refuse, state_requests


def test_reading_on_one_device_lowers_the_badge_of_another(bells: Bells):
    alice = bells.recipient("First", "Second")
    phone = bells.open(recipient=alice)
    laptop = bells.open(recipient=alice)
    expect(laptop.count).to_have_text("2")
    phone.open()
    phone.card("First").click()
    expect(phone.count).to_have_text("1")
    expect(laptop.count).to_have_text("1")
    laptop.open()
    expect(laptop.card("First")).not_to_have_class(re.compile("ngb-unread"))
    expect(laptop.card("Second")).to_have_class(re.compile("ngb-unread"))


def test_an_opened_notification_is_marked_as_read_before_its_link_is_followed(bells: Bells):
    bell = bells.open("Order 17", action_url="/page/orders/17")
    bell.open()
    bell.card("Order 17").get_by_role("link", name="Order 17").click()
    bell.page.wait_for_url("**/page/orders/17")
    assert bell.recipient.inbox()["notifications"][0]["read_at"]


def test_a_link_to_another_site_opens_a_tab_without_an_opener(bells: Bells):
    bell = bells.open("Elsewhere", action_url="https://shop.example/17")
    bell.device.context.route("https://shop.example/**", lambda route: route.fulfill(body="shop"))
    bell.open()
    with bell.device.context.expect_page() as opened:
        bell.card("Elsewhere").click()
    assert opened.value.url == "https://shop.example/17"
    assert opened.value.evaluate("window.opener") is None
    expect(bell.count).to_be_hidden()


def test_a_page_can_follow_links_itself(bells: Bells):
    bell = bells.open("Order 17", action_url="/page/orders/17")
    bell.call("bell => { bell.options.onOpen = item => { window.opened = item.action_url; return false; }; }")
    bell.open()
    bell.card("Order 17").click()
    expect(bell.count).to_be_hidden()
    assert bell.page.evaluate("window.opened") == "/page/orders/17"
    assert bell.page.url.endswith("/page")


def test_a_notification_can_be_marked_unread_again(bells: Bells):
    bell = bells.open("Later")
    bell.open()
    card = bell.card("Later")
    card.hover()
    card.get_by_role("button", name="Mark as read").click()
    expect(bell.count).to_be_hidden()
    expect(card).not_to_have_class(re.compile("ngb-unread"))
    card.get_by_role("button", name="Mark as unread").click()
    expect(bell.count).to_have_text("1")


def test_mark_all_read_covers_no_notification_that_was_not_shown(bells: Bells):
    bell = bells.open("One", "Two")
    bell.open()
    bell.call("bell => bell.client.stop()")
    bell.publish("Newer")
    bell.page.get_by_role("button", name="Mark all as read").click()
    expect(bell.page.locator(".ngb-unread")).to_have_count(0)
    bell.call("bell => bell.client.start()")
    expect(bell.card("Newer")).to_have_class(re.compile("ngb-unread"))
    expect(bell.count).to_have_text("1")
    unread = {item["title"]: item["read_at"] is None for item in bell.recipient.inbox()["notifications"]}
    assert unread == {"Newer": True, "Two": False, "One": False}


def test_cards_stay_unread_when_the_gateway_refuses(bells: Bells):
    bell = bells.open("One", "Two")
    bell.open()
    refuse(bell, "/v1/inbox/state")
    bell.card("One").click()
    expect(bell.page.locator(".ngb-strip")).to_have_text(re.compile("could not be saved"))
    expect(bell.card("One")).to_have_class(re.compile("ngb-unread"))
    bell.page.get_by_role("button", name="Mark all as read").click()
    expect(bell.page.locator(".ngb-unread")).to_have_count(2)
    expect(bell.count).to_have_text("2")


def test_shown_notifications_are_marked_as_seen_once(bells: Bells):
    bell = bells.open("One", "Two")
    bodies = state_requests(bell)
    with bell.page.expect_response("**/v1/inbox/state"):
        bell.open()
    bell.page.keyboard.press("Escape")
    bell.open()
    assert [body["op"] for body in bodies] == ["seen"]
    assert bell.recipient.inbox()["unseen"] == 0
    assert bell.recipient.inbox()["unread"] == 2


def test_truncated_texts_can_be_expanded(bells: Bells):
    bell = bells.open("Three lines", body="one\ntwo\nthree")
    bell.publish("Long", body="word " * 300)
    bell.open()
    expect(bell.card("Three lines").get_by_role("button", name="Show more")).to_be_hidden()
    before, text = box_of(bell.card("Long")), box_of(bell.card("Long").locator(".ngb-text"))
    button = bell.card("Long").get_by_role("button", name="Show more")
    more = box_of(button)
    assert text["height"] == 60
    assert abs(more["y"] + more["height"] - text["y"] - text["height"]) <= 1, "it is in the third line"
    assert abs(more["x"] + more["width"] - text["x"] - text["width"]) <= 3
    button.click()
    assert box_of(bell.card("Long"))["height"] > before["height"] + 200
    expect(bell.count).to_have_text("2")
    bell.card("Long").get_by_role("button", name="Show less").click()
    assert box_of(bell.card("Long")) == before

"""Headings, tabs, groups, faces, links in texts: how the list is made easy to survey."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import BellSite, state_requests
from tests.support.browser import NewDevice


def test_what_came_since_the_user_looked_stands_apart_until_the_panel_is_closed(
    bell_site: BellSite, new_device: NewDevice
):
    alice = bell_site.recipient("Old")
    bell = bell_site.bell(new_device, alice)
    with bell.page.expect_response("**/v1/inbox/state"):
        bell.open()
    expect(bell.page.locator(".ngb-section")).to_have_count(0)
    bell.page.keyboard.press("Escape")
    bell_site.publisher.publish(f"user:{alice.name}", "New")
    expect(bell.count).to_have_text("2")
    with bell.page.expect_response("**/v1/inbox/state"):
        bell.open()
    texts = bell.page.locator(".ngb-feed > *")
    expect(texts).to_have_text(
        [re.compile("^New since you last looked$"), re.compile("New"), re.compile("^Today$"), re.compile("Old")]
    )
    bell.page.keyboard.press("Escape")
    bell.open()
    expect(bell.page.locator(".ngb-section")).to_have_count(0)


def test_tabs_show_types_with_their_counts(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("A comment", type="comment")
    for title, kind in (("A mention", "mention.issue"), ("A deployment", "deploy")):
        bell_site.publisher.publish(f"user:{alice.name}", title, type=kind)
    bell = bell_site.bell(new_device, alice)
    bell.remake("{tabs: [{label: 'People', types: ['comment', 'mention.*']}, {label: 'Bills', types: ['bill']}]}")
    bell.open()
    expect(bell.page.locator(".ngb-filter")).to_have_text(["All", "Unread3", "People2", "Bills"])
    bell.filter("People").click()
    bell.expect_titles("A mention", "A comment")
    bell.card("A comment").click()
    expect(bell.filter("People")).to_have_text("People1")
    bell.expect_titles("A mention", "A comment")
    bell.filter("Bills").click()
    expect(bell.page.locator(".ngb-empty-title")).to_have_text("Nothing here")


def test_a_group_is_one_card_that_can_be_opened_read_and_archived(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("A deployment", type="deploy")
    for sender in ("Dan", "Carla", "Bob"):
        bell_site.publisher.publish(f"user:{alice.name}", f"By {sender}", type="comment", sender=sender)
    bell = bell_site.bell(new_device, alice)
    bell.remake("{groupBy: 'type'}")
    bell.open()
    bell.expect_titles("By Bob", "A deployment")
    group = bell.card("By Bob")
    expect(group.locator(".ngb-sender")).to_have_text("Bob and 2 others")
    group.get_by_role("button", name="Show 2 more").click()
    bell.expect_titles("By Bob", "By Carla", "By Dan", "A deployment")
    expect(group.get_by_role("button", name="Show less")).to_be_focused()
    bell.page.keyboard.press("Enter")
    bell.expect_titles("By Bob", "A deployment")
    bodies = state_requests(bell)
    group.hover()
    group.get_by_role("button", name="Mark as read").click()
    expect(bell.count).to_have_text("1")
    assert [len(body["ids"]) for body in bodies if body["op"] == "read"] == [3]
    group.get_by_role("button", name="Archive").click()
    bell.expect_titles("A deployment")
    expect(bell.undo).to_contain_text("3 notifications archived")
    bell.undo.get_by_role("button", name="Undo").click()
    bell.expect_titles("By Bob", "A deployment")


def test_comments_show_the_senders_initials_and_name_them_once(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Eve Adams replied", type="comment", sender="Eve Adams")
    bell_site.publisher.publish(f"user:{alice.name}", "Shop 4.2 is live", type="deploy", sender="ci")
    bell = bell_site.bell(new_device, alice)
    bell.open()
    comment = bell.card("Eve Adams")
    expect(comment.locator(".ngb-face")).to_have_text("EA")
    expect(comment.locator(".ngb-sender")).to_have_text("Comment")
    expect(bell.card("Shop").locator(".ngb-face")).to_have_count(0)
    expect(bell.card("Shop").locator(".ngb-sender")).to_have_text("ci")


def test_addresses_in_texts_are_links_of_their_own(bell_site: BellSite, new_device: NewDevice):
    body = "See https://shop.example/17. Not https://bank.example@evil.example/ <b>bold</b>"
    alice = bell_site.recipient("Order 17", body=body)
    bell = bell_site.bell(new_device, alice)
    bell.device.context.route("https://shop.example/**", lambda route: route.fulfill(body="shop"))
    bell.open()
    expect(bell.cards.locator(".ngb-body")).to_have_text(body)
    link = bell.cards.locator(".ngb-body a")
    expect(link).to_have_text(["https://shop.example/17"])
    with bell.device.context.expect_page() as opened:
        link.click()
    assert opened.value.evaluate("window.opener") is None
    expect(bell.count).to_have_text("1")  # the notification itself was not opened


def test_the_more_button_stands_in_the_third_line(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Long", body="word " * 300)
    bell_site.publisher.publish(f"user:{alice.name}", "Three lines", body="one\ntwo\nthree")
    bell = bell_site.bell(new_device, alice)
    bell.open()
    text = bell.card("Long").locator(".ngb-text").bounding_box()
    more = bell.card("Long").get_by_role("button", name="Show more").bounding_box()
    assert text is not None
    assert more is not None
    assert text["height"] == 60
    assert abs(more["y"] + more["height"] - text["y"] - text["height"]) <= 1
    assert abs(more["x"] + more["width"] - text["x"] - text["width"]) <= 3
    expect(bell.card("Three lines").get_by_role("button", name="Show more")).to_be_hidden()


def test_a_card_with_a_link_looks_different(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Without")
    bell_site.publisher.publish(f"user:{alice.name}", "With", action_url="/page/there")
    bell = bell_site.bell(new_device, alice)
    bell.open()
    expect(bell.card("Without")).to_have_css("cursor", "auto")
    expect(bell.cards.first).to_have_css("cursor", "pointer")
    expect(bell.page.locator(".ngb-go")).to_have_count(1)


def test_arrow_keys_enter_the_list_after_a_click_on_the_bell(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("Two", "One"))
    bell.open()
    expect(bell.panel).to_be_focused()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("One")).to_be_focused()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("Two")).to_be_focused()
    bell.filter("Unread").focus()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("Two")).to_be_focused()

"""The arrangement of the list: headings, tabs, groups, faces, links in texts."""

import re

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.bell_site import Bells, state_requests


def test_cards_newer_than_the_last_opening_have_a_heading_until_the_panel_is_closed(bells: Bells):
    bell = bells.open("Old")
    with bell.page.expect_response("**/v1/inbox/state"):
        bell.open()
    expect(bell.page.locator(".ngb-section")).to_have_count(0)
    bell.page.keyboard.press("Escape")
    bell.publish("New")
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


def test_tabs_show_types_with_their_counts(bells: Bells):
    alice = bells.recipient("A comment", type="comment")
    for title, kind in (("A mention", "mention.issue"), ("A deployment", "deploy")):
        bells.publish(alice, title, type=kind)
    bell = bells.open(recipient=alice)
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


@pytest.mark.parametrize(("direction", "beginning", "end"), [("ltr", "left", "right"), ("rtl", "right", "left")])
def test_tabs_are_shaded_where_there_are_more(bells: Bells, direction: str, beginning: str, end: str):
    phone: ViewportSize = {"width": 360, "height": 640}
    bell = bells.open("One", direction=direction, viewport=phone)
    filters = bell.page.locator(".ngb-filters")
    bell.remake("{tabs: [{label: 'Bills', types: ['bill']}]}")
    bell.open()
    expect(filters).to_have_attribute("class", "ngb-filters")
    bell.page.set_viewport_size({"width": 160, "height": 640})
    expect(filters).to_have_attribute("class", f"ngb-filters ngb-cut-{end}")
    bell.page.set_viewport_size(phone)
    expect(filters).to_have_attribute("class", "ngb-filters")
    labels = "['Bills', 'Comments', 'Deployments', 'Invitations', 'Reminders', 'Reports']"
    bell.call(f"bell => bell.set({{tabs: {labels}.map(label => ({{label: label, types: [label]}}))}})")
    expect(filters).to_have_attribute("class", f"ngb-filters ngb-cut-{end}")
    filters.evaluate("node => { node.scrollLeft = getComputedStyle(node).direction === 'rtl' ? -40 : 40; }")
    expect(filters).to_have_attribute("class", re.compile(f"ngb-filters .*ngb-cut-{beginning}"))
    bell.filter("Reports").evaluate("node => node.scrollIntoView({inline: 'end'})")
    expect(filters).to_have_attribute("class", f"ngb-filters ngb-cut-{beginning}")


def test_a_group_is_one_card_that_can_be_opened_read_and_archived(bells: Bells):
    alice = bells.recipient("A deployment", type="deploy")
    for sender in ("Dan", "Carla", "Bob"):
        bells.publish(alice, f"By {sender}", type="comment", sender=sender)
    bell = bells.open(recipient=alice)
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


def test_comments_show_the_senders_initials_and_name_them_once(bells: Bells):
    alice = bells.recipient("Eve Adams replied", type="comment", sender="Eve Adams")
    bells.publish(alice, "Shop 4.2 is live", type="deploy", sender="ci")
    bell = bells.open(recipient=alice)
    bell.open()
    comment = bell.card("Eve Adams")
    expect(comment.locator(".ngb-face")).to_have_text("EA")
    expect(comment.locator(".ngb-sender")).to_have_text("Comment")
    expect(bell.card("Shop").locator(".ngb-face")).to_have_count(0)
    expect(bell.card("Shop").locator(".ngb-sender")).to_have_text("ci")


def test_urls_in_texts_are_links_of_their_own(bells: Bells):
    body = "See https://shop.example/17. Not https://bank.example@evil.example/ <b>bold</b>"
    bell = bells.open("Order 17", body=body)
    bell.device.context.route("https://shop.example/**", lambda route: route.fulfill(body="shop"))
    bell.open()
    expect(bell.cards.locator(".ngb-body")).to_have_text(body)
    link = bell.cards.locator(".ngb-body a")
    expect(link).to_have_text(["https://shop.example/17"])
    with bell.device.context.expect_page() as opened:
        link.click()
    assert opened.value.evaluate("window.opener") is None
    expect(bell.count).to_have_text("1")  # the notification itself was not opened


def test_a_card_with_a_link_has_a_pointer_and_an_arrow(bells: Bells):
    alice = bells.recipient("Without")
    bells.publish(alice, "With", action_url="/page/there")
    bell = bells.open(recipient=alice)
    bell.open()
    expect(bell.card("Without")).to_have_css("cursor", "auto")
    expect(bell.cards.first).to_have_css("cursor", "pointer")
    expect(bell.page.locator(".ngb-go")).to_have_count(1)


def test_arrow_keys_enter_the_list_after_a_click_on_the_bell(bells: Bells):
    bell = bells.open("Two", "One")
    bell.open()
    expect(bell.panel).to_be_focused()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("One")).to_be_focused()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("Two")).to_be_focused()
    bell.filter("Unread").focus()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("Two")).to_be_focused()

"""A page's own parts: views, render functions, controlled opening, its router, the position in the document."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.bell_site import Bell, Bells
from tests.support.waiting import eventually

MOUNT = """options => {
  const bell = document.querySelector('#bell').notifygateBell;
  const node = document.querySelector('main').appendChild(document.createElement('div'));
  node.id = 'part';
  window.part = new NotifygateBell('#part', Object.assign({client: bell.client}, options));
}"""


def mount(bell: Bell, **options: object) -> Locator:
    """Mount another part of the same client in the page."""
    bell.page.evaluate(MOUNT, options)
    return bell.page.locator("#part")


def test_a_list_in_the_page_loads_as_the_page_is_scrolled(bells: Bells):
    bell = bells.open(*[f"Number {number}" for number in range(100)])
    part = mount(bell, view="list")
    expect(part.locator(".ngb-card")).to_have_count(50)
    expect(part.get_by_role("region", name="Notifications")).to_be_visible()
    expect(part.locator(".ngb-button")).to_have_count(0)
    to_the_end = "window.scrollTo(0, document.documentElement.scrollHeight)"
    eventually(lambda: bell.page.evaluate(to_the_end) or part.locator(".ngb-card").count() == 100, "100 cards")
    # It is never closed, and has the same notifications as the bell.
    bell.page.keyboard.press("Escape")
    part.locator(".ngb-card").first.click()
    expect(bell.button).to_have_accessible_name(re.compile("more than 99|99 unread"))
    bell.page.evaluate("window.part.destroy()")
    assert bell.page.evaluate("document.querySelector('#part').outerHTML") == '<div id="part"></div>'


def test_preferences_in_the_page_stay_open(bells: Bells):
    bell = bells.open("One", type="orders")
    part = mount(bell, view="preferences")
    part.get_by_role("switch", name="Receive “Orders”").click()
    expect(bell.count).to_be_hidden()
    expect(part.get_by_role("button", name="Back")).to_have_count(0)
    bell.page.keyboard.press("Escape")
    expect(part.get_by_role("region", name="Notification settings")).to_be_visible()
    # Notifications aren't marked as seen there, and their toasts are shown.
    bell.publish("Two", type="other")
    expect(bell.toasts).to_have_text([re.compile("Two")])
    assert bell.recipient.inbox()["unseen"] == 1


ON_CHANGE = "onOpenChange: isOpen => { (window.wanted = window.wanted || []).push(isOpen); }"


def test_a_page_is_notified_when_the_panel_is_opened_and_closed(bells: Bells):
    bell = bells.open("One")
    bell.remake(f"{{{ON_CHANGE}}}")
    bell.open()
    bell.page.keyboard.press("Escape")
    assert bell.page.evaluate("window.wanted") == [True, False]


def test_a_page_controls_whether_the_panel_is_open(bells: Bells):
    bell = bells.open("One")
    bell.remake(f"{{open: false, {ON_CHANGE}}}")
    bell.button.click()
    expect(bell.panel).to_be_hidden()
    bell.call("bell => bell.set({open: true, theme: undefined})")
    expect(bell.panel).to_be_visible()
    bell.page.locator("main").click()
    expect(bell.panel).to_be_visible()
    assert bell.page.evaluate("window.wanted") == [True, False]
    bell.call("bell => bell.set({open: false})")
    expect(bell.panel).to_be_hidden()


def test_links_within_the_origin_are_followed_by_the_pages_router(bells: Bells):
    bell = bells.open("Order 17", action_url="/page/orders/17?a=1")
    bell.remake("{inboxUrl: '/page/inbox', navigate: (url, item) => { window.gone = [url, item && item.title]; }}")
    bell.open()
    bell.card("Order 17").click()
    assert bell.page.evaluate("window.gone") == ["/page/orders/17?a=1", "Order 17"]
    expect(bell.panel).to_be_hidden()
    expect(bell.count).to_be_hidden()
    bell.open()
    bell.page.get_by_role("link", name="See all notifications").click()
    assert bell.page.evaluate("window.gone") == ["/page/inbox", None]
    assert bell.page.url.endswith("/page")
    # The browser opens another tab.
    bell.open()
    with bell.device.context.expect_page() as opened:
        bell.card("Order 17").get_by_role("link").click(modifiers=["Control"])
    opened.value.wait_for_url("**/page/orders/17?a=1")


def test_panel_and_toasts_can_be_placed_elsewhere_in_the_document(bells: Bells):
    bell = bells.open("One")
    bell.page.evaluate("document.body.appendChild(document.createElement('aside')).id = 'portal'")
    bell.remake("{portal: '#portal'}")
    bell.open()
    expect(bell.page.locator("#portal .ngb-panel")).to_be_visible()
    expect(bell.page.locator("#portal .ngb-panel")).to_have_css("background-color", "rgb(255, 255, 255)")
    bell.card("One").click()
    expect(bell.panel).to_be_visible()
    bell.page.locator("main").click()
    expect(bell.panel).to_be_hidden()
    bell.publish("Two")
    expect(bell.page.locator("#portal .ngb-toast")).to_have_count(1)
    bell.call("bell => bell.destroy()")
    assert bell.page.evaluate("document.querySelector('#portal').innerHTML") == ""


RENDER = """{render: {
  item: (item, part) => item.type === 'whole' ? (part.node || make('em', 'whole ' + item.title)) : undefined,
  avatar: item => item.type === 'face' ? make('b', 'A') : undefined,
  body: item => item.type === 'face' ? 'as <b>text</b>' : item.type === 'bad' ? fail('mine') : undefined,
  actions: (item, part) => item.type === 'face' ? (part.node || make('button', 'Accept')) : null,
  header: part => part.node || make('i', 'My inbox'),
  footer: () => 'the foot',
  empty: () => make('p', 'Nothing at all'),
  release: node => window.released.push(node.textContent)
}}"""

MAKE = """
window.released = [];
window.fail = function (text) {
  throw new Error(text);
};
window.make = function (tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
};
"""


def test_a_page_renders_parts_itself_and_a_function_that_throws_has_no_effect(bells: Bells):
    alice = bells.recipient("First", type="whole", body="unseen")
    bells.publish(alice, "Second", type="face", body="own")
    bells.publish(alice, "Third", type="plain", body="plain body")
    bells.publish(alice, "Fourth", type="bad", body="its body")
    bell = bells.open(recipient=alice, init_script=MAKE)
    bell.device.expected_complaints = ["uncaught: mine"]
    bell.remake(RENDER)
    bell.open()
    expect(bell.panel).to_have_accessible_name("My inbox")
    expect(bell.page.locator(".ngb-footer")).to_have_text("the foot")
    whole = bell.page.get_by_role("article", name="First")
    expect(whole).to_have_text(re.compile("whole First"))
    expect(whole.locator(".ngb-title")).to_have_count(0)
    face = bell.card("Second")
    expect(face.locator(".ngb-icon")).to_have_text("A")
    expect(face.locator(".ngb-body")).to_have_text("as <b>text</b>")
    expect(bell.card("Third").locator(".ngb-body")).to_have_text("plain body")
    expect(bell.card("Third").locator(".ngb-custom")).to_be_hidden()
    expect(bell.card("Fourth").locator(".ngb-body")).to_have_text("its body")
    # A control in such a part doesn't open the card; the node is kept, and released when it is dropped.
    bell.page.evaluate("window.kept = document.querySelector('.ngb-custom button')")
    bell.page.get_by_role("button", name="Accept").click()
    expect(bell.count).to_have_text("4")
    face.locator(".ngb-title").click()
    expect(bell.count).to_have_text("3")
    assert bell.page.evaluate("window.kept === document.querySelector('.ngb-custom button')")
    bell.choose("Archive all")
    expect(bell.page.locator(".ngb-empty")).to_have_text("Nothing at all")
    released = bell.page.evaluate("window.released")
    assert "whole First" in released
    assert "Accept" in released

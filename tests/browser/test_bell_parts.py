"""What a page can make its own: parts, render functions, controlled opening, its router, the place in the document."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.bell_site import Bell, BellSite
from tests.support.browser import NewDevice

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


def test_the_list_stands_in_the_page_and_loads_as_the_page_is_scrolled(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient(*[f"Number {number}" for number in range(100)])
    bell = bell_site.bell(new_device, alice)
    part = mount(bell, view="list")
    expect(part.locator(".ngb-card")).to_have_count(50)
    expect(part.get_by_role("region", name="Notifications")).to_be_visible()
    expect(part.locator(".ngb-button")).to_have_count(0)
    for _ in range(40):
        bell.page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        if part.locator(".ngb-card").count() == 100:
            break
        bell.page.wait_for_timeout(50)
    expect(part.locator(".ngb-card")).to_have_count(100)
    # It is never closed, and agrees with the bell.
    bell.page.keyboard.press("Escape")
    part.locator(".ngb-card").first.click()
    expect(bell.button).to_have_accessible_name(re.compile("more than 99|99 unread"))
    bell.page.evaluate("window.part.destroy()")
    assert bell.page.evaluate("document.querySelector('#part').outerHTML") == '<div id="part"></div>'


def test_the_preferences_stand_in_the_page(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One", type="orders")
    bell = bell_site.bell(new_device, alice)
    part = mount(bell, view="preferences")
    part.get_by_role("switch", name="Receive “Orders”").click()
    expect(bell.count).to_be_hidden()
    expect(part.get_by_role("button", name="Back")).to_have_count(0)
    bell.page.keyboard.press("Escape")
    expect(part.get_by_role("region", name="Notification settings")).to_be_visible()
    # Notifications aren't seen in there, and their toasts are shown beside it.
    bell_site.publisher.publish(f"user:{alice.name}", "Two", type="other")
    expect(bell.toasts).to_have_text([re.compile("Two")])
    assert alice.inbox()["unseen"] == 1


def test_a_page_decides_whether_the_panel_is_open(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell.remake("{open: false, onOpenChange: isOpen => { (window.wanted = window.wanted || []).push(isOpen); }}")
    bell.button.click()
    expect(bell.panel).to_be_hidden()
    assert bell.page.evaluate("window.wanted") == [True]
    bell.call("bell => bell.set({open: true, theme: undefined})")
    expect(bell.panel).to_be_visible()
    bell.page.locator("main").click()
    expect(bell.panel).to_be_visible()
    assert bell.page.evaluate("window.wanted") == [True, False]
    bell.call("bell => bell.set({open: false})")
    expect(bell.panel).to_be_hidden()


def test_a_page_gets_to_know_that_the_panel_was_opened_and_closed(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell.remake("{onOpenChange: isOpen => { (window.changes = window.changes || []).push(isOpen); }}")
    bell.open()
    bell.page.keyboard.press("Escape")
    assert bell.page.evaluate("window.changes") == [True, False]


def test_links_within_the_origin_are_followed_by_the_pages_router(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Order 17", action_url="/page/orders/17?a=1")
    bell = bell_site.bell(new_device, alice)
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
    # Another tab is the browser's business.
    bell.open()
    with bell.device.context.expect_page() as opened:
        bell.card("Order 17").get_by_role("link").click(modifiers=["Control"])
    opened.value.wait_for_url("**/page/orders/17?a=1")


def test_everything_can_be_put_elsewhere_in_the_document(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell.page.evaluate("document.body.appendChild(document.createElement('aside')).id = 'portal'")
    bell.remake("{portal: '#portal'}")
    bell.open()
    expect(bell.page.locator("#portal .ngb-panel")).to_be_visible()
    expect(bell.page.locator("#portal .ngb-panel")).to_have_css("background-color", "rgb(255, 255, 255)")
    bell.card("One").click()
    expect(bell.panel).to_be_visible()
    bell.page.locator("main").click()
    expect(bell.panel).to_be_hidden()
    bell_site.publisher.publish(f"user:{bell.recipient.name}", "Two")
    expect(bell.page.locator("#portal .ngb-toast")).to_have_count(1)
    bell.call("bell => bell.destroy()")
    assert bell.page.evaluate("document.querySelector('#portal').innerHTML") == ""


RENDER = """{render: {
  item: (item, part) => item.type === 'whole' ? (part.node || make('em', 'whole ' + item.title)) : undefined,
  avatar: item => item.type === 'face' ? make('b', 'A') : undefined,
  body: item => item.type === 'face' ? 'as <b>text</b>' : undefined,
  actions: (item, part) => item.type === 'face' ? (part.node || make('button', 'Accept')) : null,
  header: part => part.node || make('i', 'My inbox'),
  footer: () => 'the foot',
  empty: () => make('p', 'Nothing at all'),
  release: node => window.released.push(node.textContent)
}}"""

MAKE = """
window.released = [];
window.make = function (tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
};
"""


def test_a_page_renders_parts_itself(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("First", type="whole", body="unseen")
    bell_site.publisher.publish(f"user:{alice.name}", "Second", type="face", body="own")
    bell_site.publisher.publish(f"user:{alice.name}", "Third", type="plain", body="plain body")
    bell = bell_site.bell(new_device, alice, init_script=MAKE)
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
    # A control in such a part doesn't open the card; the node is kept, and given back when it is dropped.
    bell.page.evaluate("window.kept = document.querySelector('.ngb-custom button')")
    bell.page.get_by_role("button", name="Accept").click()
    expect(bell.count).to_have_text("3")
    face.locator(".ngb-title").click()
    expect(bell.count).to_have_text("2")
    assert bell.page.evaluate("window.kept === document.querySelector('.ngb-custom button')")
    bell.choose("Archive all")
    expect(bell.page.locator(".ngb-empty")).to_have_text("Nothing at all")
    released = bell.page.evaluate("window.released")
    assert "whole First" in released
    assert "Accept" in released


def test_a_render_function_that_throws_disturbs_nothing(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One", body="its body"))
    bell.device.expected_complaints = ["uncaught: mine"]
    bell.remake("{render: {body: () => { throw new Error('mine'); }}}")
    bell.open()
    expect(bell.card("One").locator(".ngb-body")).to_have_text("its body")

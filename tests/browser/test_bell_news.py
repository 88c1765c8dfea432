"""New notifications: card, count, toast, title, announcement, and which of them for which notification."""

import re
import subprocess
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.bell_site import BellSite
from tests.support.browser import NewDevice
from tests.support.site import Recipient

GREY, ACCENT = "rgb(89, 97, 117)", "rgb(51, 85, 209)"
"""The bell without news and with."""


def publish_with_curl(bell_site: BellSite, audience: str, text: str, query: str) -> None:
    """Publish as a cron job does."""
    credential = f"Authorization: Bearer {bell_site.publisher.key}"
    url = f"{bell_site.url}/v1/notify/{audience}?{query}"
    command = ["curl", "-fsS", "--noproxy", "*", "-H", credential, "-d", text, url]
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def test_what_is_published_appears_as_a_card_a_count_and_a_toast(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    expect(bell.count).to_be_hidden()
    expect(bell.button).to_have_css("color", GREY)

    publish_with_curl(
        bell_site,
        f"user:{alice.name}",
        "It arrives on Friday.",
        "title=Order+17+was+shipped&sender=Orders&type=shipping",
    )

    toast = bell.toasts.first
    expect(toast).to_contain_text("Order 17 was shipped")
    expect(toast).to_contain_text("It arrives on Friday.")
    expect(bell.count).to_have_text("1")
    expect(bell.button).to_have_css("color", ACCENT)
    expect(bell.button).to_have_accessible_name("Notifications, 1 unread")
    expect(bell.page).to_have_title("(1) Orders")
    expect(bell.page.get_by_role("status").filter(has_text="New notification from Orders")).to_have_text(
        "New notification from Orders: Order 17 was shipped"
    )
    bell.open()
    card = bell.card("Order 17 was shipped")
    expect(card.locator(".ngb-sender")).to_have_text("Orders")
    expect(card.locator(".ngb-icon path")).to_have_attribute("d", bell.page.evaluate("NotifygateBell.icons.package"))
    expect(card.locator(".ngb-body")).to_have_text("It arrives on Friday.")
    expect(card.locator("time")).to_have_text("just now")
    expect(card.locator("time")).to_have_attribute("title", re.compile(r"\d{4}.*:\d\d:\d\d"))
    expect(card.locator(".ngb-dot")).to_have_text("Unread")
    expect(bell.toasts).to_have_count(0)


def test_nothing_that_was_there_before_pops_up(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Old one", "Old two")
    bell = bell_site.bell(new_device, alice)
    expect(bell.count).to_have_text("2")
    bell_site.publisher.publish(f"user:{alice.name}", "New one")
    expect(bell.toasts).to_have_text([re.compile("New one")])


def test_at_most_three_toasts_are_shown_the_newest_first(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    for number in range(5):
        bell_site.publisher.publish(f"user:{alice.name}", f"Number {number}")
    expect(bell.page.locator(".ngb-toast .ngb-title")).to_have_text(["Number 4", "Number 3", "Number 2"])
    more = bell.page.locator(".ngb-toast-more")
    expect(more).to_have_text("2 more")
    more.click()
    bell.expect_titles("Number 4", "Number 3", "Number 2", "Number 1", "Number 0")


TOAST_TITLES = ".ngb-toast .ngb-title"


@pytest.mark.parametrize(
    ("arrivals", "shown"),
    [
        ("high 1, normal 1, normal 2, normal 3", "normal 3, normal 2, high 1"),
        ("normal 1, low 1, normal 2, normal 3", "normal 3, normal 2, normal 1"),
        ("high 1, high 2, high 3, normal 1", "high 3, high 2, high 1"),
        ("low 1, low 2, low 3, low 4", "low 4, low 3, low 2"),
    ],
)
def test_toasts_are_evicted_by_priority_and_then_by_age(
    arrivals: str, shown: str, bell_site: BellSite, new_device: NewDevice
):
    bell = bell_site.bell(new_device, bell_site.recipient())
    bell.call("bell => { bell.options.types = {general: {display: 'toast'}}; }")
    for title in arrivals.split(", "):
        bell_site.publisher.publish(f"user:{bell.recipient.name}", title, priority=title.split(" ")[0])
    expect(bell.count).to_have_text("4")
    expect(bell.page.locator(".ngb-toast-more")).to_have_text("1 more")
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(shown.split(", "))


def test_toast_that_arrives_while_others_are_looked_at_is_shown_afterwards(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient())
    for number in range(3):
        bell_site.publisher.publish(f"user:{bell.recipient.name}", f"Normal {number}")
    expect(bell.toasts).to_have_count(3)
    bell.toasts.first.hover()
    bell_site.publisher.publish(f"user:{bell.recipient.name}", "Urgent", priority="high")
    expect(bell.page.locator(".ngb-toast-more")).to_have_text("1 more")
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(["Normal 2", "Normal 1", "Normal 0"])
    bell.page.mouse.move(5, 600)
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(["Urgent", "Normal 2", "Normal 1"])


def test_toasts_go_by_themselves_but_not_while_they_are_looked_at(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice, clock=True)
    bell_site.publisher.publish(f"user:{alice.name}", "Normal")
    bell_site.publisher.publish(f"user:{alice.name}", "Urgent", priority="high")
    bell.pass_time_until(2, bell.toasts)
    bell.toasts.first.hover()
    bell.page.clock.fast_forward(60_000)
    expect(bell.toasts).to_have_count(2)
    bell.page.mouse.move(5, 600)
    bell.page.clock.fast_forward(7_000)
    expect(bell.toasts).to_have_text([re.compile("Urgent")])
    bell.page.clock.fast_forward(7_000)
    expect(bell.toasts).to_have_count(0)
    expect(bell.count).to_have_text("2")


def test_a_hidden_tab_shows_no_toasts_and_none_afterwards(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    bell.set_hidden(True)
    bell_site.publisher.publish(f"user:{alice.name}", "While away")
    bell.call("bell => bell.client.start()")  # hidden tabs poll once a minute
    expect(bell.count).to_have_text("1")
    bell.set_hidden(False)
    bell_site.publisher.publish(f"user:{alice.name}", "Back again")
    expect(bell.toasts).to_have_text([re.compile("Back again")])


def test_a_toast_goes_when_its_notification_is_read_or_taken_back(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    read = bell_site.publisher.publish(f"user:{alice.name}", "Read elsewhere", ttl=3600)
    taken = bell_site.publisher.publish(f"user:{alice.name}", "Taken back")
    expect(bell.toasts).to_have_count(2)
    alice.session.post(f"{bell_site.url}/v1/inbox/state", json={"op": "read", "ids": [read]})
    expect(bell.toasts).to_have_text([re.compile("Taken back")])
    bell_site.publisher.session.delete(f"{bell_site.url}/v1/notifications/{taken}")
    expect(bell.toasts).to_have_count(0)


def test_a_toast_leads_to_its_card(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Older")
    bell = bell_site.bell(new_device, alice)
    bell_site.publisher.publish(f"user:{alice.name}", "Look here", body="word " * 200)
    bell.toasts.get_by_role("button", name="Look here").click()
    expect(bell.card("Look here")).to_be_focused()
    expect(bell.card("Look here")).to_have_class(re.compile("ngb-expanded"))
    expect(bell.count).to_have_text("1")


@pytest.fixture(scope="module")
def unread_hundred(bell_site: BellSite) -> Recipient:
    """A recipient with 100 unread notifications; no test reads one."""
    return bell_site.recipient(*[str(number) for number in range(100)])


def test_more_than_ninety_nine_are_99_plus(unread_hundred: Recipient, bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, unread_hundred)
    expect(bell.count).to_have_text("99+")
    expect(bell.button).to_have_accessible_name("Notifications, more than 99 unread")
    expect(bell.page).to_have_title("(99+) Orders")


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("width", [320, 360, 640])
def test_a_count_of_three_characters_does_not_widen_the_page(
    width: int, direction: str, unread_hundred: Recipient, bell_site: BellSite, new_device: NewDevice
):
    viewport = {"width": width, "height": 700}
    bell = bell_site.bell(new_device, unread_hundred, direction=direction, viewport=viewport)
    expect(bell.count).to_have_text("99+")
    # As far at the end of the line as a page can put it.
    bell.call("bell => { bell.root.style.position = 'absolute'; bell.root.style.top = 0;"
              " bell.root.style.insetInlineEnd = 0; }")  # fmt: skip
    assert bell.page.evaluate("document.documentElement.scrollWidth") == width
    count, button = bell.count.bounding_box(), bell.button.bounding_box()
    assert count is not None
    assert button is not None
    assert button["x"] <= count["x"]
    assert count["x"] + count["width"] <= button["x"] + button["width"]
    assert bell.count.evaluate("node => getComputedStyle(node).direction") == "ltr", "99+, not +99"


def test_low_priority_has_less_weight_than_normal(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Normal")
    bell_site.publisher.publish(f"user:{alice.name}", "Low", priority="low")
    bell = bell_site.bell(new_device, alice).open()

    def weight_and_icon(title: str) -> tuple[int, float]:
        card = bell.card(title)
        box = card.locator(".ngb-icon").bounding_box()
        assert box is not None
        return int(card.locator(".ngb-title").evaluate("node => getComputedStyle(node).fontWeight")), box["width"]

    for low, normal in zip(weight_and_icon("Low"), weight_and_icon("Normal"), strict=True):
        assert low < normal


@pytest.mark.parametrize(
    ("priority", "ground", "label", "toasts"),
    [
        ("low", "rgba(0, 0, 0, 0)", "", 0),
        ("normal", "rgba(0, 0, 0, 0)", "", 1),
        ("high", "rgb(253, 238, 237)", "High priority", 1),
        ("critical", "rgb(251, 222, 220)", "Critical", 0),
    ],
)
def test_a_priority_has_its_own_looks(
    bell_site: BellSite, new_device: NewDevice, priority: str, ground: str, label: str, toasts: int
):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    bell_site.publisher.publish(f"user:{alice.name}", "Here it is", priority=priority)
    expect(bell.count).to_have_text("1")
    expect(bell.toasts).to_have_count(toasts)
    if priority == "critical":
        bell.page.get_by_role("button", name="Acknowledge").click()
    bell.open()
    bell.page.mouse.move(5, 600)
    expect(bell.cards).to_have_css("background-color", ground)
    expect(bell.cards.locator(".ngb-priority")).to_have_text(label)
    is_urgent = priority in ("high", "critical")
    expect(bell.cards.locator(".ngb-urgent-mark")).to_have_text(["!"] if is_urgent else [])


def test_what_is_to_be_shown_quietly_is_in_the_list_and_nowhere_else(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    bell.call("bell => { bell.options.types = {quiet: {display: 'none'}, badge: {display: 'badge'}}; }")
    bell_site.publisher.publish(f"user:{alice.name}", "Quietly", type="quiet")
    expect(bell.count).to_have_text("1")
    bell_site.publisher.publish(f"user:{alice.name}", "With a ring", type="badge", sender="")
    expect(bell.count).to_have_text("2")
    said = bell.page.locator(".ngb-announcer [role=status]")
    expect(said).to_have_text(re.compile("With a ring$"))
    assert bell.toasts.count() == 0
    assert "Quietly" not in (said.text_content() or "")
    bell.open()
    bell.expect_titles("With a ring", "Quietly")


def test_the_page_may_change_its_title_meanwhile(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One")
    bell = bell_site.bell(new_device, alice)
    expect(bell.page).to_have_title("(1) Orders")
    bell.page.evaluate("document.title = 'Order 17'")
    bell_site.publisher.publish(f"user:{alice.name}", "Two")
    expect(bell.page).to_have_title("(2) Order 17")
    bell.call("bell => bell.destroy()")
    expect(bell.page).to_have_title("Order 17")


def test_a_burst_is_announced_as_a_number(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice)
    items: list[dict[str, Any]] = bell.call(
        """bell => {
          const item = n => ({id: '0f' + n, type: 'general', title: 'T' + n, body: '', priority: 'normal', sender: '',
            icon: null, action_url: null, data: {}, created_at: '2026-01-01T00:00:00Z', read_at: null, seen_at: null});
          const items = [1, 2, 3, 4, 5].map(item);
          bell.presenter.announce(items);
          return items;
        }"""
    )
    assert len(items) == 5
    expect(bell.page.locator(".ngb-announcer [role=status]")).to_have_text("5 new notifications")


def test_a_browser_notification_is_shown_only_while_no_tab_is_seen(bell_site: BellSite, new_device: NewDevice):
    record = """
      window.shown = [];
      window.Notification = function (title, options) {
        window.shown.push([title, options.body]);
        this.close = () => {};
      };
      window.Notification.permission = 'granted';
      window.Notification.requestPermission = () => {};
    """
    alice = bell_site.recipient()
    bell = bell_site.bell(new_device, alice, init_script=record, clock=True)
    alice.session.put(f"{bell_site.url}/v1/inbox/preferences", json={"types": {"call": {"display": "browser"}}})
    bell.page.wait_for_function(
        "() => document.querySelector('#bell').notifygateBell.catalogue.preferenceOf('call').display === 'browser'"
    )
    bell_site.publisher.publish(f"user:{alice.name}", "Seen", type="call")
    bell.pass_time_until(1, bell.toasts)
    expect(bell.toasts).to_have_text([re.compile("Seen")])
    bell.page.clock.fast_forward(10_000)
    bell.set_hidden(True)
    bell_site.publisher.publish(f"user:{alice.name}", "Call \u202efrom Bob", type="call", body="Now")
    bell.call("bell => bell.client.start()")
    expect(bell.count).to_have_text("2")
    bell.page.clock.fast_forward(2_000)
    bell.page.wait_for_function("() => window.shown.length")
    assert bell.page.evaluate("window.shown") == [["Call from Bob", "Now"]]

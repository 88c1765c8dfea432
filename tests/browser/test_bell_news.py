"""New notifications: card, count, toast, title and announcement, by type and priority."""

import itertools
import re
import subprocess

from playwright.sync_api import expect

from tests.browser.bell_site import Bells, box_of

GREY, ACCENT = "rgb(89, 97, 117)", "rgb(51, 85, 209)"
"""The colours of the bell without unseen notifications and with them."""


TOAST_TITLES = ".ngb-toast .ngb-title"


def publish_with_curl(bells: Bells, audience: str, text: str, query: str) -> None:
    """Publish as a cron job does."""
    credential = f"Authorization: Bearer {bells.site.publisher.key}"
    url = f"{bells.site.url}/v1/notify/{audience}?{query}"
    command = ["curl", "-fsS", "--noproxy", "*", "-H", credential, "-d", text, url]
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def test_a_publication_appears_as_a_card_a_count_and_a_toast(bells: Bells):
    bell = bells.open()
    expect(bell.count).to_be_hidden()
    expect(bell.button).to_have_css("color", GREY)

    query = "title=Order+17+was+shipped&sender=Orders&type=shipping"
    publish_with_curl(bells, f"user:{bell.recipient.name}", "It arrives on Friday.", query)

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


def test_at_most_three_toasts_are_shown_the_newest_first(bells: Bells):
    bell = bells.open("Old one", "Old two")
    for number in range(5):
        bell.publish(f"Number {number}")
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(["Number 4", "Number 3", "Number 2"])
    more = bell.page.locator(".ngb-toast-more")
    expect(more).to_have_text("2 more")
    more.click()
    bell.expect_titles("Number 4", "Number 3", "Number 2", "Number 1", "Number 0", "Old two", "Old one")


EVICTIONS = {
    "high 1, normal 1, normal 2, normal 3": "normal 3, normal 2, high 1",
    "normal 1, low 1, normal 2, normal 3": "normal 3, normal 2, normal 1",
    "high 1, high 2, high 3, normal 1": "high 3, high 2, high 1",
    "low 1, low 2, low 3, low 4": "low 4, low 3, low 2",
}


def test_toasts_are_evicted_by_priority_and_then_by_age(bells: Bells):
    bell = bells.open()
    bell.call("bell => { bell.options.types = {general: {display: 'toast'}}; }")
    for count, (arrivals, shown) in enumerate(EVICTIONS.items(), 1):
        for title in arrivals.split(", "):
            bell.publish(title, priority=title.split(" ")[0])
        expect(bell.count).to_have_text(str(4 * count))
        expect(bell.page.locator(".ngb-toast-more")).to_have_text("1 more")
        expect(bell.page.locator(TOAST_TITLES)).to_have_text(shown.split(", "))
        bell.call("bell => bell.toasts.clear()")
        expect(bell.toasts).to_have_count(0)


def test_toast_that_arrives_while_the_pointer_is_on_others_is_shown_afterwards(bells: Bells):
    bell = bells.open()
    for number in range(3):
        bell.publish(f"Normal {number}")
    expect(bell.toasts).to_have_count(3)
    bell.toasts.first.hover()
    bell.publish("Urgent", priority="high")
    expect(bell.page.locator(".ngb-toast-more")).to_have_text("1 more")
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(["Normal 2", "Normal 1", "Normal 0"])
    bell.page.mouse.move(5, 600)
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(["Urgent", "Normal 2", "Normal 1"])


def test_toasts_disappear_by_themselves_but_not_under_the_pointer(bells: Bells):
    bell = bells.open(clock=True)
    bell.publish("Normal")
    bell.publish("Urgent", priority="high")
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


def test_a_hidden_tab_shows_no_toasts_and_dialogs_only_afterwards(bells: Bells):
    bell = bells.open()
    bell.set_hidden(True)
    bell.publish("While away")
    bell.publish("Fire", priority="critical")
    bell.call("bell => bell.client.start()")  # hidden tabs poll once a minute
    expect(bell.count).to_have_text("2")
    expect(bell.modal).to_have_count(0)
    bell.set_hidden(False)
    expect(bell.modal).to_be_visible()
    bell.publish("Back again")
    expect(bell.toasts).to_have_text([re.compile("Back again")])


def test_a_toast_disappears_when_its_notification_is_read_or_retracted(bells: Bells):
    bell = bells.open()
    read = bell.publish("Read elsewhere", ttl=3600)
    retracted = bell.publish("Taken back")
    expect(bell.toasts).to_have_count(2)
    bell.recipient.change("read", read)
    expect(bell.toasts).to_have_text([re.compile("Taken back")])
    bells.site.publisher.session.delete(f"{bells.site.url}/v1/notifications/{retracted}")
    expect(bell.toasts).to_have_count(0)


def test_a_click_on_a_toast_opens_its_card(bells: Bells):
    bell = bells.open("Older")
    bell.publish("Look here", body="word " * 200)
    bell.toasts.get_by_role("button", name="Look here").click()
    expect(bell.card("Look here")).to_be_focused()
    expect(bell.card("Look here")).to_have_class(re.compile("ngb-expanded"))
    expect(bell.count).to_have_text("1")


def test_counts_above_99_are_99_plus_and_do_not_widen_the_page(bells: Bells):
    bell = bells.open(*map(str, range(100)))
    expect(bell.count).to_have_text("99+")
    expect(bell.button).to_have_accessible_name("Notifications, more than 99 unread")
    expect(bell.page).to_have_title("(99+) Orders")
    # The bell is as far at the end of the line as possible.
    bell.call("bell => { bell.root.style.cssText = 'position: absolute; top: 0; inset-inline-end: 0'; }")
    for direction, width in itertools.product(("ltr", "rtl"), (320, 360, 640)):
        bell.call("(bell, dir) => { bell.set({dir: document.documentElement.dir = dir}); }", direction)
        bell.page.set_viewport_size({"width": width, "height": 700})
        assert bell.page.evaluate("document.documentElement.scrollWidth") == width, direction
        count, button = box_of(bell.count), box_of(bell.button)
        assert button["x"] <= count["x"], (direction, width)
        assert count["x"] + count["width"] <= button["x"] + button["width"], (direction, width)
        assert bell.count.evaluate("node => getComputedStyle(node).direction") == "ltr", "99+, not +99"


STYLES = {
    "low": ("rgba(0, 0, 0, 0)", "", []),
    "normal": ("rgba(0, 0, 0, 0)", "", []),
    "high": ("rgb(253, 238, 237)", "High priority", ["!"]),
    "critical": ("rgb(251, 222, 220)", "Critical", ["!"]),
}


def test_each_priority_has_its_own_style(bells: Bells):
    bell = bells.open()
    for priority in STYLES:
        bell.publish(f"A {priority} one", priority=priority)
    expect(bell.count).to_have_text("4")
    bell.page.get_by_role("button", name="Acknowledge").click()
    expect(bell.page.locator(TOAST_TITLES)).to_have_text(["A high one", "A normal one"])
    bell.open()
    bell.page.mouse.move(5, 600)
    for priority, (ground, label, mark) in STYLES.items():
        card = bell.card(f"A {priority} one")
        expect(card).to_have_css("background-color", ground)
        expect(card.locator(".ngb-priority")).to_have_text(label)
        expect(card.locator(".ngb-urgent-mark")).to_have_text(mark)
    low, normal = (bell.card(f"A {priority} one") for priority in ("low", "normal"))
    weights = [
        card.locator(".ngb-title").evaluate("node => +getComputedStyle(node).fontWeight") for card in (low, normal)
    ]
    assert weights[0] < weights[1]
    assert box_of(low.locator(".ngb-icon"))["width"] < box_of(normal.locator(".ngb-icon"))["width"]


def test_a_notification_without_display_is_in_the_list_alone(bells: Bells):
    bell = bells.open()
    bell.call("bell => { bell.options.types = {quiet: {display: 'none'}, badge: {display: 'badge'}}; }")
    bell.publish("Quietly", type="quiet")
    expect(bell.count).to_have_text("1")
    bell.publish("With a ring", type="badge", sender="")
    expect(bell.count).to_have_text("2")
    announcement = bell.page.locator(".ngb-announcer [role=status]")
    expect(announcement).to_have_text(re.compile("With a ring$"))
    assert bell.toasts.count() == 0
    assert "Quietly" not in (announcement.text_content() or "")
    bell.open()
    bell.expect_titles("With a ring", "Quietly")


def test_the_page_may_change_its_title_meanwhile(bells: Bells):
    bell = bells.open("One")
    expect(bell.page).to_have_title("(1) Orders")
    bell.page.evaluate("document.title = 'Order 17'")
    bell.publish("Two")
    expect(bell.page).to_have_title("(2) Order 17")
    bell.call("bell => bell.destroy()")
    expect(bell.page).to_have_title("Order 17")


def test_a_browser_notification_is_shown_only_while_no_tab_is_visible(bells: Bells):
    record = """
      window.shown = [];
      window.Notification = function (title, options) {
        window.shown.push([title, options.body]);
        this.close = () => {};
      };
      window.Notification.permission = 'granted';
      window.Notification.requestPermission = () => {};
    """
    bell = bells.open(init_script=record, clock=True)
    bell.recipient.prefer({"call": {"display": "browser"}})
    bell.await_preference("call", "browser")
    bell.publish("Seen", type="call")
    bell.pass_time_until(1, bell.toasts)
    expect(bell.toasts).to_have_text([re.compile("Seen")])
    bell.page.clock.fast_forward(10_000)
    bell.set_hidden(True)
    bell.publish("Call \u202efrom Bob", type="call", body="Now")
    bell.call("bell => bell.client.start()")
    expect(bell.count).to_have_text("2")
    bell.page.clock.fast_forward(2_000)
    bell.page.wait_for_function("() => window.shown.length")
    assert bell.page.evaluate("window.shown") == [["Call from Bob", "Now"]]

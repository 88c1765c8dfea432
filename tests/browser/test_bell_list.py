"""The list: filter, history, its position while notifications arrive, and its texts while it is empty."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import Bells, box_of, refuse
from tests.browser.page_time import pass_time, pass_time_until
from tests.support.waiting import eventually

TO_THE_END = "node => { node.scrollTop = node.scrollHeight; }"


def test_the_filter_shows_unread_notifications_only(bells: Bells):
    bell = bells.open("One", "Two", "Three")
    bell.open()
    bell.card("Two").click()
    bell.filter("Unread").click()
    bell.expect_titles("Three", "One")
    expect(bell.filter("Unread")).to_have_attribute("aria-pressed", "true")
    # A notification read in the filtered list stays in it until the filter changes.
    bell.card("One").click()
    expect(bell.count).to_have_text("1")
    bell.expect_titles("Three", "One")
    bell.filter("All").click()
    bell.filter("Unread").click()
    bell.expect_titles("Three")
    bell.card("Three").hover()
    bell.card("Three").get_by_role("button", name="Mark as read").click()
    expect(bell.page.locator(".ngb-empty-title")).to_have_text("Nothing unread")


def test_the_filter_finds_unread_notifications_far_back_in_the_history(bells: Bells):
    alice = bells.recipient("Far back", *[f"Number {number}" for number in range(70)])
    ids = [item["id"] for item in alice.inbox(limit=70)["notifications"]]
    alice.change("read", *ids)
    bell = bells.open(recipient=alice)
    bell.open()
    bell.filter("Unread").click()
    bell.expect_titles("Far back")


def test_scrolling_down_loads_older_notifications_until_there_are_no_more(bells: Bells):
    names = [f"Number {number}" for number in range(130)]
    bell = bells.open(*names)
    bell.open()
    scroller, end = bell.page.locator(".ngb-scroller"), bell.page.locator(".ngb-end", has_text="That’s everything")
    eventually(lambda: scroller.evaluate(TO_THE_END) or end.is_visible(), "the end is reached")
    bell.expect_titles(*reversed(names))
    expect(bell.cards.last).to_have_attribute("aria-setsize", "130")


def test_history_that_can_not_be_loaded_can_be_tried_again(bells: Bells):
    bell = bells.open(*[f"Number {number}" for number in range(60)])
    refuse(bell, "/v1/inbox/history**", method="GET")
    bell.open()
    bell.page.locator(".ngb-scroller").evaluate(TO_THE_END)
    expect(bell.page.locator(".ngb-end")).to_have_text("Older notifications could not be loaded.")
    bell.device.context.unroute("**/v1/inbox/history**")
    bell.page.get_by_role("button", name="Try again").click()
    expect(bell.cards).to_have_count(60)


def test_scrolling_to_the_end_of_the_list_leaves_it_there(bells: Bells):
    bell = bells.open(*[f"Number {number}" for number in range(20)])
    bell.open()
    ends = bell.page.locator(".ngb-scroller").evaluate("""node => new Promise(done => {
      const left = () => node.scrollHeight - node.clientHeight - node.scrollTop;
      node.scrollTop = node.scrollHeight;
      const before = left();
      requestAnimationFrame(() => requestAnimationFrame(() => done([before, left()])));
    })""")
    assert ends[0] < 1, ends
    assert ends[1] < 1, ends


def test_arrivals_do_not_move_the_visible_cards(bells: Bells):
    bell = bells.open(*[f"Number {number}" for number in range(40)])
    bell.open()
    bell.page.locator(".ngb-scroller").evaluate("node => { node.scrollTop = 900; }")
    before = box_of(bell.card("Number 25"))
    bell.call("bell => { bell.client.on('reset', () => { window.hasReset = true; }); }")
    bell.recipient.prefer({"like": {"muted": True}})
    bell.page.wait_for_function("() => window.hasReset")
    assert box_of(bell.card("Number 25")) == before
    bell.publish("Newer", body="with a body\nof two lines")
    bell.publish("Newest")
    pill = bell.page.locator(".ngb-pill")
    expect(pill).to_have_text("2 new notifications")
    after = box_of(bell.card("Number 25"))
    assert abs(before["y"] - after["y"]) < 2
    pill.click()
    expect(bell.card("Newest")).to_be_focused()
    expect(pill).to_be_hidden()


def test_an_empty_inbox_has_a_text(bells: Bells):
    bell = bells.open()
    bell.open()
    expect(bell.page.locator(".ngb-empty-title")).to_have_text("You’re all caught up")
    expect(bell.page.get_by_role("button", name="Mark all as read")).to_have_attribute("aria-disabled", "true")
    bell.page.locator(".ngb-menu-button").click()
    expect(bell.page.get_by_role("menuitem")).to_have_text(["Pause pop-ups for an hour", "Settings"])


def test_a_list_without_an_answer_shows_that_it_loads_and_then_the_error(bells: Bells):
    alice = bells.recipient("One")
    device = bells.new_device()
    device.expects_network_errors = True
    device.context.route("**/v1/inbox?**", lambda route: route.abort())
    device.context.route("**/v1/inbox", lambda route: route.abort())
    bell = bells.open(recipient=alice, device=device, await_snapshot=False)
    bell.open()
    expect(bell.page.locator(".ngb-skeleton")).to_be_visible()
    strip = bell.page.locator(".ngb-strip")
    expect(strip).to_have_text(re.compile("Can’t reach the server"))
    device.context.unroute("**/v1/inbox?**")
    device.context.unroute("**/v1/inbox")
    bell.call("bell => bell.client.start()")
    bell.expect_titles("One")
    expect(strip).to_be_hidden()


def test_times_are_right_at_once_when_a_tab_is_shown_again(bells: Bells):
    bell = bells.open("One", clock=True)
    bell.open()
    time = bell.cards.locator("time")
    expect(time).to_have_text("just now")
    bell.set_hidden(True)
    bell.page.clock.fast_forward(300_000)
    bell.set_hidden(False)
    expect(time).to_have_text("5 min ago")


def test_the_strip_counts_down_to_the_next_try_which_can_be_made_at_once(bells: Bells):
    bell = bells.open("One", clock=True, init_script="Math.random = () => 0.99;")
    bell.open()
    strip = bell.page.locator(".ngb-strip")
    bell.device.expects_network_errors = True
    bell.page.route("**/v1/inbox?**", lambda route: route.abort())
    bell.publish("Two")  # ends the hold; each poll after it fails, and the waits grow
    pass_time_until(bell.page, lambda: "Trying again in 8 s" in strip.inner_text(), "a long wait")
    # A screen reader reads the fault once, and not each second.
    announced = bell.page.locator(".ngb-announcer [role=status]")
    assert announced.text_content() == "Can’t reach the server. Trying again in 1 s."
    pass_time(bell.page, 3)
    expect(strip).to_have_text(re.compile(r"Trying again in [56] s"))
    assert announced.text_content() == "Can’t reach the server. Trying again in 1 s."
    assert not strip.evaluate("node => node.closest('[role=status], [aria-live]')")
    bell.page.unroute("**/v1/inbox?**")
    bell.publish("Three")
    bell.page.get_by_role("button", name="Try now").click()
    bell.expect_titles("Three", "Two", "One")
    expect(strip).to_be_hidden()


def test_the_strip_reports_an_ended_session(bells: Bells):
    alice = bells.recipient("One")
    alice.token += "x"
    device = bells.new_device()
    device.expects_network_errors = True
    bell = bells.open(recipient=alice, device=device, await_snapshot=False)
    bell.open()
    expect(bell.page.locator(".ngb-strip")).to_have_text(re.compile("Your session has ended"))
    expect(bell.page.locator(".ngb-skeleton")).to_be_hidden()


def test_a_bell_made_late_shows_the_notifications_of_its_client(bells: Bells):
    bell = bells.open(*[f"Number {number}" for number in range(60)])
    bell.call("""bell => {
      const client = new Notifygate({token: document.querySelector('#bell').getAttribute('data-token'), share: false});
      client.on('counts', function late() {
        client.off('counts', late);
        setTimeout(() => {
          bell.destroy();
          document.querySelector('#bell').notifygateBell = new NotifygateBell('#bell', {client: client});
        });
      });
      client.start();
    }""")
    bell.page.wait_for_function("() => document.querySelector('#bell').notifygateBell.options.client")
    expect(bell.count).to_have_text("60")
    bell.open()
    bell.page.locator(".ngb-scroller").evaluate(TO_THE_END)
    expect(bell.cards).to_have_count(60)


def test_a_destroyed_bell_leaves_no_node_behind(bells: Bells):
    bell = bells.open("One")
    bell.open()
    bell.call("bell => bell.destroy()")
    assert bell.page.evaluate("document.querySelector('#bell').outerHTML").startswith('<div id="bell" data-notifygate')
    assert bell.page.evaluate("document.querySelectorAll('[class*=ngb]').length") == 0

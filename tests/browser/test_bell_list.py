"""The list: filter, history, place while things arrive, and what it says while it has nothing to show."""

import re

from playwright.sync_api import expect

from tests.browser.bell_site import BellSite, refuse
from tests.support.browser import NewDevice


def test_the_filter_shows_unread_ones_only(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One", "Two", "Three")
    bell = bell_site.bell(new_device, alice)
    bell.open()
    bell.card("Two").click()
    bell.filter("Unread").click()
    bell.expect_titles("Three", "One")
    expect(bell.filter("Unread")).to_have_attribute("aria-pressed", "true")
    # One that is read now stays under the reader's eyes until they look elsewhere.
    bell.card("One").click()
    expect(bell.count).to_have_text("1")
    bell.expect_titles("Three", "One")
    bell.filter("All").click()
    bell.filter("Unread").click()
    bell.expect_titles("Three")
    bell.card("Three").hover()
    bell.card("Three").get_by_role("button", name="Mark as read").click()
    expect(bell.page.locator(".ngb-empty-title")).to_have_text("Nothing unread")


def test_the_filter_finds_unread_ones_that_lie_far_back(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Far back", *[f"Number {number}" for number in range(70)])
    ids = [item["id"] for item in alice.inbox(limit=70)["notifications"]]
    alice.session.post(f"{bell_site.url}/v1/inbox/state", json={"op": "read", "ids": ids})
    bell = bell_site.bell(new_device, alice)
    bell.open()
    bell.filter("Unread").click()
    bell.expect_titles("Far back")


def test_scrolling_down_loads_what_is_older_until_there_is_no_more(bell_site: BellSite, new_device: NewDevice):
    names = [f"Number {number}" for number in range(130)]
    alice = bell_site.recipient(*names)
    bell = bell_site.bell(new_device, alice)
    bell.open()
    end = bell.page.locator(".ngb-end")
    for _ in range(40):
        bell.page.locator(".ngb-scroller").evaluate("node => { node.scrollTop = node.scrollHeight; }")
        if end.is_visible() and end.text_content() == "That’s everything":
            break
        bell.page.wait_for_timeout(50)
    bell.expect_titles(*reversed(names))
    expect(bell.cards.last).to_have_attribute("aria-setsize", "130")


def test_history_that_can_not_be_loaded_can_be_tried_again(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient(*[f"Number {number}" for number in range(60)])
    bell = bell_site.bell(new_device, alice)
    refuse(bell, "/v1/inbox/history**", method="GET")
    bell.open()
    bell.page.locator(".ngb-scroller").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(bell.page.locator(".ngb-end")).to_have_text("Older notifications could not be loaded.")
    bell.device.context.unroute("**/v1/inbox/history**")
    bell.page.get_by_role("button", name="Try again").click()
    expect(bell.cards).to_have_count(60)


def test_scrolling_to_the_end_of_the_list_leaves_it_there(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient(*[f"Number {number}" for number in range(20)]))
    bell.open()
    ends = bell.page.locator(".ngb-scroller").evaluate("""node => new Promise(done => {
      const left = () => node.scrollHeight - node.clientHeight - node.scrollTop;
      node.scrollTop = node.scrollHeight;
      const before = left();
      requestAnimationFrame(() => requestAnimationFrame(() => done([before, left()])));
    })""")
    assert ends[0] < 1, ends
    assert ends[1] < 1, ends


def test_what_arrives_does_not_move_what_is_read(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient(*[f"Number {number}" for number in range(40)])
    bell = bell_site.bell(new_device, alice)
    bell.open()
    bell.page.locator(".ngb-scroller").evaluate("node => { node.scrollTop = 900; }")
    before = bell.card("Number 25").bounding_box()
    bell_site.publisher.publish(f"user:{alice.name}", "Newer", body="with a body\nof two lines")
    bell_site.publisher.publish(f"user:{alice.name}", "Newest")
    pill = bell.page.locator(".ngb-pill")
    expect(pill).to_have_text("2 new notifications")
    after = bell.card("Number 25").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2
    pill.click()
    expect(bell.card("Newest")).to_be_focused()
    expect(pill).to_be_hidden()


def test_a_reset_does_not_move_what_is_read(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient(*[f"Number {number}" for number in range(40)])
    bell = bell_site.bell(new_device, alice)
    bell.open()
    bell.call("bell => { window.resets = 0; bell.client.on('reset', () => { window.resets += 1; }); }")
    bell.page.locator(".ngb-scroller").evaluate("node => { node.scrollTop = 900; }")
    before = bell.card("Number 25").bounding_box()
    alice.session.put(f"{bell_site.url}/v1/inbox/preferences", json={"types": {"like": {"muted": True}}})
    bell.page.wait_for_function("() => window.resets")
    assert bell.card("Number 25").bounding_box() == before


def test_an_empty_inbox_says_so(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient())
    bell.open()
    expect(bell.page.locator(".ngb-empty-title")).to_have_text("You’re all caught up")
    expect(bell.page.get_by_role("button", name="Mark all as read")).to_have_attribute("aria-disabled", "true")
    bell.page.locator(".ngb-menu-button").click()
    expect(bell.page.get_by_role("menuitem")).to_have_text(["Pause pop-ups for an hour", "Settings"])


def test_while_it_waits_it_shows_that_it_loads_and_then_what_is_wrong(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One")
    device = new_device()
    device.expects_network_errors = True
    device.context.route("**/v1/inbox?**", lambda route: route.abort())
    device.context.route("**/v1/inbox", lambda route: route.abort())
    bell = bell_site.bell(new_device, alice, device=device, await_snapshot=False)
    bell.open()
    expect(bell.page.locator(".ngb-skeleton")).to_be_visible()
    strip = bell.page.locator(".ngb-strip")
    expect(strip).to_have_text(re.compile("Can’t reach the server"))
    device.context.unroute("**/v1/inbox?**")
    device.context.unroute("**/v1/inbox")
    bell.call("bell => bell.retry()")
    bell.expect_titles("One")
    expect(strip).to_be_hidden()


def test_it_counts_down_to_the_next_try_which_can_be_made_at_once(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"), clock=True)
    bell.open()
    bell.call("bell => { bell.client.stop(); bell.client.state = {mode: 'waiting', retry: 90, error: {status: 502}};"
              " bell.handlers.state(); }")  # fmt: skip
    strip = bell.page.locator(".ngb-strip")
    expect(strip).to_have_text(re.compile(r"Trying again in (90|89) s"))
    bell.page.clock.fast_forward(30_000)
    expect(strip).to_have_text(re.compile(r"Trying again in (60|59) s"))
    bell.page.get_by_role("button", name="Try now").click()
    expect(strip).to_be_hidden()


def test_it_says_when_the_device_is_offline(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One")
    bell = bell_site.bell(new_device, alice)
    bell.device.expects_network_errors = True
    bell.open()
    bell.device.context.set_offline(True)
    strip = bell.page.locator(".ngb-strip")
    expect(strip).to_have_text(re.compile("You’re offline"))
    bell_site.publisher.publish(f"user:{alice.name}", "Two")
    bell.device.context.set_offline(False)
    bell.expect_titles("Two", "One")
    expect(strip).to_be_hidden()


def test_it_says_when_the_session_has_ended(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One")
    alice.token += "x"
    device = new_device()
    device.expects_network_errors = True
    bell = bell_site.bell(new_device, alice, device=device, await_snapshot=False)
    bell.open()
    expect(bell.page.locator(".ngb-strip")).to_have_text(re.compile("Your session has ended"))
    expect(bell.page.locator(".ngb-skeleton")).to_be_hidden()


def test_a_bell_that_is_made_late_shows_what_its_client_has(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient(*[f"Number {number}" for number in range(60)])
    bell = bell_site.bell(new_device, alice)
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
    bell.page.locator(".ngb-scroller").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(bell.cards).to_have_count(60)


def test_a_bell_that_is_destroyed_leaves_nothing_behind(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell.open()
    bell.call("bell => bell.destroy()")
    assert bell.page.evaluate("document.querySelector('#bell').outerHTML").startswith('<div id="bell" data-notifygate')
    assert bell.page.evaluate("document.querySelectorAll('[class*=ngb]').length") == 0

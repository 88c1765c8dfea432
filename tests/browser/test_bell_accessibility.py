"""Keyboard alone, screen readers, contrast, right-to-left: axe-core in every state, and checks beyond axe-core."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.bell_site import Bell, Bells, box_of, refuse
from tests.browser.conftest import Axe


def fill(bell: Bell) -> None:
    """Publish a notification of each appearance."""
    for priority in ("low", "normal", "high", "critical"):
        bell.publish(f"A {priority} one", body="Some words. " * 30, priority=priority, type="look")


def closed(_: Bell) -> None:
    """The closed bell without notifications."""


def empty(bell: Bell) -> None:
    """The panel without a card."""
    bell.open()
    expect(bell.page.locator(".ngb-empty")).to_be_visible()


def toasts(bell: Bell) -> None:
    """Three toasts, which stay, and the line that there are more."""
    for number in range(4):
        action_url = "/page/there" if number else None
        bell.publish(
            f"Number {number}", body="Some words.", priority=("normal", "high")[number % 2], action_url=action_url
        )
    expect(bell.page.locator(".ngb-toast-more")).to_be_visible()


def opened(bell: Bell) -> None:
    """Cards of every priority, read and unread, one of them expanded, one under the pointer."""
    bell.recipient.prefer({"look": {"display": "badge"}})
    bell.await_preference("look", "badge")
    for count in ("4", "8"):
        fill(bell)
        expect(bell.count).to_have_text(count)
    bell.open()
    bell.page.evaluate("document.querySelectorAll('.ngb-card').forEach((card, n) => n % 2 && card.click())")
    expect(bell.count).to_have_text("4")
    bell.card("A normal one").first.hover()


def arranged(bell: Bell) -> None:
    """Headings, tabs, a closed group and an open one, faces, a link in a text, the footer, the menu."""
    bell.remake("{groupBy: 'sender', inboxUrl: '/page/inbox', tabs: [{label: 'Comments', types: ['comment']}]}")
    for number, (sender, kind) in enumerate((("Eve Adams", "comment"), ("Bob", "deploy"), ("Eve Adams", "comment"))):
        for text in ("See https://shop.example/17 for more.", "+1"):
            bell.publish(f"Number {number}", body=text, sender=sender, type=kind, priority="low")
        if number == 1:
            expect(bell.count).to_have_text("4")
            with bell.page.expect_response("**/v1/inbox/state"):
                bell.open()
            bell.page.keyboard.press("Escape")
    expect(bell.count).to_have_text("6")
    bell.open()
    expect(bell.page.locator(".ngb-section")).to_have_count(2)
    bell.page.get_by_role("button", name="Show 1 more").last.click()
    bell.page.locator(".ngb-menu-button").click()
    expect(bell.page.get_by_role("menu")).to_be_visible()


def undoing(bell: Bell) -> None:
    """The bar with the undo, and an error."""
    opened(bell)
    refuse(bell, "/v1/inbox/state")
    bell.card("A normal one").first.click()
    expect(bell.page.locator(".ngb-strip")).to_be_visible()
    bell.call("bell => bell.dismiss([bell.items.newest()])")
    expect(bell.undo).to_be_visible()


def settings(bell: Bell) -> None:
    """The settings with a muted and a mandatory type."""
    bell.remake("{types: {a: {title: 'Security', mandatory: true}, b: {title: 'Orders'}, c: {title: 'Likes'}}}")
    bell.open()
    with bell.page.expect_response("**/v1/inbox/preferences**"):
        bell.choose("Settings")
    bell.page.get_by_role("switch", name="Receive “Likes”").click()


def modal(bell: Bell) -> None:
    """A critical notification that is too long for the screen."""
    bell.publish("Fire", body="Leave at once. " * 200, priority="critical", action_url="/page")
    expect(bell.modal).to_be_visible()


def loading(bell: Bell) -> None:
    """Before the first answer, with the line that the gateway can't be reached."""
    bell.call("bell => { bell.client.stop(); bell.isReady = false; bell.client.items = () => [];"
              " bell.client.state = {mode: 'waiting', retry: 50}; bell.update(); }")  # fmt: skip
    bell.open()
    expect(bell.page.locator(".ngb-skeleton")).to_be_visible()


STATES = [closed, empty, toasts, opened, arranged, undoing, settings, modal, loading]

DARK_AND_MIRRORED = """bell => {
  bell.set({dir: document.documentElement.dir = 'rtl'});
  document.body.style.background = '#14171f';
  document.body.style.color = '#fff';
  document.querySelectorAll('body > header > a').forEach(a => { a.style.color = 'inherit'; });
}"""


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_no_violation(bells: Bells, axe: Axe, state: Callable[[Bell], None]):
    """In the light; and in the dark, from right to left on a small screen."""
    bell = bells.open(color_scheme="light")
    state(bell)
    assert axe(bell.page) == []
    bell.page.emulate_media(color_scheme="dark")
    bell.call(DARK_AND_MIRRORED)
    bell.page.set_viewport_size({"width": 380, "height": 700})
    assert axe(bell.page) == []
    assert bell.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_explicit_theme_takes_precedence_over_the_systems(bells: Bells):
    bell = bells.open(color_scheme="dark", attributes='data-theme="light"')
    bell.open()
    background = "getComputedStyle(document.querySelector('.ngb-panel')).backgroundColor"
    assert bell.page.evaluate(background) == "rgb(255, 255, 255)"
    bell.call("bell => bell.setTheme('dark')")
    assert bell.page.evaluate(background) == "rgb(27, 31, 43)"
    bell.page.evaluate("document.documentElement.style.setProperty('--notifygate-surface', 'rgb(1, 2, 3)')")
    assert bell.page.evaluate(background) == "rgb(1, 2, 3)"


def test_every_action_works_with_the_keyboard(bells: Bells):
    bell = bells.open("Third", "Second", "First")
    keys = bell.page.keyboard
    bell.page.locator("#before").focus()
    keys.press("Tab")
    expect(bell.button).to_be_focused()
    keys.press("Enter")
    expect(bell.card("First")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    expect(bell.card("Third")).to_be_focused()
    keys.press("Home")
    keys.press("End")
    expect(bell.card("Third")).to_be_focused()
    keys.press("Enter")
    expect(bell.count).to_have_text("2")
    keys.press("ArrowUp")
    keys.press("Delete")
    bell.expect_titles("First", "Third")
    expect(bell.card("Third")).to_be_focused()
    keys.press("Control+z")
    bell.expect_titles("First", "Second", "Third")
    expect(bell.card("Second")).to_be_focused()
    keys.press("Tab")
    expect(bell.card("Second").get_by_role("button", name="Mark as read")).to_be_focused()
    keys.press("Enter")
    expect(bell.count).to_have_text("1")
    keys.press("Tab")
    expect(bell.card("Second").get_by_role("button", name="Archive")).to_be_focused()
    keys.press("Space")
    expect(bell.card("Third")).to_be_focused()
    keys.press("Shift+Tab")
    assert bell.focused() == "ngb-read-all"
    keys.press("Escape")
    expect(bell.panel).to_be_hidden()
    expect(bell.button).to_be_focused()


def test_the_settings_can_be_reached_and_left_with_the_keyboard(bells: Bells):
    bell = bells.open("One")
    bell.button.focus()
    bell.page.keyboard.press("ArrowDown")
    menu_button = bell.panel.get_by_role("button", name="More actions").first
    menu_button.focus()
    bell.page.keyboard.press("Enter")
    expect(bell.page.get_by_role("menuitem", name="Archive all")).to_be_focused()
    bell.page.keyboard.press("ArrowUp")
    expect(bell.page.get_by_role("menuitem", name="Settings")).to_be_focused()
    bell.page.keyboard.press("Enter")
    expect(bell.page.get_by_role("heading", name="Notification settings")).to_be_focused()
    bell.page.keyboard.press("Escape")
    expect(menu_button).to_be_focused()
    bell.page.keyboard.press("Escape")
    expect(bell.button).to_be_focused()


OUTLINE = "(at => at.outlineStyle + at.outlineWidth)(getComputedStyle(document.activeElement))"


def test_the_tab_key_leaves_and_closes_the_panel(bells: Bells):
    bell = bells.open("One")
    bell.page.locator("#before").focus()
    bell.page.keyboard.press("Tab")
    bell.page.keyboard.press("Enter")
    expect(bell.card("One")).to_be_focused()
    outlines: list[str] = []
    for _ in range(3):
        outlines.append(bell.page.evaluate(OUTLINE))
        bell.page.keyboard.press("Tab")
    assert outlines == ["solid2px"] * 3, "the focus can be seen"
    expect(bell.page.locator("#after")).to_be_focused()
    expect(bell.panel).to_be_hidden()


def test_the_focus_moves_on_when_its_card_is_removed(bells: Bells):
    bell = bells.open("Third", "Second", "First")
    bell.button.focus()
    bell.page.keyboard.press("Enter")
    expect(bell.card("First")).to_be_focused()
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("Second")).to_be_focused()
    ids = {item["title"]: item["id"] for item in bell.recipient.inbox()["notifications"]}
    bell.recipient.change("dismiss", ids["Second"])
    expect(bell.card("Third")).to_be_focused()
    bell.recipient.change("dismiss", ids["First"], ids["Third"])
    expect(bell.panel).to_be_focused()


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_removed_cards_fold_up_and_disappear_where_motion_is_allowed(wish: str, bells: Bells):
    bell = bells.open("One", "Two", reduced_motion=wish)
    bell.publish("Three")
    expect(bell.toasts).to_have_count(1)
    assert wish != "reduce" or bell.page.evaluate("document.getAnimations().length") == 0
    bell.open()
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    expect(bell.page.locator(".ngb-leaving")).to_have_count(0)
    bell.expect_titles("Three", "One")


def test_a_right_to_left_page_is_mirrored(bells: Bells):
    bell = bells.open("مرحبا", body="رسالة جديدة", direction="rtl")
    bell.open()
    panel, button = box_of(bell.panel), box_of(bell.button)
    icon, text = box_of(bell.cards.locator(".ngb-icon")), box_of(bell.cards.locator(".ngb-main"))
    assert panel["x"] <= button["x"]
    assert icon["x"] > text["x"]
    expect(bell.panel).to_have_css("direction", "rtl")


def test_the_bell_follows_the_direction_of_the_page(bells: Bells):
    bell = bells.open("One")
    element = bell.page.locator("#bell")
    for direction in ("rtl", "ltr"):
        bell.page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
        bell.open()
        expect(bell.panel).to_have_css("direction", direction)
        bell.page.keyboard.press("Escape")
        bell.publish(f"Read from {direction}")
        expect(bell.toasts).to_have_css("direction", direction)
        bell.call("bell => bell.toasts.clear()")  # it may cover the bell, which is elsewhere when the page turns
        # An attribute of the element is the page's: the custom element would read the bell's own as an option.
        assert element.get_attribute("dir") is None


def test_the_panel_opens_below_the_bell_where_motion_is_allowed(bells: Bells):
    bell = bells.open("One", reduced_motion="no-preference")
    bell.open()
    bell.page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")
    panel, button = box_of(bell.panel), box_of(bell.button)
    assert panel["x"] == 12
    assert panel["y"] == button["y"] + button["height"] + 8


def test_the_panel_stays_in_the_window_wherever_the_bell_is(bells: Bells):
    bell = bells.open(*[f"Number {number}" for number in range(20)])
    for place in [f"{y}: 0; {x}: 0" for y in ("top", "bottom") for x in ("left", "right")] + ["top: 45%; left: 50%"]:
        bell.page.evaluate(
            "place => { document.querySelector('#bell').style.cssText = 'position: fixed; ' + place; }", place
        )
        bell.open()
        box = box_of(bell.panel)
        assert box["x"] >= 0, place
        assert box["y"] >= 0, place
        assert box["x"] + box["width"] <= 1000, place
        assert box["y"] + box["height"] <= 720, place
        bell.page.keyboard.press("Escape")


def test_in_a_small_window_the_panel_fills_it_and_can_be_closed(bells: Bells):
    bell = bells.open("One", viewport={"width": 380, "height": 700}, has_touch=True, is_mobile=True)
    bell.button.tap()
    assert box_of(bell.panel) == {"x": 0, "y": 0, "width": 380, "height": 700}
    # Touch screens have no hover: a card has one visible button, which is large enough.
    options = bell.card("One").get_by_role("button")
    expect(options).to_have_accessible_name("More actions")
    expect(bell.card("One").locator(".ngb-actions")).to_have_css("opacity", "1")
    size = box_of(options)
    assert min(size["width"], size["height"]) >= 44
    options.tap()
    bell.page.get_by_role("menuitem", name="Mark as read").tap()
    expect(bell.count).to_be_hidden()
    bell.page.get_by_role("button", name="Close").tap()
    expect(bell.panel).to_be_hidden()
    expect(bell.button).to_have_attribute("aria-expanded", re.compile("false"))

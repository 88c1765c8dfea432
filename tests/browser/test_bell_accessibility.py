"""Keyboard alone, screen readers, contrast, right-to-left: axe-core in every state, and what axe-core can't see."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.bell_site import Bell, BellSite, refuse
from tests.support.browser import NewDevice


def fill(bell_site: BellSite, bell: Bell) -> None:
    """Publish one of each look."""
    for priority in ("low", "normal", "high", "critical"):
        bell_site.publisher.publish(
            f"user:{bell.recipient.name}", f"A {priority} one", body="Some words. " * 30, priority=priority, type="look"
        )


def closed(bell_site: BellSite, bell: Bell) -> None:
    """Nothing to tell."""


def empty(bell_site: BellSite, bell: Bell) -> None:
    """The panel without a card."""
    bell.open()
    expect(bell.page.locator(".ngb-empty")).to_be_visible()


def toasts(bell_site: BellSite, bell: Bell) -> None:
    """Three toasts, which stay, and the word that there are more."""
    bell.call("bell => { bell.options.toastSeconds = 600; }")
    for number in range(4):
        bell_site.publisher.publish(
            f"user:{bell.recipient.name}",
            f"Number {number}",
            body="Some words.",
            priority="high" if number % 2 else "normal",
            action_url="/page/there" if number else None,
        )
    expect(bell.page.locator(".ngb-toast-more")).to_be_visible()


def opened(bell_site: BellSite, bell: Bell) -> None:
    """Cards of every priority, read and unread, one of them expanded, one under the pointer."""
    bell.call("bell => { bell.options.types = {look: {display: 'badge'}}; bell.catalogue.displayOf = () => 'badge'; }")
    fill(bell_site, bell)
    expect(bell.count).to_have_text("4")
    fill(bell_site, bell)
    expect(bell.count).to_have_text("8")
    bell.open()
    bell.page.evaluate("document.querySelectorAll('.ngb-card').forEach((card, n) => n % 2 && card.click())")
    expect(bell.count).to_have_text("4")
    bell.card("A normal one").first.hover()


def arranged(bell_site: BellSite, bell: Bell) -> None:
    """Headings, tabs, a closed group and an open one, faces, a link in a text, the footer, the menu."""
    bell.remake("{groupBy: 'sender', inboxUrl: '/page/inbox', tabs: [{label: 'Comments', types: ['comment']}]}")
    for number, (sender, kind) in enumerate((("Eve Adams", "comment"), ("Bob", "deploy"), ("Eve Adams", "comment"))):
        for text in ("See https://shop.example/17 for more.", "+1"):
            bell_site.publisher.publish(
                f"user:{bell.recipient.name}", f"Number {number}", body=text, sender=sender, type=kind, priority="low"
            )
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


def undoing(bell_site: BellSite, bell: Bell) -> None:
    """The bar with the undo, and something that went wrong."""
    opened(bell_site, bell)
    refuse(bell, "/v1/inbox/state")
    bell.card("A normal one").first.click()
    expect(bell.page.locator(".ngb-strip")).to_be_visible()
    bell.call("bell => bell.dismiss([bell.items.newest()])")
    expect(bell.undo).to_be_visible()


def settings(bell_site: BellSite, bell: Bell) -> None:
    """The settings with a muted and a mandatory type."""
    bell.remake("{types: {a: {title: 'Security', mandatory: true}, b: {title: 'Orders'}, c: {title: 'Likes'}}}")
    bell.open()
    with bell.page.expect_response("**/v1/inbox/preferences"):
        bell.choose("Settings")
    bell.page.get_by_role("switch", name="Receive “Likes”").click()


def modal(bell_site: BellSite, bell: Bell) -> None:
    """A critical one, too long to be seen whole."""
    bell_site.publisher.publish(
        f"user:{bell.recipient.name}", "Fire", body="Leave at once. " * 200, priority="critical", action_url="/page"
    )
    expect(bell.modal).to_be_visible()


def loading(bell_site: BellSite, bell: Bell) -> None:
    """Before the first answer, with the word that the gateway can't be reached."""
    bell.call("bell => { bell.client.stop(); bell.isReady = false; bell.client.items = () => [];"
              " bell.client.state = {mode: 'waiting', retry: 50}; bell.update(); }")  # fmt: skip
    bell.open()
    expect(bell.page.locator(".ngb-skeleton")).to_be_visible()


STATES = [closed, empty, toasts, opened, arranged, undoing, settings, modal, loading]


def violations(bell: Bell, axe_script: str) -> list[str]:
    """Run axe-core and say what it found."""
    bell.page.evaluate(axe_script)
    result: dict[str, Any] = bell.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_no_violation_in_the_light_or_in_the_dark(
    bell_site: BellSite, new_device: NewDevice, axe_script: str, state: Callable[[BellSite, Bell], None]
):
    bell = bell_site.bell(new_device, bell_site.recipient(), color_scheme="light")
    state(bell_site, bell)
    for scheme in ("light", "dark"):
        bell.page.emulate_media(color_scheme=scheme)
        bell.page.evaluate(
            "dark => { document.body.style.background = dark ? '#14171f' : '#fff';"
            " document.body.style.color = dark ? '#fff' : '#000';"
            " document.querySelectorAll('body > header > a').forEach(a => { a.style.color = 'inherit'; }); }",
            scheme == "dark",
        )
        assert violations(bell, axe_script) == [], scheme


@pytest.mark.parametrize("state", [opened, arranged, settings, toasts], ids=lambda state: state.__name__)
def test_axe_finds_no_violation_from_right_to_left_on_a_small_screen(
    bell_site: BellSite, new_device: NewDevice, axe_script: str, state: Callable[[BellSite, Bell], None]
):
    bell = bell_site.bell(new_device, bell_site.recipient(), direction="rtl", viewport={"width": 380, "height": 700})
    state(bell_site, bell)
    assert violations(bell, axe_script) == []
    assert bell.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_explicit_theme_wins_over_the_systems(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient(), color_scheme="dark", attributes='data-theme="light"')
    bell.open()
    background = "getComputedStyle(document.querySelector('.ngb-panel')).backgroundColor"
    assert bell.page.evaluate(background) == "rgb(255, 255, 255)"
    bell.call("bell => bell.setTheme('dark')")
    assert bell.page.evaluate(background) == "rgb(27, 31, 43)"
    bell.page.evaluate("document.documentElement.style.setProperty('--notifygate-surface', 'rgb(1, 2, 3)')")
    assert bell.page.evaluate(background) == "rgb(1, 2, 3)"


def test_everything_can_be_done_with_the_keyboard(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Third", "Second", "First")
    bell = bell_site.bell(new_device, alice)
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


def test_the_settings_can_be_reached_and_left_with_the_keyboard(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
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


def test_tabbing_on_leaves_and_closes_the_panel(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell.button.focus()
    bell.page.keyboard.press("Enter")
    expect(bell.card("One")).to_be_focused()
    for _ in range(3):
        bell.page.keyboard.press("Tab")
    expect(bell.page.locator("#after")).to_be_focused()
    expect(bell.panel).to_be_hidden()


def test_the_focus_is_never_lost_when_the_card_under_it_goes(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("Third", "Second", "First")
    bell = bell_site.bell(new_device, alice)
    bell.button.focus()
    bell.page.keyboard.press("Enter")
    bell.page.keyboard.press("ArrowDown")
    expect(bell.card("Second")).to_be_focused()
    ids = {item["title"]: item["id"] for item in alice.inbox()["notifications"]}
    alice.session.post(f"{bell_site.url}/v1/inbox/state", json={"op": "dismiss", "ids": [ids["Second"]]})
    expect(bell.card("Third")).to_be_focused()
    alice.session.post(f"{bell_site.url}/v1/inbox/state", json={"op": "dismiss", "ids": [ids["First"], ids["Third"]]})
    expect(bell.panel).to_be_focused()


def test_focus_can_be_seen(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell.page.locator("#before").focus()
    outline = "() => { const at = getComputedStyle(document.activeElement); return at.outlineStyle + at.outlineWidth; }"
    bell.page.keyboard.press("Tab")
    bell.page.keyboard.press("Enter")
    seen: list[str] = []
    for _ in range(3):
        seen.append(bell.page.evaluate(outline))
        bell.page.keyboard.press("Tab")
    assert seen == ["solid2px"] * 3


def test_motion_is_left_out_for_those_who_want_none(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(new_device, bell_site.recipient("One"))
    bell_site.publisher.publish(f"user:{bell.recipient.name}", "Two")
    expect(bell.toasts).to_have_count(1)
    assert bell.page.evaluate("document.getAnimations().length") == 0


def test_removed_cards_fold_up_and_go_where_motion_is_wanted(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("One", "Two")
    bell = bell_site.bell(new_device, alice, reduced_motion="no-preference")
    bell.open()
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    expect(bell.page.locator(".ngb-leaving")).to_have_count(0)
    bell.expect_titles("One")


def test_from_right_to_left_everything_is_mirrored(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient("مرحبا", body="رسالة جديدة")
    bell = bell_site.bell(new_device, alice, direction="rtl")
    bell.open()
    panel, button = bell.panel.bounding_box(), bell.button.bounding_box()
    icon, text = bell.cards.locator(".ngb-icon").bounding_box(), bell.cards.locator(".ngb-main").bounding_box()
    assert panel is not None
    assert button is not None
    assert icon is not None
    assert text is not None
    assert panel["x"] <= button["x"]
    assert icon["x"] > text["x"]
    expect(bell.panel).to_have_css("direction", "rtl")


def test_the_panel_stays_in_the_window_wherever_the_bell_is(bell_site: BellSite, new_device: NewDevice):
    alice = bell_site.recipient(*[f"Number {number}" for number in range(20)])
    bell = bell_site.bell(new_device, alice)
    corners = (
        "top: 0; left: 0",
        "top: 0; right: 0",
        "bottom: 0; left: 0",
        "bottom: 0; right: 0",
        "top: 45%; left: 50%",
    )
    for place in corners:
        bell.page.evaluate(
            "place => { document.querySelector('#bell').style.cssText = 'position: fixed; ' + place; }", place
        )
        bell.open()
        box = bell.panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0, place
        assert box["y"] >= 0, place
        assert box["x"] + box["width"] <= 1000, place
        assert box["y"] + box["height"] <= 720, place
        bell.page.keyboard.press("Escape")


def test_in_a_small_window_the_panel_fills_it_and_has_a_way_out(bell_site: BellSite, new_device: NewDevice):
    bell = bell_site.bell(
        new_device, bell_site.recipient("One"), viewport={"width": 380, "height": 700}, has_touch=True, is_mobile=True
    )
    bell.button.tap()
    box = bell.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 380, "height": 700}
    # Fingers can't hover: a card has one button, which can be seen, and is large enough.
    options = bell.card("One").get_by_role("button")
    expect(options).to_have_accessible_name("More actions")
    expect(bell.card("One").locator(".ngb-actions")).to_have_css("opacity", "1")
    size = options.bounding_box()
    assert size is not None
    assert min(size["width"], size["height"]) >= 44
    options.tap()
    bell.page.get_by_role("menuitem", name="Mark as read").tap()
    expect(bell.count).to_be_hidden()
    bell.page.get_by_role("button", name="Close").tap()
    expect(bell.panel).to_be_hidden()
    expect(bell.button).to_have_attribute("aria-expanded", re.compile("false"))

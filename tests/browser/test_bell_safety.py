"""Safety of the bell: hostile notifications, the content security policy, old engines."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Request, Route, expect

import notifygate
from tests.browser.bell_site import Bells, box_of
from tests.browser.front import Answer, Front
from tests.browser.tab import CLIENT, OLD_ENGINE
from tests.support.front import tls_context

WEB = Path(notifygate.__file__).parent / "web"
BELL = "/static/notifygate/notifygate-bell.js"
SCRIPTS = [WEB / "static" / "notifygate-bell.js", WEB / "demo" / "demo.js"]

RIGHT_TO_LEFT = "Invoice \u202egpj.exe\u202c and \u2067more"
OVERRIDES = re.compile("[\u202d\u202e]")
"""Characters that reverse the direction of text: the bell leaves them out."""

EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈" * 40
SHOP = "<!doctype html><html lang=en><meta charset=utf-8><title>Shop</title><body>{}"

MARKUP = "<img src=x onerror=\"document.title='harmed'\"><script>document.title='harmed'</script>"
ENDLESS = "W" * 4000

HOSTILE: list[dict[str, Any]] = [
    {"title": MARKUP, "body": MARKUP * 20, "sender": MARKUP[:100]},
    {"title": "W" * 200, "body": ENDLESS, "sender": "W" * 100},
    {"title": RIGHT_TO_LEFT, "body": RIGHT_TO_LEFT, "sender": "\u202eretlahctuN"},
    {"title": EMOJI[:200], "body": EMOJI, "sender": "👾" * 20, "icon": "👾"},
    {"title": "Line\u200bless", "body": "\n" * 3990 + "x", "sender": "\u0301" * 90},
    {"title": "constructor", "type": "constructor", "icon": "__proto__", "sender": "hasOwnProperty"},
    {"title": "&lt;b&gt; %s ${x} {title}", "body": "{n} {{ 7 * 7 }}", "type": "__proto__"},
    {"title": "Tracker", "icon": "https://tracker.example/pixel.png"},
]


@pytest.mark.parametrize("priority", ["normal", "critical"])
def test_hostile_notifications_do_no_harm(bells: Bells, priority: str):
    bell = bells.open()
    for fields in HOSTILE:
        bell.publish(priority=priority, **fields)
        if priority == "critical":
            expect(bell.modal.locator(".ngb-modal-title")).to_have_text(OVERRIDES.sub("", fields["title"]))
            box = box_of(bell.modal)
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 720
            assert bell.page.evaluate(FITS, ".ngb-modal *") == []
            bell.page.get_by_role("button", name="Acknowledge").click()
            expect(bell.modal).to_have_count(0)
        else:
            title = bell.toasts.first.locator(".ngb-title")
            expect(title).to_have_text(OVERRIDES.sub("", fields["title"]))
            assert bell.page.evaluate(FITS, ".ngb-toast *") == []
    bell.open()
    expect(bell.cards).to_have_count(len(HOSTILE))
    for number, fields in enumerate(reversed(HOSTILE)):
        card = bell.cards.nth(number)
        assert card.locator(".ngb-title").text_content() == OVERRIDES.sub("", fields["title"])
        assert card.locator(".ngb-body").text_content() == OVERRIDES.sub("", fields.get("body", ""))
        height = box_of(card)
        assert height["height"] < 180, fields["title"]
    assert bell.page.evaluate(FITS, ".ngb-card *") == []
    bell.choose("Settings")
    expect(bell.page.locator(".ngb-type-title")).to_have_count(3)
    assert bell.page.evaluate(FITS, ".ngb-settings *") == []
    expect(bell.page).to_have_title(re.compile(r"Orders$"))
    assert bell.page.evaluate("document.querySelectorAll('.ngb script, .ngb img, .ngb iframe').length") == 0
    assert "\u202e" not in (bell.page.locator(".ngb-announcer").text_content() or "")
    assert bell.page.evaluate("window.violations") == []


FITS = """selector => Array.from(document.querySelectorAll(selector)).filter(node => {
  const box = node.getBoundingClientRect();
  const around = node.closest('.ngb-card, .ngb-toast, .ngb-modal, .ngb-settings').getBoundingClientRect();
  const sticksOut = box.left < around.left - 1 || box.right > around.right + 1;
  return box.width && sticksOut && !node.closest('.ngb-hidden, .ngb-icon');
}).map(node => node.outerHTML.slice(0, 120))"""
"""Returns the elements that stick out of their box to the left or right."""


SAFE_URLS = ["https://example.com/a?b#c", "HTTP://example.com", "/orders/17", "/"]
UNSAFE_URLS = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "https://",
    "https:\\\\evil.example",
    "https://example.com/\u0000",
    "orders/17",
    "",
    "/" + "a" * 2000,
]


def test_only_safe_links_are_followed(bells: Bells):
    page = bells.open().page
    followed = page.evaluate("urls => urls.filter(url => NotifygateBell.isSafeUrl(url))", SAFE_URLS + UNSAFE_URLS)
    assert followed == SAFE_URLS


def test_an_unsafe_link_that_the_gateway_accepted_is_not_a_link(bells: Bells):
    alice = bells.recipient("Bait", action_url="/page/fine")
    device = bells.new_device()
    device.context.route(
        re.compile(r"/v1/inbox(\?(?!.*cursor).*)?$"),  # the snapshot
        lambda route: route.fulfill(body=route.fetch().text().replace("/page/fine", "javascript:document.title=1")),
    )
    bell = bells.open(recipient=alice, device=device)
    bell.open()
    expect(bell.card("Bait")).to_be_visible()
    assert bell.card("Bait").locator("a").count() == 0


PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'


@pytest.fixture
def shop_and_cdn(bells: Bells, tmp_path: Path) -> Iterator[tuple[Front, Front]]:
    """A site of an embedding page, and a server of pictures on another origin; both use TLS."""
    fronts = [Front(bells.site.url, tls_context(tmp_path)[0]) for _ in range(2)]
    for front in fronts:
        front.pages["/picture.svg"] = Answer(200, PICTURE, "image/svg+xml", allows_any_origin=True)
    yield fronts[0], fronts[1]
    for front in fronts:
        front.close()


@pytest.mark.parametrize("named", ["none", "the page's own", "another"])
def test_icons_are_requested_only_from_origins_that_the_page_names(
    named: str, shop_and_cdn: tuple[Front, Front], bells: Bells
):
    shop, cdn = shop_and_cdn
    named_origin = {"none": "", "the page's own": shop.url, "another": cdn.url}[named]
    alice = bells.recipient()
    for front in (shop, cdn):
        bells.publish(alice, "A picture", icon=f"{front.url}/picture.svg")
    device = bells.new_device(ignore_https_errors=True)
    device.context.add_cookies(
        [{"name": "session", "value": "secret", "domain": "127.0.0.1", "path": "/", "secure": True}]
    )
    requests: list[Request] = []
    device.context.on("request", lambda request: requests.append(request))
    page = device.open(
        shop.page(
            "/shop",
            f"<div id=bell></div><script src='{CLIENT}'></script><script src='{BELL}'></script>"
            f"<script>var bell = new NotifygateBell('#bell', {{token: '{alice.token}',"
            f" iconOrigins: ['{named_origin}']}});</script>",
        )
    )
    page.locator(".ngb-button").click()
    expect(page.locator(".ngb-card .ngb-icon > *")).to_have_count(2)
    pictures = [request for request in requests if request.resource_type == "image" and "picture" in request.url]
    if named == "none":
        assert pictures == []
        return
    (picture,) = pictures
    assert picture.url == f"{named_origin}/picture.svg"
    expect(page.locator(".ngb-picture")).to_have_js_property("naturalWidth", 10)
    # For the browser, all ports of a host are one site: only `crossorigin` prevents the cookie.
    assert ("cookie" in picture.all_headers()) is (named == "the page's own")


def test_icon_urls_that_only_resemble_a_named_origin_are_refused(bells: Bells):
    urls = ["https://cdn.example/a.png", "https://cdn.example.evil/a.png", "http://cdn.example/a.png",
            "https://cdn.example@evil/a.png", "//cdn.example/a.png"]  # fmt: skip
    alice = bells.recipient()
    for number in range(len(urls)):
        bells.publish(alice, "A picture", type=f"t{number}")
    types = {f"t{number}": {"icon": url} for number, url in enumerate(urls)}  # the gateway would refuse most of them
    device = bells.new_device()
    requested: list[str] = []

    def serve(route: Route) -> None:
        requested.append(route.request.url)
        route.fulfill(body=PICTURE, content_type="image/svg+xml", headers={"Access-Control-Allow-Origin": "*"})

    device.context.route(re.compile(r"^https?://[^/]*(cdn|evil)"), serve)
    html = (
        f"<div id=bell></div><script src='{CLIENT}'></script><script src='{BELL}'></script><script>"
        f"new NotifygateBell('#bell', {{token: '{alice.token}', types: {json.dumps(types)},"
        " iconOrigins: ['https://cdn.example', 'http://cdn.example']});</script>"
    )
    page_url = f"{bells.site.url}/shop"
    device.context.route(page_url, lambda route: route.fulfill(body=SHOP.format(html), content_type="text/html"))
    device.context.route("**/favicon.ico", lambda route: route.fulfill(body=""))
    page = device.open(page_url)
    page.locator(".ngb-button").click()
    expect(page.locator(".ngb-card .ngb-icon > *")).to_have_count(len(urls))
    expect(page.locator(".ngb-picture")).to_have_js_property("complete", True)
    assert requested == ["https://cdn.example/a.png"]


def test_a_policy_without_inline_styles_and_scripts_is_kept(bells: Bells):
    bell = bells.open("One", body="word " * 100, reduced_motion="no-preference")
    bell.publish("Two", priority="high")
    expect(bell.toasts).to_have_count(1)
    bell.open()
    bell.card("One").get_by_role("button", name="Show more").click()
    bell.card("Two").hover()
    bell.card("Two").get_by_role("button", name="Archive").click()
    bell.choose("Settings")
    bell.publish("Three", priority="critical")
    expect(bell.modal).to_be_visible()
    assert bell.page.evaluate("window.violations") == []
    assert bell.page.evaluate("document.styleSheets.length") == 1
    # The style sheet has its effect.
    expect(bell.page.locator(".ngb-overlay")).to_have_css("position", "fixed")


def test_every_action_works_in_an_old_engine(bells: Bells):
    bell = bells.open("One", "Two", init_script=OLD_ENGINE, await_snapshot=False)
    expect(bell.count).to_have_text("2")
    bell.publish("Three", body="word " * 100)
    expect(bell.toasts).to_have_count(1)
    bell.open()
    bell.expect_titles("Three", "Two", "One")
    bell.card("Two").click()
    expect(bell.count).to_have_text("2")
    bell.card("One").hover()
    bell.card("One").get_by_role("button", name="Archive").click()
    bell.undo.get_by_role("button", name="Undo").click()
    bell.filter("Unread").click()
    bell.expect_titles("Three", "One")
    bell.choose("Settings")
    bell.page.get_by_role("switch", name="Receive “General”").click()
    expect(bell.count).to_be_hidden()
    bell.publish("Four", priority="critical", type="fire")
    bell.page.get_by_role("button", name="Acknowledge").click(timeout=30_000)
    expect(bell.modal).to_have_count(0)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_script_uses_no_function_that_turns_text_into_markup_or_code(script: Path):
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", script.read_text(encoding="utf-8"), flags=re.DOTALL)
    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert name not in source, name


@pytest.mark.parametrize("document", ["README.md", "docs/bell.md"])
def test_a_page_needs_two_script_tags_and_no_more(bells: Bells, document: str):
    text = (WEB.parents[1] / document).read_text(encoding="utf-8").partition("n two script tags\n")[2]
    snippet = text.partition("```html\n")[2].partition("```")[0].replace("https://gate.example", bells.site.url)
    alice = bells.recipient("One")
    device = bells.new_device()
    page_url = f"{bells.site.url}/shop"
    device.context.route(page_url, lambda route: route.fulfill(body=SHOP.format(snippet), content_type="text/html"))
    device.context.route("**/my/notification-token", lambda route: route.fulfill(json={"token": alice.token}))
    device.context.route("**/favicon.ico", lambda route: route.fulfill(body=""))
    page = device.open(page_url)
    expect(page.locator(".ngb-count")).to_have_text("1")
    sheets = page.evaluate("Array.from(document.querySelectorAll('link')).map(link => new URL(link.href).pathname)")
    assert sheets == ["/static/notifygate/notifygate-bell.css"]
    expect(page.locator(".ngb-panel")).to_have_css("position", "fixed")


def test_a_page_can_get_the_token_from_its_own_server(bells: Bells):
    alice = bells.recipient("One")
    device = bells.new_device()
    answers = iter([503, 200])

    def give(route: Any) -> None:
        route.fulfill(status=next(answers, 200), json={"token": alice.token})

    device.context.route("**/my/token", give)
    device.expects_network_errors = True
    bell = bells.open(
        recipient=replace(alice, token=""),
        device=device,
        attributes='data-token-url="/my/token"',
        await_snapshot=False,
    )
    bell.call("bell => bell.client.start()")
    expect(bell.count).to_have_text("1")


def test_several_bells_may_be_in_a_page(bells: Bells):
    bell = bells.open("One")
    bell.page.evaluate("""() => {
      const node = document.body.appendChild(document.createElement('div'));
      node.id = 'second';
      window.second = new NotifygateBell('#second', {client: document.querySelector('#bell').notifygateBell.client});
    }""")
    expect(bell.page.locator("#second .ngb-count")).to_have_text("1")
    bell.publish("Two")
    expect(bell.page.locator("#second .ngb-count")).to_have_text("2")
    expect(bell.toasts).to_have_count(1)  # not one per bell
    expect(bell.page).to_have_title("(2) Orders")
    bell.page.locator("#second .ngb-button").click()
    expect(bell.page.locator("#second .ngb-card")).to_have_count(2)
    bell.page.locator("#second .ngb-card").first.click()
    expect(bell.page.locator("#bell .ngb-count")).to_have_text("1")


def test_the_manual_names_every_option_property_and_icon(bells: Bells):
    manual = (WEB.parents[1] / "docs" / "bell.md").read_text(encoding="utf-8")
    styles = (WEB / "static" / "notifygate-bell.css").read_text(encoding="utf-8")
    in_styles = set(re.findall(r"var\((--notifygate-[\w-]+)", styles))
    assert set(re.findall(r"^\| `(--notifygate-[\w-]+)`", manual, re.MULTILINE)) == in_styles

    # The script's own types: it can't read an option that is not among them.
    types = (WEB / "static" / "notifygate-bell.d.ts").read_text(encoding="utf-8")
    options = re.findall(r"^        (\w+)\?:", types.split("interface Options {")[1].split("\n    }")[0], re.MULTILINE)
    first_cells = re.findall(r"^\| (`.+?) \|", section(manual, "## Options"), re.MULTILINE)
    assert {name for cell in first_cells for name in re.findall(r"\w+", cell)} == set(options)

    icons = bells.open().page.evaluate("Object.keys(NotifygateBell.icons)")
    named = section(manual, "## Icons").split("an emoji, or an https URL:")[1].split("Where there is none")[0]
    own = {"archive", "back", "check", "close", "dots", "gear", "go", "up"}
    assert set(re.findall(r"`(\w+)`", named)) == set(icons) - own


def section(manual: str, heading: str) -> str:
    """Return the section below a heading of the manual."""
    return manual.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]

"""The demo page, as a visitor uses it: two recipients' screens, and faults on the way. Without the setting there is no
demo."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.bell_site import WATCH_POLICY, BellSite
from tests.browser.conftest import Axe
from tests.support.browser import Device, NewDevice
from tests.support.site import Site, running_site, worker_pids

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BellSite]:
    """A gateway with the demo, whose recipients are these tests' alone."""
    with running_site(tmp_path_factory.mktemp("demo"), DEMO=1) as site:
        yield BellSite(site)


class Screen:
    """A recipient's screen on the demo page."""

    def __init__(self, page: Page, person: str) -> None:
        self.device = page.locator(f"[data-person={person}]")
        self.frame: FrameLocator = self.device.frame_locator("iframe")
        self.cards = self.frame.locator(".ngb-card")
        self.doing = self.device.locator(".doing")
        self.ledger = self.device.locator(".ledger")

    def button(self, name: str) -> Any:
        return self.device.get_by_role("button", name=name)


class Demo:
    """The demo page, with both bells open."""

    def __init__(self, page: Page, device: Device) -> None:
        self.page = page
        self.device = device
        self.alice, self.bob = Screen(page, "alice"), Screen(page, "bob")
        self.outcome = page.locator("#outcome")
        for screen in (self.alice, self.bob):
            expect(screen.frame.locator(".ngb-panel")).to_be_visible()
            expect(screen.doing).to_contain_text("Waiting for news")

    def choose(self, example: str) -> None:
        """Fill the form with an example."""
        self.page.get_by_role("button", name=example, exact=True).click()

    def fill(self, **values: str) -> None:
        """Fill fields, by their ids."""
        for name, value in values.items():
            self.page.locator(f"#{name}").fill(value)

    def publish(self) -> None:
        """Send the form and wait for its confirmation."""
        self.page.get_by_role("button", name="Publish", exact=True).click()
        expect(self.outcome).to_have_text("Published.")


@pytest.fixture
def demo(demo_site: BellSite, new_device: NewDevice) -> Demo:
    """The demo page on a new device."""
    device = new_device(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    device.context.add_init_script(WATCH_POLICY)
    return Demo(device.open(f"{demo_site.url}/demo"), device)


def test_the_demo_exists_only_with_its_setting(site: Site):
    for method, path in (("GET", ""), ("GET", "/demo.js"), ("POST", "/login"), ("POST", "/restart")):
        assert requests.request(method, f"{site.url}/demo{path}", json={}, timeout=10).status_code == 404, path


def test_make_demo_starts_the_gateway_with_the_demo():
    # Under another make it would inherit that one's flags.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--dry-run", "demo"], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "NOTIFYGATE_DEMO=1 exec .venv/bin/notifygate serve"


def test_log_in_gives_a_token_and_a_key_that_publishes_and_no_more(demo_site: BellSite):
    def log_in(person: str) -> dict[str, Any]:
        return requests.post(f"{demo_site.url}/demo/login", json={"person": person}, timeout=10).json()

    alice = log_in("alice")
    inbox = requests.get(f"{demo_site.url}/v1/inbox", headers={"Authorization": f"Bearer {alice['token']}"}, timeout=10)
    assert inbox.status_code == 200
    types = requests.get(f"{demo_site.url}/v1/types", headers={"Authorization": f"Bearer {alice['key']}"}, timeout=10)
    assert types.status_code == 403
    assert log_in("bob")["key"] == alice["key"]  # one key for all until it is half way to its end


@pytest.mark.parametrize(
    ("path", "body", "media_type", "status"),
    [
        ("login", '{"person": "mallory"}', "application/json", 400),
        ("login", '{"person": "alice", "roles": ["admin"]}', "application/json", 400),
        ("login", '{"person": "alice"}', "text/plain", 415),
        ("login", "person=alice", "application/x-www-form-urlencoded", 415),
        ("restart", "{}", "text/plain", 415),
        ("restart", '{"signal": 9}', "application/json", 400),
    ],
)
def test_requests_that_no_script_of_the_page_sends_are_refused(
    demo_site: BellSite, path: str, body: str, media_type: str, status: int
):
    answer = requests.post(f"{demo_site.url}/demo/{path}", data=body, headers={"Content-Type": media_type}, timeout=10)
    assert answer.status_code == status


def test_first_screen_shows_two_inboxes_with_notifications(demo: Demo):
    for screen in (demo.alice, demo.bob):
        expect(screen.cards).to_have_count(3)
    assert demo.page.evaluate("window.violations") == []
    demo.page.reload()
    expect(demo.alice.cards).to_have_count(3)  # published only once


def test_a_publication_arrives_at_its_recipient_alone(demo: Demo):
    demo.choose("Comment")
    demo.fill(to="user:bob", title="Lunch?")
    demo.publish()
    expect(demo.bob.cards.first).to_contain_text("Lunch?")
    expect(demo.bob.ledger).to_have_text("1 published, 1 arrived: none missing, none twice")
    expect(demo.alice.ledger).to_have_text("Nothing published yet")
    expect(demo.page.get_by_role("list", name="What it did")).to_contain_text("Alice is not addressed.")
    expect(demo.page.get_by_role("list", name="What it did")).to_contain_text(re.compile(r"On Bob’s screen \d"))


def test_every_field_is_sent_and_is_in_the_curl_line(demo: Demo, demo_site: BellSite):
    demo.page.get_by_text("Body, priority and the other fields").click()
    demo.fill(
        to="user:alice, role:support",
        title="It's here",
        body="Line one\nline 'two'",
        type="orders",
        sender="Shop",
        icon="package",
        action_url="/demo#order",
        ttl="3600",
        idempotency="order-17's",
        data='{"order": 17}',
    )
    demo.page.get_by_text("High", exact=True).click()
    with demo.page.expect_request("**/v1/notifications") as sent:
        demo.publish()
    body = {
        "to": ["user:alice", "role:support"],
        "type": "orders",
        "title": "It's here",
        "body": "Line one\nline 'two'",
        "priority": "high",
        "sender": "Shop",
        "icon": "package",
        "action_url": "/demo#order",
        "data": {"order": 17},
        "ttl": 3600,
    }
    assert sent.value.post_data_json == body
    expect(demo.alice.cards.first).to_contain_text("It's here")

    command = demo.page.locator("#curl").text_content() or ""
    assert demo_site.url in command
    arguments = shlex.split(command.split("\n", 1)[1])
    assert json.loads(arguments[arguments.index("-d") + 1]) == body
    assert "Idempotency-Key: order-17's" in arguments
    key = sent.value.headers["authorization"].removeprefix("Bearer ")
    assert key not in command  # so that it can't be read from the screen
    assert command.startswith(f"KEY={key[:9]}")
    done = subprocess.run(
        ["bash", "-c", command.replace(f"KEY={key[:9]}…", f"KEY={key}")], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["priority"] == "high"
    # The same Idempotency-Key, the same request: nothing is published again.
    demo.page.get_by_role("button", name="Publish", exact=True).click()
    expect(demo.outcome).to_have_text(re.compile("nothing was sent twice"))
    expect(demo.alice.ledger).to_have_text("1 published, 1 arrived: none missing, none twice")


def test_a_refusal_of_the_gateway_is_shown_at_its_field(demo: Demo):
    demo.device.expects_network_errors = True
    demo.fill(to="alice")
    with demo.page.expect_response("**/v1/notifications"):
        demo.page.get_by_role("button", name="Publish", exact=True).click()
    expect(demo.page.locator(".problem")).to_have_text("must be user:<id>, role:<name>, topic:<name> or all")
    expect(demo.page.get_by_label("To", exact=True)).to_be_focused()
    demo.page.get_by_text("Body, priority and the other fields").click()
    demo.fill(data="{")
    demo.page.get_by_role("button", name="Publish", exact=True).click()
    expect(demo.page.locator(".problem")).to_have_text("is not JSON")


def test_nothing_is_missing_after_the_network_was_cut(demo: Demo):
    demo.bob.button("Cut the network").click()
    expect(demo.bob.doing).to_contain_text("Offline")
    demo.page.get_by_role("button", name="Send ten").click()
    expect(demo.alice.ledger).to_have_text("10 published, 10 arrived: none missing, none twice")
    expect(demo.bob.ledger).to_have_text("10 published, 0 arrived, 10 on the way")
    demo.bob.button("Cut the network").click()
    expect(demo.bob.ledger).to_have_text("10 published, 10 arrived: none missing, none twice")
    expect(demo.bob.doing).to_contain_text("Waiting for news")


def test_nothing_is_missing_on_2g(demo: Demo):
    demo.alice.button("Throttle to 2G").click()
    demo.choose("Meeting")
    demo.publish()
    expect(demo.bob.ledger).to_have_text("1 published, 1 arrived: none missing, none twice")
    expect(demo.alice.ledger).to_have_text("1 published, 1 arrived: none missing, none twice")
    arrived = [
        demo.page.evaluate("person => Object.values(demo.device(person).firstAt).sort().pop()", person)
        for person in ("alice", "bob")
    ]
    assert arrived[0] - arrived[1] > 500, "the slow one was later by half a round trip at least"


def test_nothing_is_missing_after_a_restart_of_the_gateway(demo: Demo, demo_site: BellSite):
    demo.device.expects_network_errors = True
    before = worker_pids(demo_site.site.gateways[0])
    demo.page.get_by_role("button", name="Restart the gateway").click()
    demo.page.get_by_role("button", name="Send ten").click()
    expect(demo.outcome).to_have_text("Ten published.")
    for screen in (demo.alice, demo.bob):
        expect(screen.ledger).to_have_text("10 published, 10 arrived: none missing, none twice")
    demo.page.wait_for_function("() => !document.querySelector('#restart').disabled")
    demo_site.site.await_workers()
    expect(demo.alice.doing).to_contain_text("Waiting for news")
    while set(worker_pids(demo_site.site.gateways[0])) & set(before):
        demo.page.wait_for_timeout(100)  # until the old worker has ended
    demo.page.get_by_role("button", name="Send ten").click()
    for screen in (demo.alice, demo.bob):
        expect(screen.ledger).to_have_text("20 published, 20 arrived: none missing, none twice")


def test_language_and_theme_can_be_changed(demo: Demo):
    demo.page.get_by_label("Theme").select_option("Dark")
    expect(demo.page.locator("body")).to_have_css("background-color", "rgb(15, 18, 27)")
    demo.page.get_by_label("Language of the bells").select_option("Deutsch")
    panel = demo.bob.frame.get_by_role("dialog", name="Benachrichtigungen")
    expect(panel).to_have_css("background-color", "rgb(27, 31, 43)")


def test_axe_finds_no_violation_in_the_demo(demo: Demo, axe: Axe) -> None:
    demo.choose("Deployment")
    demo.publish()
    demo.page.locator("#more").evaluate("node => { node.open = true; }")
    demo.bob.button("Cut the network").click()
    expect(demo.bob.doing).to_contain_text("Offline")
    for scheme, background in (("light", "rgb(238, 241, 247)"), ("dark", "rgb(15, 18, 27)")):
        demo.page.emulate_media(color_scheme=scheme)
        expect(demo.page.locator("body")).to_have_css("background-color", background)
        assert axe(demo.page) == [], scheme
    assert demo.page.evaluate("window.violations") == []


def test_one_recipients_screen_is_a_page_of_its_own(demo_site: BellSite, new_device: NewDevice):
    page = new_device(reduced_motion="reduce").open(f"{demo_site.url}/demo/device?as=bob")
    expect(page.locator("#name")).to_have_text("Bob Okafor")
    page.locator(".ngb-button").click()
    expect(page.locator(".ngb-panel")).to_be_visible()


def test_the_demo_fits_a_window(demo: Demo):
    for width in (360, 820, 1000):
        demo.page.set_viewport_size({"width": width, "height": 740})
        assert demo.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width

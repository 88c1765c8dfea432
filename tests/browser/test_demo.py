"""The demo page, as a visitor uses it; and that it isn't there unless it is asked for."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.bell_site import WATCH_POLICY, BellSite
from tests.support.browser import Device, NewDevice
from tests.support.site import Site

REPOSITORY = Path(__file__).resolve().parents[2]


def enter(
    bell_site: BellSite, new_device: NewDevice, person: str, device: Device | None = None, **context: Any
) -> Page:
    """Open the demo on a new device, or in another tab, as one of its people."""
    if device is None:
        device = new_device(**{"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}, **context})
        device.context.add_init_script(WATCH_POLICY)
    page = device.open(f"{bell_site.url}/demo")
    page.locator(f"[data-person={person}]").click()
    expect(page.locator("#live-mode")).to_have_text("Long poll")
    return page


def choose(page: Page, example: str) -> None:
    """Fill the form with an example."""
    page.get_by_role("button", name=example, exact=True).click()


def publish(page: Page) -> None:
    """Send the form and wait for the word that it was taken."""
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#outcome")).to_have_text("Published.")


def test_it_is_only_there_when_the_setting_says_so(site: Site):
    assert requests.get(f"{site.url}/demo", timeout=10).status_code == 404
    assert requests.get(f"{site.url}/demo/demo.js", timeout=10).status_code == 404
    assert requests.post(f"{site.url}/demo/login", json={"person": "alice"}, timeout=10).status_code == 404


def test_make_demo_starts_the_gateway_with_it():
    # Below another make it would take that one's flags over.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--dry-run", "demo"], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "NOTIFYGATE_DEMO=1 exec .venv/bin/notifygate serve"


def test_who_logs_in_gets_a_token_and_a_key_of_their_own_reach(bell_site: BellSite):
    def log_in(person: str) -> dict[str, Any]:
        return requests.post(f"{bell_site.url}/demo/login", json={"person": person}, timeout=10).json()

    alice, admin = log_in("alice"), log_in("admin")
    inbox = requests.get(f"{bell_site.url}/v1/inbox", headers={"Authorization": f"Bearer {alice['token']}"}, timeout=10)
    assert inbox.status_code == 200
    statuses = [
        requests.get(f"{bell_site.url}/v1/types", headers={"Authorization": f"Bearer {key}"}, timeout=10).status_code
        for key in (alice["key"], admin["key"])
    ]
    assert statuses == [403, 200]
    assert log_in("alice")["key"] == alice["key"]  # one key for all until it is half way to its end


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ('{"person": "mallory"}', "application/json", 400),
        ('{"person": "alice", "roles": ["admin"]}', "application/json", 400),
        ('{"person": "alice"}', "text/plain", 415),
        ("person=alice", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_log_in_has_to_be_right(bell_site: BellSite, body: str, media_type: str, status: int):
    answer = requests.post(f"{bell_site.url}/demo/login", data=body, headers={"Content-Type": media_type}, timeout=10)
    assert answer.status_code == status


def test_two_people_write_to_each_other(bell_site: BellSite, new_device: NewDevice):
    alice = enter(bell_site, new_device, "alice")
    bob = enter(bell_site, new_device, "bob")
    choose(alice, "Comment")
    alice.get_by_label("To", exact=True).fill("user:bob")
    alice.get_by_label("Title").fill("Lunch?")
    publish(alice)
    expect(bob.locator(".ngb-toast")).to_contain_text("Lunch?")
    expect(bob.locator(".ngb-count")).to_have_text("1")
    expect(alice.locator(".ngb-count")).to_be_hidden()


def test_every_field_is_sent_and_the_curl_line_says_the_same(bell_site: BellSite, new_device: NewDevice):
    page = enter(bell_site, new_device, "alice")
    values = {
        "To": "user:alice, role:support",
        "Title": "It's here",
        "Body": "Line one\nline 'two'",
        "Type": "orders",
        "Sender": "Shop",
    }
    for label, value in values.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_text("High", exact=True).click()
    page.get_by_text("Icon, link, data, time to live").click()
    more = {
        "Icon": "package",
        "Action URL": "/demo#order",
        "Time to live, seconds": "3600",
        "Idempotency-Key": "order-17's",
        "Data, a JSON object": '{"order": 17}',
    }
    for label, value in more.items():
        page.get_by_label(label, exact=True).fill(value)
    with page.expect_request("**/v1/notifications") as sent:
        publish(page)
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
    expect(page.locator(".ngb-toast")).to_contain_text("It's here")

    command = page.locator("#curl").text_content() or ""
    assert bell_site.url in command
    arguments = shlex.split(command.split("\n", 1)[1])
    assert json.loads(arguments[arguments.index("-d") + 1]) == body
    assert "Idempotency-Key: order-17's" in arguments
    key = sent.value.headers["authorization"].removeprefix("Bearer ")
    assert key not in command  # nothing to read off a screen
    assert command.startswith(f"KEY={key[:9]}")
    done = subprocess.run(
        ["bash", "-c", command.replace(f"KEY={key[:9]}…", f"KEY={key}")], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["priority"] == "high"
    # The same Idempotency-Key, the same request: nothing came twice.
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#outcome")).to_have_text(re.compile("nothing was sent twice"))


def test_what_the_gateway_refuses_is_said_at_its_field(bell_site: BellSite, new_device: NewDevice):
    device = new_device(reduced_motion="reduce")
    device.expects_network_errors = True
    page = enter(bell_site, new_device, "alice", device)
    choose(page, "Comment")
    page.get_by_label("To", exact=True).fill("alice")
    with page.expect_response("**/v1/notifications"):
        page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".problem")).to_have_text("must be user:<id>, role:<name>, topic:<name> or all")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    page.get_by_text("Icon, link, data, time to live").click()
    page.get_by_label("Data, a JSON object").fill("{")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".problem")).to_have_text("is not JSON")


def test_the_live_line_says_what_the_client_does(bell_site: BellSite, new_device: NewDevice):
    page = enter(bell_site, new_device, "admin")
    expect(page.locator("#live-hold")).to_have_text(re.compile(r"\d+ of 55 s"))
    expect(page.locator("#live-limit")).to_have_text("none found")
    expect(page.locator("#live-leader")).to_have_text("polls for all")
    before = int(page.locator("#live-requests").text_content() or "")
    choose(page, "Invoice")
    publish(page)
    expect(page.locator(".ngb-count")).to_have_text("1")
    page.wait_for_function(
        "before => Number(document.querySelector('#live-requests').textContent) > before", arg=before
    )
    assert re.search(r"\d", page.locator("#live-bytes").text_content() or "")
    page.context.set_offline(True)
    expect(page.locator("#live-mode")).to_have_text("Offline")
    page.context.set_offline(False)
    expect(page.locator("#live-mode")).to_have_text("Long poll")


def test_topics_can_be_followed(bell_site: BellSite, new_device: NewDevice):
    page = enter(bell_site, new_device, "bob")
    topic = page.get_by_role("button", name="deploys")
    expect(topic).to_have_attribute("aria-pressed", "false")
    topic.click()
    expect(topic).to_have_attribute("aria-pressed", "true")
    choose(page, "Deployment")
    page.get_by_label("To", exact=True).fill("topic:deploys")
    publish(page)
    expect(page.locator(".ngb-toast")).to_contain_text("web-frontend")
    topic.click()
    expect(topic).to_have_attribute("aria-pressed", "false")


def test_a_reload_stays_logged_in_and_switching_does_not(bell_site: BellSite, new_device: NewDevice):
    page = enter(bell_site, new_device, "bob")
    page.reload()
    expect(page.locator("#me-name")).to_have_text("Bob Okafor")
    page.get_by_role("button", name="Switch").click()
    expect(page.locator("[data-person=alice]")).to_be_focused()
    expect(page.locator("#app")).to_be_hidden()
    page.locator("[data-person=admin]").click()
    expect(page.locator("#me-name")).to_have_text("Dana Weiss")
    expect(page.locator(".ngb-button")).to_have_count(1)


def test_language_and_theme_can_be_changed(bell_site: BellSite, new_device: NewDevice):
    page = enter(bell_site, new_device, "admin", color_scheme="light")
    page.get_by_label("Theme").select_option("Dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 18, 27)")
    page.get_by_label("Language of the bell").select_option("Deutsch")
    page.locator(".ngb-button").click()
    expect(page.get_by_role("dialog", name="Benachrichtigungen")).to_have_css("background-color", "rgb(27, 31, 43)")


def test_axe_finds_no_violation_in_the_demo(bell_site: BellSite, new_device: NewDevice, axe_script: str):
    device = new_device(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    device.context.add_init_script(WATCH_POLICY)
    page = device.open(f"{bell_site.url}/demo")

    def expect_none() -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert found(page, axe_script) == [], scheme

    expect(page.locator("#login")).to_be_visible()
    expect_none()
    page.locator("[data-person=alice]").click()
    expect(page.locator("#live-mode")).to_have_text("Long poll")
    choose(page, "Deployment")
    publish(page)
    page.locator("#more").evaluate("node => { node.open = true; }")
    expect(page.locator(".ngb-toast")).to_be_visible()
    expect_none()
    assert page.evaluate("window.violations") == []


def found(page: Page, axe_script: str) -> list[str]:
    """Run axe-core and say what it found."""
    page.evaluate(axe_script)
    rules = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}" for rule in rules for node in rule["nodes"]]


def test_the_demo_fits_a_phone(bell_site: BellSite, new_device: NewDevice):
    page = enter(bell_site, new_device, "alice", viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

"""The wrappers for React, Vue, Svelte, Angular and custom elements, in the example applications of clients/js/examples/.

All examples are the same page, so that one test checks each wrapper. That their packages are sound, and that
they load on a server, is checked by `make client-packages-check`.
"""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.bell_site import BellSite
from tests.browser.examples import NAMES, Examples
from tests.browser.node_tools import BUILD_SECONDS
from tests.support.site import eventually

pytestmark = pytest.mark.timeout(BUILD_SECONDS + 60)
in_each = pytest.mark.parametrize("name", NAMES)


@in_each
def test_page_and_bell_share_one_client(name: str, bell_site: BellSite, examples: Examples) -> None:
    """Also in development, where React's StrictMode mounts everything twice."""
    recipient = bell_site.recipient("first", "second")
    example = examples.open(name, recipient)
    example.expect_inbox("second", "first", unread=2)
    example.until(lambda: example.holds, "a hold")
    bell_site.publisher.publish(f"user:{recipient.name}", "third")
    example.expect_inbox("third", "second", "first", unread=3)
    example.until(lambda: len(example.holds) == 2, "the next hold")
    assert len(example.polls) == 3, "a snapshot and two holds"
    assert example.page.evaluate("window.violations") == []


@in_each
def test_a_mark_as_read_shows_in_all_parts_at_once(name: str, bell_site: BellSite, examples: Examples) -> None:
    recipient = bell_site.recipient("first", "second", "third")
    example = examples.open(name, recipient)
    example.expect_inbox("third", "second", "first", unread=3)
    example.items.nth(1).get_by_role("button", name="Mark as read").click()
    example.expect_inbox("third", "second", "first", unread=2)
    expect(example.items.nth(1)).not_to_have_class("unread")
    expect(example.items.nth(0)).to_have_class("unread")
    assert [one["title"] for one in recipient.inbox()["notifications"] if one["read_at"]] == ["second"]
    example.mark_all.click()
    example.expect_inbox("third", "second", "first", unread=0)
    eventually(lambda: recipient.inbox()["unread"] == 0, "the gateway has the change")


@in_each
def test_unmounting_ends_the_hold_and_mounting_polls_again(name: str, bell_site: BellSite, examples: Examples) -> None:
    recipient = bell_site.recipient("before")
    example = examples.open(name, recipient)
    example.until(lambda: example.holds, "a hold")
    hold = example.holds[-1]
    bell_site.site.await_holds(1)
    example.toggle.click()
    expect(example.bell).to_have_count(0)
    example.until(lambda: hold in example.ended, "the hold was aborted")
    bell_site.site.await_holds(0)
    bell_site.publisher.publish(f"user:{recipient.name}", "meanwhile")
    assert len(example.polls) == 2
    example.toggle.click()
    example.expect_inbox("meanwhile", "before", unread=2)
    bell_site.publisher.publish(f"user:{recipient.name}", "afterwards")
    example.expect_inbox("afterwards", "meanwhile", "before", unread=3)


@in_each
def test_unmounting_for_a_moment_sends_no_request(name: str, bell_site: BellSite, examples: Examples) -> None:
    example = examples.open(name, bell_site.recipient("one"))
    example.until(lambda: example.holds, "a hold")
    example.page.evaluate(
        "() => { const toggle = document.querySelector('button'); toggle.click(); setTimeout(() => toggle.click()); }"
    )
    example.expect_inbox("one", unread=1)
    expect(example.bell).to_have_count(1)
    assert len(example.polls) == 2
    assert example.ended == []


@in_each
def test_bell_whose_code_can_not_be_loaded_at_first_appears_later(
    name: str, bell_site: BellSite, examples: Examples
) -> None:
    example = examples.open(name, bell_site.recipient("one"), lost="notifygate-bell")
    example.expect_inbox("one", unread=1)
    assert example.lost is None


@pytest.mark.parametrize("name", ["react", "react-development", "element"])
def test_a_second_recipient_sees_nothing_of_the_first(name: str, bell_site: BellSite, examples: Examples) -> None:
    """In the wrappers whose provider or element accepts another recipient while it is mounted."""
    first, second = bell_site.recipient("of the first"), bell_site.recipient("of the second")
    cards = ".ngb-card .ngb-title"
    example = examples.open(name, first)
    example.expect_inbox("of the first", unread=1)
    example.until(lambda: example.holds, "a hold")
    example.bell.click()
    expect(example.page.locator(cards)).to_have_text(["of the first"])
    example.until(lambda: len(example.holds) == 2, "the next hold, after the panel's notifications were seen")
    hold = example.holds[-1]
    assert "of the first" not in example.change_user(second)
    example.expect_inbox("of the second", unread=1)
    example.until(lambda: hold in example.ended, "the first one's hold was aborted")
    bell_site.publisher.publish(f"user:{first.name}", "too late")
    bell_site.publisher.publish(f"user:{second.name}", "news")
    example.expect_inbox("news", "of the second", unread=2)
    example.bell.click()
    expect(example.page.locator(cards)).to_have_text(["news", "of the second"])
    assert "of the second" not in example.change_user(first)
    example.expect_inbox("too late", "of the first", unread=2)


def test_element_follows_the_attributes_of_another_recipient(bell_site: BellSite, examples: Examples) -> None:
    """Also if its name is set before its token."""
    first, second = bell_site.recipient("of the first"), bell_site.recipient("of the second", "of the second, too")
    example = examples.open("element", first)
    example.until(lambda: example.holds, "a hold")
    example.toggle.click()
    example.page.evaluate(
        "([user, token]) => { const bell = document.createElement('notifygate-bell');"
        " bell.setAttribute('user', user); bell.setAttribute('token', token); document.body.append(bell); }",
        [first.name, first.token],
    )
    expect(example.badge).to_have_text("1")
    example.until(lambda: len(example.holds) == 2, "the next hold")
    tokens: list[str] = []
    example.page.on(
        "request", lambda sent: tokens.append(sent.headers["authorization"]) if "/v1/inbox" in sent.url else None
    )
    example.page.evaluate(
        "([user, token]) => { const bell = document.querySelector('notifygate-bell');"
        " bell.setAttribute('user', user); bell.setAttribute('token', token); }",
        [second.name, second.token],
    )
    expect(example.badge).to_have_text("2")
    assert set(tokens) == {f"Bearer {second.token}"}


@in_each
def test_topics_are_followed_at_once_and_reverted_when_refused(
    name: str, bell_site: BellSite, examples: Examples
) -> None:
    recipient = bell_site.recipient("first")
    for topic in ("deploys", "releases"):
        recipient.session.put(f"{recipient.url}/v1/inbox/topics/{topic}").raise_for_status()
    example = examples.open(name, recipient)
    boxes = example.page.get_by_role("group", name="Topics").get_by_role("checkbox")
    deploys, releases = example.page.get_by_label("deploys"), example.page.get_by_label("releases")
    requests: list[Route] = []
    example.page.route("**/v1/inbox/topics/*", lambda route: requests.append(route))
    expect(boxes).to_have_count(2)
    deploys.click()
    expect(deploys).not_to_be_checked()
    example.until(lambda: requests, "the request")
    requests.pop().continue_()
    expect(boxes).to_have_count(1)  # the gateway lists only followed and registered topics
    bell_site.publisher.publish("topic:deploys", "for others")
    bell_site.publisher.publish("topic:releases", "Version 4")
    example.expect_inbox("Version 4", "first", unread=2)
    releases.click()
    expect(releases).not_to_be_checked()
    example.until(lambda: requests, "the request")
    example.device.expects_network_errors = True
    requests.pop().fulfill(status=503, body="{}")
    expect(releases).to_be_checked()
    bell_site.publisher.publish("topic:releases", "Version 5")
    example.expect_inbox("Version 5", "Version 4", "first", unread=3)


@pytest.mark.parametrize("name", ["react", "react-development", "vue"])
def test_part_of_a_card_is_rendered_by_the_framework(name: str, bell_site: BellSite, examples: Examples) -> None:
    recipient = bell_site.recipient("first", "second")
    example = examples.open(name, recipient)
    example.expect_inbox("second", "first", unread=2)
    example.bell.click()
    button = example.page.locator(".ngb-card .ngb-custom button")
    expect(button).to_have_count(0)
    example.items.nth(1).get_by_role("button", name="Mark as read").click()
    example.bell.click()
    button.click()
    example.expect_inbox("second", "first", unread=2)
    expect(button).to_have_count(0)

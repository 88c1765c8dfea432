"""The client in an engine that knows ES5 and nothing else, not even a window."""

from tests.browser.mujs import MujsClient
from tests.support.site import Publisher, Site


def test_client_polls_in_an_engine_of_es5_alone(mujs: MujsClient, site: Site, publisher: Publisher) -> None:
    recipient = site.recipient()
    first = publisher.publish(f"user:{recipient.name}", "first")
    mujs.ask("start", token=recipient.token, user=recipient.name)
    assert mujs.snapshot["status"] == "pending"
    mujs.until_request()
    assert mujs.exchange() == 200
    assert mujs.snapshot == {
        **mujs.snapshot,
        "status": "success",
        "unread": 1,
        "error": None,
        "hasMore": False,
    }
    assert [one["title"] for one in mujs.snapshot["notifications"]] == ["first"]

    hold = mujs.until_request()
    assert "wait=" in hold["url"]
    assert hold["headers"]["If-None-Match"]
    held = mujs.begin_request()
    site.await_holds(1)
    publisher.publish(f"user:{recipient.name}", "second")
    assert mujs.finish(held) == 200
    assert [one["title"] for one in mujs.snapshot["notifications"]] == ["second", "first"]
    assert mujs.snapshot["unread"] == 2

    mujs.requests.clear()
    mujs.ask("read", id=first)
    assert [bool(one["read_at"]) for one in mujs.snapshot["notifications"]] == [False, True]
    assert mujs.snapshot["unread"] == 2, "the count is the gateway's"
    assert mujs.exchange() == 200
    assert mujs.told == [{"done": None}]
    assert mujs.snapshot["unread"] == 1
    mujs.ask("stop")

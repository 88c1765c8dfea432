"""ETag and 304 of the inbox (PROTOCOL section 4, ETag)."""

from typing import Any

import pytest

from tests.api.helpers import begin_new_epoch, catch_up, cursor_at, head_of
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.manual_clock import ManualClock
from tests.support.polling import ids
from tests.support.waiting import eventually


def expect_not_modified(answer: Any, etag: str) -> None:
    assert answer.status_code == 304, answer.text
    assert answer.get_data() == b""
    assert answer.headers["ETag"] == etag
    assert int(answer.headers["Poll-Interval"]) >= 1
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
    for name in ("X-Request-Id", "RateLimit", "RateLimit-Policy", "Content-Type"):
        assert name not in answer.headers


def test_nothing_new_is_a_304_with_the_same_etag(publisher: PublisherActor, alice: RecipientActor) -> None:
    for _ in range(2):  # in an empty inbox, too
        etag = alice.poll().headers["ETag"]
        expect_not_modified(alice.poll(etag=etag), etag)
        expect_not_modified(alice.poll(etag=etag, limit=1), etag)
        publisher.publish("user:alice")


@pytest.mark.parametrize(
    "change",
    ["publish", "broadcast", "role", "seen", "read", "unread", "dismiss", "retract", "expire", "up_to", "epoch"],
)
def test_every_visible_change_ends_an_etag(make_app: Any, clock: ManualClock, change: str) -> None:
    app = make_app(clock=clock)
    publisher, alice = app.publisher(), app.recipient("alice", "admin")
    alice.inbox()
    notification_id = publisher.publish("user:alice", ttl=60 if change == "expire" else None)
    if change == "unread":
        alice.change_state("read", ids=[notification_id])
    first = alice.poll()
    etag, cursor = first.headers["ETag"], first.json["cursor"]
    match change:
        case "publish" | "broadcast" | "role":
            publisher.publish({"publish": "user:alice", "broadcast": "all", "role": "role:admin"}[change])
        case "up_to":
            alice.change_state("read", up_to=cursor)
        case "retract":
            publisher.delete(f"/v1/notifications/{notification_id}")
        case "expire":
            clock.advance(61)
            eventually(lambda: alice.poll(etag=etag).status_code == 200)
        case "epoch":
            begin_new_epoch(app)
        case _:
            alice.change_state(change, ids=[notification_id])
    catch_up(app)
    assert alice.poll(etag=etag).status_code == 200
    assert alice.poll(cursor, etag=etag).status_code == 200
    assert alice.get("/v1/inbox/unread", headers={"If-None-Match": etag}).status_code == 200


def test_a_poll_with_a_cursor_is_a_304_only_if_nothing_follows_the_cursor_either(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    old = alice.inbox()["cursor"]
    notification_id = publisher.publish("user:alice")
    lost = alice.poll(old)  # the client did not receive this answer
    etag, new = lost.headers["ETag"], lost.json["cursor"]
    again = alice.poll(old, etag=etag)
    assert (again.status_code, ids(again.json)) == (200, [notification_id])
    expect_not_modified(alice.poll(new, etag=etag), etag)
    expect_not_modified(alice.poll(etag=etag), etag)


def test_a_reset_is_never_hidden_behind_a_304(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    notification_id = publisher.publish("user:alice")
    etag = alice.poll().headers["ETag"]
    for cursor in (bob.inbox()["cursor"], cursor_at(app, "alice", ("admin",), seq=head_of(app) + 5)):
        answer = alice.poll(cursor, etag=etag)
        assert (answer.status_code, answer.json["reset"], ids(answer.json)) == (200, True, [notification_id])


def test_the_etag_of_a_page_with_more_after_it_does_not_match_the_head(
    publisher: PublisherActor, alice: RecipientActor
) -> None:
    start = alice.inbox()["cursor"]
    for n in range(3):
        publisher.publish("user:alice", f"number {n}")
    page = alice.poll(start, limit=1)
    assert page.json["has_more"] is True
    assert alice.poll(etag=page.headers["ETag"]).status_code == 200
    assert alice.poll(page.json["cursor"], etag=page.headers["ETag"], limit=1).status_code == 200


def test_tags_that_a_proxy_has_changed_still_match(alice: RecipientActor) -> None:
    etag = alice.poll().headers["ETag"]
    token = etag.removeprefix('W/"').removesuffix('"')
    suffixes = ("", "-gzip", ":gzip", "--gzip", ";gzip", "-br", "-zstd", "-deflate", "+gzip", ".gzip", "-df", "_gzip")
    forms = [f'{weak}"{token}{suffix}"' for suffix in suffixes for weak in ("W/", "")]
    for form in (*forms, f'"other", W/"{token}"', f'W/"{token}-gzip" , "x"', f'"x",W/"{token}"'):
        answer = alice.poll(etag=form)
        assert (answer.status_code, answer.headers["ETag"]) == (304, etag), form


def test_foreign_tags_do_not_match_and_are_not_errors(alice: RecipientActor, bob: RecipientActor) -> None:
    etag = alice.poll().headers["ETag"]
    token = etag.removeprefix('W/"').removesuffix('"')
    others = ["", '""', "W/", "garbage", '"garbage"', f'W/"{token[:-1]}"', f'W/"A{token}"', f'W/"{token}A"', "\xff"]
    others += [f'W/"2{token[1:]}"', f'W/"{token[:-3]}AAA"', ",,,", "W/" * 2000, bob.poll().headers["ETag"]]
    for other in others:
        assert alice.poll(etag=other).status_code == 200, other


def test_tags_of_different_recipients_differ_at_the_same_position(
    app: InProcessGateway, publisher: PublisherActor, alice: RecipientActor, bob: RecipientActor
) -> None:
    publisher.publish("all")
    catch_up(app)
    demoted = app.recipient("alice")
    tags = {recipient.poll().headers["ETag"] for recipient in (alice, bob, demoted)}
    assert len(tags) == 3
    for tag in tags:
        matching = [recipient.poll(etag=tag).status_code for recipient in (alice, bob, demoted)]
        assert sorted(matching) == [200, 200, 304]


def test_a_head_request_has_the_headers_and_no_body(alice: RecipientActor) -> None:
    answer = alice.open("HEAD", "/v1/inbox")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert answer.headers["ETag"] == alice.poll().headers["ETag"]

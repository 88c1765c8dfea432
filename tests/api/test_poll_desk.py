"""The poll desk, in this process: what it answers from memory is what the endpoint says, and what it can't, it leaves."""

import json
import re
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult

from notifygate import metrics
from notifygate.api.desk.front_desk import FrontDesk
from notifygate.api.desk.held_poll import HeldPoll
from notifygate.api.desk.repeated_poll import Repeated
from notifygate.api.desk.requests import INBOX
from notifygate.api.desk.writer import SingleNewsForms
from notifygate.auth.revocations import revoke_tokens
from notifygate.inbox.view import View
from notifygate.server.desk import Answer, Repeat, Reply
from notifygate.server.plain_request import PlainRequest, read_request
from notifygate.server.repeats import MAX_BYTES as MAX_REMEMBERED_BYTES
from notifygate.server.repeats import Repeats
from notifygate.waiting import WouldWaitError
from tests.api.helpers import expect_count_in_redis
from tests.contract.builders import eventually
from tests.support.in_process import InProcessGateway, RecipientActor
from tests.support.redis_server import RedisServer

LIMITS = {"limit_poll": "1000/day", "limit_guard": "10000/day"}
"""So high that they aren't met. Without limits, woken polls are not answered together."""

MakeDesk = Callable[..., "Desk"]


class Caller:
    """A connection that keeps what it is told."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.is_gone = False
        self.deadline_comes = False
        """Whether its time is over while it is being answered."""

    def answer(self, data: bytes, *, keeps_alive: bool) -> None:
        self.answers.append(data)


def send_all(answers: Sequence[Answer]) -> None:
    for caller, data, keeps_alive in answers:
        caller.answer(data, keeps_alive=keeps_alive)


def in_hub(work: Callable[[], Any]) -> Any:
    """Run work where the server runs it, and return or raise what it does."""
    done: AsyncResult[Any] = AsyncResult()

    def run() -> None:
        try:
            done.set(work())
        except Exception as error:
            done.set_exception(error)

    gevent.get_hub().loop.run_callback(run)
    return done.get(timeout=10)


class Desk:
    """A poll desk whose polls are taken as the server does it."""

    def __init__(self, app: InProcessGateway) -> None:
        self.app = app
        self.front = FrontDesk(app.services)
        self.desk = self.front.polls
        self.front.start(send_all)

    def take(self, actor: RecipientActor, query: str = "", caller: Caller | None = None, *lines: str) -> Any:
        """Take a poll in the hub."""
        head = self.request(actor, query, *lines)
        return in_hub(lambda: self.desk.take(head, caller or Caller()))

    @staticmethod
    def request(actor: RecipientActor, query: str, *lines: str) -> PlainRequest:
        """Read the request of a poll."""
        head = read_request(
            "\r\n".join(
                (
                    f"GET /v1/inbox{query} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {actor.credential}",
                    *lines, "", "",
                )
            ).encode()
        )  # fmt: skip
        assert head is not None
        return head

    def hold(self, actor: RecipientActor, cursor: str, *lines: str, wait: int = 50) -> Caller:
        """Take a poll that is held."""
        caller = Caller()
        assert isinstance(self.take(actor, f"?cursor={cursor}&wait={wait}", caller, *lines), HeldPoll)
        return caller

    def hold_each(self, *names: str) -> list[Caller]:
        """Let recipients of these names wait for what comes after their first polls."""
        actors = [self.app.recipient(name) for name in names]
        return [self.hold(actor, actor.inbox()["cursor"]) for actor in actors]

    def stop(self) -> None:
        self.front._timer.stop()


@pytest.fixture(autouse=True)
def no_access_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are they with access lines, which tests have switched on."""
    monkeypatch.setattr("notifygate.api.desk.accounts.logs_requests", lambda: False)


@pytest.fixture
def make_desk(make_app: Callable[..., InProcessGateway]) -> Iterator[MakeDesk]:
    """Return a function that makes the desk of a gateway with the given settings."""
    made: list[Desk] = []

    def make(**settings: str) -> Desk:
        made.append(Desk(make_app(**{**LIMITS, **settings})))
        services = made[-1].app.services
        if announcer := services.announcer:
            # Where it begins to listen it looks at the log, and the desk doesn't answer from memory before that.
            eventually(lambda: announcer.is_connected and services.follower.is_fed, "its first look")
        return made[-1]

    yield make
    for desk in made:
        desk.stop()


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.fixture
def app(desk: Desk) -> InProcessGateway:
    """The gateway of the desk."""
    return desk.app


def body_of(answer: bytes) -> dict[str, Any]:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def make_repeat(reply: Reply) -> Repeat:
    assert reply.make_repeat is not None
    return reply.make_repeat()


def timed_wakes(desk: Desk) -> float:
    """Return how many wakes have been timed."""
    desk.front._accounts.tell()
    return sum(bucket.get() for bucket in metrics.wake_seconds._buckets)


def without_advice(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "poll"}


def test_a_poll_that_needs_the_database_is_not_answered_in_the_hub(app: InProcessGateway, desk: Desk) -> None:
    with pytest.raises(WouldWaitError):
        desk.take(app.recipient("nobody yet"))
    assert app.services.room._count == 0
    with pytest.raises(WouldWaitError):
        desk.take(app.recipient("nobody yet"), "?wait=50")
    assert app.services.room._count == 0, "nothing is left of it"


@pytest.mark.parametrize("recipients", [1, 2, 300])
@pytest.mark.parametrize("logs", [True, False], ids=["with lines", "without lines"])
def test_woken_polls_are_told_what_the_endpoint_tells(
    app: InProcessGateway, desk: Desk, recipients: int, logs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.api.desk.accounts.logs_requests", lambda: logs)
    desk.front._accounts.tell()
    by_themselves: list[HeldPoll] = []
    conclude = desk.desk.conclude
    monkeypatch.setattr(desk.desk, "conclude", lambda hold: (by_themselves.append(hold), conclude(hold)))
    actors = [app.recipient(f"r{n}") for n in range(recipients)]
    publisher = app.publisher()
    cursors = [actor.inbox()["cursor"] for actor in actors]
    publisher.publish("user:r0", "Only for one")  # so that counts differ
    cursors[0] = actors[0].inbox(cursors[0])["cursor"]
    callers = [desk.hold(actor, cursor) for actor, cursor in zip(actors, cursors, strict=True)]
    timed = timed_wakes(desk)
    found = publisher.publish("all", "100 % for all", body="%d %s {}")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    assert timed_wakes(desk) == timed + recipients
    for actor, cursor, caller in zip(actors, cursors, callers, strict=True):
        (answer,) = caller.answers
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}\r\n" in head.decode()
        expected = actor.inbox(cursor)
        assert without_advice(body_of(answer)) == without_advice(expected)
        assert [item["id"] for item in expected["notifications"]] == [found]
    assert body_of(callers[0].answers[0])["unread"] == 2
    assert len({body_of(caller.answers[0])["cursor"] for caller in callers}) == recipients
    assert len(by_themselves) == (recipients if logs else 0)


def test_who_has_reached_their_limit_is_refused_among_others_who_are_told(make_desk: MakeDesk) -> None:
    desk = make_desk(limit_poll="2/day", limit_guard="9/day")
    callers = desk.hold_each("alice", "bob", "carol")
    desk.app.recipient("bob").inbox()
    desk.app.publisher().publish("all")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    heads = [caller.answers[0].partition(b"\r\n\r\n")[0].decode() for caller in callers]
    assert [head.split()[1] for head in heads] == ["200", "429", "200"]
    assert '"guard";r=7;t=' in heads[0]
    assert '"poll";r=0;t=' in heads[0]
    assert heads[0].splitlines()[0] == "HTTP/1.1 200 OK"


def test_who_is_woken_in_a_new_window_is_told_how_that_one_stands(make_desk: MakeDesk) -> None:
    desk = make_desk(limit_poll="9/minute", limit_guard="9/minute")
    desk.stop()  # nothing else makes anew what answers have in common

    def let_windows_end_in(seconds: float) -> None:
        for name in ("poll", "guard"):
            windows = desk.app.services.limits.windows(name)
            assert windows is not None
            windows.ends_at = time.time() + seconds

    (first,) = desk.hold_each("carol")
    let_windows_end_in(9)
    desk.app.publisher().publish("user:carol")
    eventually(lambda: first.answers, "an answer in the old window")
    assert b'"poll";r=7;t=9' in first.answers[0]
    callers = desk.hold_each("alice", "bob")
    let_windows_end_in(-1)
    desk.app.publisher().publish("all")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    for caller in callers:
        head = caller.answers[0].partition(b"\r\n\r\n")[0].decode()
        assert re.findall(r'"(\w+)";r=(\d);t=[56]\d', head) == [("guard", "9"), ("poll", "8")]


def test_who_is_woken_is_told_the_present_date(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dates: list[bytes] = []
    for date in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"):
        monkeypatch.setattr("email.utils.formatdate", lambda usegmt, date=date: date)
        in_hub(desk.front._renew)
        (caller,) = desk.hold_each("alice")
        desk.app.publisher().publish("all")
        eventually(lambda caller=caller: caller.answers, "an answer")
        dates += re.findall(rb"Date: .*:(\d\d) GMT", caller.answers[0])
    assert dates == [b"37", b"38"]


def test_woken_polls_count_on_every_node(
    own_redis_server: RedisServer, make_desk: MakeDesk, make_app: Callable[..., InProcessGateway]
) -> None:
    url = own_redis_server.url
    desk, other = make_desk(redis_url=url), make_app(redis_url=url, **LIMITS)
    (caller,) = desk.hold_each("alice")
    desk.app.publisher().publish("all")
    eventually(lambda: caller.answers, "an answer")
    expect_count_in_redis(own_redis_server, "poll", "user:alice", 2)
    # The other node learns of them a moment after its own first count.
    assert other.recipient("alice").poll().status_code == 200
    windows = other.services.limits.windows("poll")
    assert windows is not None
    eventually(lambda: windows.counted("user:alice") == 3, "the first poll, the woken one and the other node's")


def test_a_defect_with_one_woken_poll_costs_the_others_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    callers = desk.hold_each("alice", "bob", "carol")
    answered = metrics.requests.labels(INBOX, 200)

    fill = SingleNewsForms.fill

    def fail_for_bob(forms: SingleNewsForms, text: bytes, view: View, *more: Any) -> bytes:
        if view.recipient == "bob":
            raise LookupError
        return fill(forms, text, view, *more)

    monkeypatch.setattr(SingleNewsForms, "fill", fail_for_bob)
    before = answered._value.get()
    desk.app.publisher().publish("all", "For all")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    for caller in callers:
        (answer,) = caller.answers
        assert [item["title"] for item in body_of(answer)["notifications"]] == ["For all"]
    eventually(lambda: answered._value.get() == before + 3, "that all are counted")
    assert "could not be answered together" in caplog.text


@pytest.mark.parametrize("characters", [0, 3900])
def test_counts_and_notifications_of_any_size_are_told(
    app: InProcessGateway, desk: Desk, characters: int, caplog: pytest.LogCaptureFixture
) -> None:
    actors = [app.recipient(name) for name in ("alice", "bob", "carol", "dan")]
    callers = [desk.hold(actor, actor.inbox()["cursor"]) for actor in actors]
    for actor, count in zip(actors, (0, 4094, 4095, 123_456), strict=True):
        app.services.views.current(app.services.tokens.verify(actor.credential)).unread = count
    app.publisher().publish("all", body="x" * characters)
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    assert [body_of(caller.answers[0])["unread"] for caller in callers] == [1, 4095, 4096, 123_457]
    for caller in callers:
        head, _, body = caller.answers[0].partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}\r\n" in head.decode()
        assert (len(body) > 4096) == (characters > 0)
    assert "could not be answered together" not in caplog.text


def test_each_who_is_woken_is_told_as_a_member_of_which_audience(desk: Desk) -> None:
    callers = desk.hold_each("alice", "bob", "carol")
    desk.app.publisher().publish(["all", "user:bob"])
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    told = [body_of(caller.answers[0])["notifications"][0]["audience"] for caller in callers]
    assert told == ["all", "user:bob", "all"]


def test_each_who_is_woken_is_told_what_is_left_to_them(make_desk: MakeDesk) -> None:
    desk = make_desk(limit_poll="90/day", limit_guard="900/day")
    app = desk.app

    def hold(name: str, *, found: int = 1, looked: int = 0, wait: int = 50) -> Caller:
        """Hold somebody who has been told something and nothing so many times."""
        actor = app.recipient(name)
        cursors = [actor.inbox()["cursor"] for _ in range(found)]
        for _ in range(looked):
            assert (
                actor.get(f"/v1/inbox?cursor={cursors[-1]}", headers={"If-None-Match": cursors[-1]}).status_code == 304
            )
        return desk.hold(actor, cursors[-1], wait=wait)

    # Each differs from the one before in one thing.
    callers = [hold("alice"), hold("bob", wait=40), hold("carol", wait=40, looked=3), hold("dan", wait=40, found=4)]
    app.publisher().publish("all")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    heads = [caller.answers[0].partition(b"\r\n\r\n")[0].decode() for caller in callers]
    told = [re.findall(r"wait=(\d+)|r=(\d+);", head) for head in heads]
    assert ["/".join(map("".join, found)) for found in told] == [
        "50/898/88", "40/898/88", "40/895/88", "40/895/85",
    ]  # fmt: skip


def test_who_wants_the_connection_closed_is_told_so_among_others(app: InProcessGateway, desk: Desk) -> None:
    alice, bob = app.recipient("alice"), app.recipient("bob")
    callers = [desk.hold(alice, alice.inbox()["cursor"], "Connection: close"), desk.hold(bob, bob.inbox()["cursor"])]
    app.publisher().publish("all")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    assert b"Connection: close" in callers[0].answers[0]
    assert b"Connection: keep-alive" in callers[1].answers[0]


def test_who_is_woken_before_the_wait_has_begun_is_answered_once(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    cursor = alice.inbox()["cursor"]
    look = desk.desk._look

    def look_slowly(*arguments: Any) -> Any:
        publisher.publish("user:alice")
        gevent.sleep(0.05)  # the room ends the hold meanwhile
        return look(*arguments)

    monkeypatch.setattr(desk.desk, "_look", look_slowly)
    monkeypatch.setattr(desk.desk, "_has_nothing_to_find", lambda _: False)
    caller = Caller()
    reply = desk.desk.take(desk.request(alice, f"?cursor={cursor}&wait=50"), caller)
    assert isinstance(reply, Reply)
    assert len(body_of(reply.data)["notifications"]) == 1
    gevent.sleep(0.05)
    assert caller.answers == []


# --- What may be told without a look ------------------------------------------------------------


@pytest.fixture
def view(app: InProcessGateway) -> View:
    """Alice's view, with the cursor that she has."""
    alice = app.recipient("alice")
    token = alice.inbox()["cursor"]
    view = app.services.views.current(app.services.tokens.verify(alice.credential))
    assert view.token == token
    return view


def told(app: InProcessGateway, view: View, cursor: str | None = None) -> bytes | None:
    """Return what a hold with a cursor, by default the view's own, is told without a look."""
    hold = SimpleNamespace(view=view, poll=SimpleNamespace(cursor=cursor or view.token))
    return next((text for _, text in app.services.polls.tell_single([hold])), None)


def test_one_notification_is_told_whatever_comes_for_others(app: InProcessGateway, view: View) -> None:
    publisher = app.publisher()
    assert told(app, view) is None
    publisher.publish("user:bob")
    assert told(app, view) is None
    found = publisher.publish("user:alice")
    publisher.publish("user:bob")
    text = told(app, view)
    assert text is not None
    assert (json.loads(text)["id"], view.unread, view.unseen) == (found, 1, 1)
    assert app.recipient("alice").inbox(view.token)["notifications"] == []


def test_several_notifications_need_a_look(app: InProcessGateway, view: View) -> None:
    publisher = app.publisher()
    for _ in range(2):
        publisher.publish("user:alice")
    assert told(app, view) is None


def test_who_has_not_been_told_what_another_poll_was_needs_a_look(app: InProcessGateway, view: View) -> None:
    publisher, cursor = app.publisher(), view.token
    publisher.publish("user:alice")
    app.recipient("alice").inbox(cursor)  # say in another tab
    publisher.publish("user:alice")
    assert told(app, view, cursor) is None, "it would miss the first"
    assert told(app, view) is not None


def test_anything_but_a_notification_needs_a_look(app: InProcessGateway) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    alice.inbox()
    shown = publisher.publish("user:alice")
    alice.inbox()
    view = app.services.views.current(app.services.tokens.verify(alice.credential))
    assert publisher.delete(f"/v1/notifications/{shown}").status_code == 204
    assert told(app, view) is None


def test_a_cursor_that_is_ahead_of_the_counts_needs_a_look(app: InProcessGateway, view: View) -> None:
    publisher, tail = app.publisher(), app.services.tail
    publisher.publish("user:alice")
    # Another worker was ahead of this one and has told it.
    view.token, view.token_seq = app.services.codec.encode(tail.epoch, tail.end, view.tag), tail.end
    publisher.publish("user:alice")
    assert told(app, view) is None


def test_a_view_of_another_epoch_needs_a_look(app: InProcessGateway, view: View) -> None:
    view.epoch -= 1
    app.publisher().publish("user:alice")
    assert told(app, view) is None


# --- Further polls ------------------------------------------------------------------------------


def test_counts_that_are_ahead_of_a_cursor_do_not_make_it_wait(app: InProcessGateway, desk: Desk) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    found = app.publisher().publish("user:alice")
    app.services.views.current(app.services.tokens.verify(alice.credential))  # another poll has counted it already
    told = desk.take(alice, f"?cursor={cursor}&wait=50")
    assert isinstance(told, Reply)
    assert [item["id"] for item in body_of(told.data)["notifications"]] == [found]


def test_who_begins_to_wait_just_when_the_room_is_drained_is_answered(app: InProcessGateway, desk: Desk) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    app.services.room.is_draining = True
    app.services.advice.longest_wait = lambda: 50  # type: ignore[method-assign]  # asked a moment before
    assert isinstance(desk.take(alice, f"?cursor={cursor}&wait=50"), Reply)


def test_a_defect_is_left_to_the_endpoint(app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    monkeypatch.setattr(desk.desk, "_look", lambda *_: {}["a defect"])
    assert desk.take(alice, f"?cursor={cursor}") is None
    assert desk.take(alice, "?wait=50") is None
    assert app.services.room._count == 0, "nothing is left of it"


def test_several_holds_of_one_recipient_count_once(app: InProcessGateway, desk: Desk) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    callers = [desk.hold(alice, cursor) for _ in range(3)]
    app.publisher().publish("user:alice")
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    bodies = [without_advice(body_of(caller.answers[0])) for caller in callers]
    assert bodies == [without_advice(alice.inbox(cursor))] * 3
    assert bodies[0]["unread"] == 1


def test_what_comes_in_quick_succession_is_told_in_order_and_once(app: InProcessGateway, desk: Desk) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    cursor = alice.inbox()["cursor"]
    caller = desk.hold(alice, cursor)
    sent = [publisher.publish("user:alice", str(n)) for n in range(3)]
    eventually(lambda: caller.answers, "an answer")
    body = body_of(caller.answers[0])
    rest = alice.inbox(body["cursor"])
    assert [item["id"] for item in body["notifications"] + rest["notifications"]] == sent
    assert rest["unread"] == 3


def test_what_woke_a_hold_and_was_taken_back_lets_it_wait_on(app: InProcessGateway, desk: Desk) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    first = alice.inbox()["cursor"]
    shown = publisher.publish("user:alice")
    cursor = alice.inbox(first)["cursor"]
    alice.change_state("dismiss", ids=[shown])
    cursor = alice.inbox(cursor)["cursor"]
    caller = desk.hold(alice, cursor)
    # The removal of what was dismissed is told to nobody, and wakes nobody.
    assert publisher.delete(f"/v1/notifications/{shown}").status_code == 204
    gevent.sleep(0.3)
    assert caller.answers == []
    assert app.services.room._count == 1
    publisher.publish("user:alice")
    eventually(lambda: caller.answers, "an answer")


def test_a_hold_that_begins_while_the_view_changes_is_woken_by_what_the_new_view_shows(
    make_app: Callable[..., InProcessGateway],
) -> None:
    """The worker is behind the client's cursor and finds that a type is no longer muted only while the wait begins."""
    one, other = make_app(), make_app(head_check_interval=60.0)
    publisher, alice = other.publisher(), one.recipient("alice")
    muted = {"types": {"sale": {"muted": True}}}
    assert alice.put("/v1/inbox/preferences", json=muted).status_code == 200
    other.services.follower.check_soon()
    there = other.recipient("alice")
    there.inbox()
    assert alice.put("/v1/inbox/preferences", json={"types": {}}).status_code == 200
    cursor, caller, desk = alice.inbox()["cursor"], Caller(), Desk(other)
    hold = desk.desk.take(desk.request(there, f"?cursor={cursor}&wait=50"), caller)  # in a greenlet: it may read
    assert isinstance(hold, HeldPoll)
    assert hold.waits
    publisher.publish("user:alice", "seen again", type="sale")
    eventually(lambda: bool(caller.answers), "the hold is woken")
    assert [item["title"] for item in body_of(caller.answers[0])["notifications"]] == ["seen again"]


def test_the_same_poll_again_is_a_304_until_something_comes(app: InProcessGateway, desk: Desk) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    first = alice.inbox()
    query, tag = f"?cursor={first['cursor']}", f'If-None-Match: W/"{first["cursor"]}"'
    for _ in range(3):
        reply = desk.take(alice, query, None, tag)
        assert isinstance(reply, Reply)
        assert reply.data.startswith(b"HTTP/1.1 304 ")
    repeat = make_repeat(reply)
    in_hub(lambda: desk.front._renew())
    answer = repeat.again(0.0)
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 304 ")
    publisher.publish("user:bob")
    assert repeat.again(0.0) is not None, "what is for others changes nothing"
    found = publisher.publish("user:alice")
    assert repeat.again(0.0) is None
    told = desk.take(alice, query, None, tag)
    assert [item["id"] for item in body_of(told.data)["notifications"]] == [found]


def test_a_repeat_ends_with_its_token_its_quota_and_the_gateway(make_desk: MakeDesk) -> None:
    desk = make_desk(limit_guard="8/day")
    app = desk.app
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    reply = desk.take(alice, f"?cursor={cursor}", None, f'If-None-Match: W/"{cursor}"')
    repeat = make_repeat(reply)
    assert repeat.again(0.0) is not None
    assert repeat.again(4e9) is None, "the token has expired by then"
    passed = sum(repeat.again(0.0) is not None for _ in range(20))
    assert passed < 8
    desk.front.drain()
    assert repeat.again(0.0) is None


def test_repeat_ends_with_the_revocation_of_its_token(app: InProcessGateway, desk: Desk) -> None:
    alice = app.recipient("alice")
    etag = alice.poll().headers["ETag"]
    repeat = make_repeat(desk.take(alice, "", None, f"If-None-Match: {etag}"))
    assert repeat.again(time.time()) is not None
    app.services.writer.transact(revoke_tokens("alice"))
    assert repeat.again(time.time()) is None
    assert desk.take(alice, "", None, f"If-None-Match: {etag}") is None, "it is for the endpoint to refuse"


def test_revocation_ends_a_held_poll(app: InProcessGateway, desk: Desk) -> None:
    alice, bob = desk.hold_each("alice", "bob")
    app.services.writer.transact(revoke_tokens("alice"))
    eventually(lambda: alice.answers, "the answer")
    head = alice.answers[0].partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nWWW-Authenticate: Bearer" in head
    assert body_of(alice.answers[0])["code"] == "unauthorized"
    assert app.services.room._count == 1
    assert not bob.answers


@pytest.mark.parametrize("notifications", [1, 2], ids=["together", "by itself"])
def test_poll_that_news_wake_before_the_revocation_does_gets_none(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch, notifications: int
) -> None:
    callers, publisher = desk.hold_each("alice", "bob"), app.publisher()
    monkeypatch.setattr(app.services.revocations, "_on_revoked", lambda _: None)
    app.services.writer.transact(revoke_tokens("alice"))
    with gevent.Timeout(10):
        gevent.joinall([gevent.spawn(publisher.publish, "all") for _ in range(notifications)], raise_error=True)
    eventually(lambda: all(caller.answers for caller in callers), "their answers")
    assert [caller.answers[0].split()[1] for caller in callers] == [b"401", b"200"]


@pytest.mark.parametrize("query", ["", "?cursor={}&wait=50"])
def test_token_that_is_revoked_while_its_poll_is_taken_is_left_to_the_endpoint(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    alice = app.recipient("alice")
    first = alice.poll()
    monkeypatch.setattr(app.services.revocations, "accepts", lambda _: False)
    assert desk.take(alice, query.format(first.json["cursor"]), None, f"If-None-Match: {first.headers['ETag']}") is None
    assert app.services.room._count == 0


def test_past_a_limit_the_endpoint_says_so(make_desk: MakeDesk) -> None:
    desk = make_desk(limit_poll="2/day")
    app = desk.app
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    caller = desk.hold(alice, cursor)
    app.publisher().publish("user:alice")
    eventually(lambda: caller.answers, "an answer")
    assert caller.answers[0].startswith(b"HTTP/1.1 200 ")
    assert desk.take(alice, f"?cursor={cursor}") is None
    assert alice.poll(cursor).status_code == 429


def test_a_woken_poll_past_its_limit_is_refused_and_loses_nothing(make_desk: MakeDesk) -> None:
    desk = make_desk(limit_poll="1/day")
    app = desk.app
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    caller = desk.hold(alice, cursor)
    found = app.publisher().publish("user:alice")
    eventually(lambda: caller.answers, "an answer")
    assert caller.answers[0].startswith(b"HTTP/1.1 429 ")
    assert body_of(caller.answers[0])["code"] == "rate-limited"
    app.services.limits.windows("poll").reset()
    assert [item["id"] for item in alice.inbox(cursor)["notifications"]] == [found]


# --- What happens while a greenlet looks --------------------------------------------------------


def concluded_by_a_greenlet(app: InProcessGateway, desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold a poll and wake it with nothing to tell, when memory isn't enough for the look at that."""
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    hold = desk.take(alice, f"?cursor={cursor}&wait=50", caller)
    app.services.room.leave(hold, "news")
    look, calls = desk.desk._look, iter([True])

    def look_later(*arguments: Any) -> Any:
        if next(calls, False):
            raise WouldWaitError
        return look(*arguments)

    monkeypatch.setattr(desk.desk, "_look", look_later)
    if caller.deadline_comes:
        monkeypatch.setattr(desk.desk._room, "enter", _then(desk.desk._room.enter, hold.time_is_over))
    in_hub(lambda: desk.desk.conclude(hold))


def _then(first: Callable[..., None], second: Callable[[], None]) -> Callable[..., None]:
    def both(*arguments: Any) -> None:
        first(*arguments)
        second()

    return both


def test_who_has_nothing_to_be_told_waits_on(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller()
    concluded_by_a_greenlet(app, desk, caller, monkeypatch)
    eventually(lambda: app.services.room._count == 1, "the hold's return")
    assert caller.answers == []
    app.publisher().publish("user:alice")
    eventually(lambda: caller.answers, "an answer")


def test_who_has_left_meanwhile_does_not_wait_on(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller()
    caller.is_gone = True
    left: list[str] = []
    leave = app.services.room.leave
    monkeypatch.setattr(app.services.room, "leave", lambda hold, reason: (left.append(reason), leave(hold, reason)))
    concluded_by_a_greenlet(app, desk, caller, monkeypatch)
    eventually(lambda: "gone" in left, "its leaving the room")
    assert app.services.room._count == 0


def test_whose_time_is_over_meanwhile_does_not_wait_on(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller()
    caller.deadline_comes = True
    concluded_by_a_greenlet(app, desk, caller, monkeypatch)
    eventually(lambda: caller.answers, "an answer")
    assert body_of(caller.answers[0])["notifications"] == []
    assert app.services.room._count == 0


# Polls that are sent again

AT_THE_END = 'If-None-Match: W/"%s"'


def not_modified(desk: Desk, actor: RecipientActor) -> Reply:
    """Return the desk's 304 to a recipient's poll."""
    cursor = actor.inbox()["cursor"]
    reply = desk.take(actor, f"?cursor={cursor}", None, AT_THE_END % cursor)
    assert isinstance(reply, Reply)
    assert reply.data.startswith(b"HTTP/1.1 304 ")
    return reply


def test_with_access_lines_there_is_nothing_to_repeat_an_answer_from(
    app: InProcessGateway, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not_modified(desk, app.recipient("alice")).make_repeat is not None
    monkeypatch.setattr("notifygate.api.desk.accounts.logs_requests", lambda: True)
    in_hub(desk.front._renew)
    assert not_modified(desk, app.recipient("alice")).make_repeat is None


def test_a_remembered_poll_holds_no_view(app: InProcessGateway, desk: Desk) -> None:
    alice = app.recipient("alice")
    repeat = make_repeat(not_modified(desk, alice))
    assert in_hub(lambda: repeat.again(time.time())) is not None
    view = weakref.ref(app.services.views.current(app.services.tokens.verify(alice.credential)))
    app.services.views.clear()
    assert view() is None
    assert in_hub(lambda: repeat.again(time.time())) is not None, "nothing has come"
    app.publisher().publish("user:bob")
    assert in_hub(lambda: repeat.again(time.time())) is None, "a look finds out whom it concerns"


@pytest.mark.parametrize("head_bytes", [300, 2048, 7900])
@pytest.mark.parametrize("name", ["alice", "\N{MUSICAL SYMBOL G CLEF}" * 128], ids=["short name", "longest name"])
def test_remembered_polls_take_no_more_memory_than_their_bound(make_desk: MakeDesk, name: str, head_bytes: int) -> None:
    desk = make_desk(limit_guard="1000000/day")
    reply = not_modified(desk, desk.app.recipient(name))
    repeats, now = Repeats(), time.time()
    for n in range(2 * MAX_REMEMBERED_BYTES // (head_bytes + 400)):
        key = b"%0*d" % (head_bytes, n)
        repeats.remember(key, lambda: make_repeat(reply))
        repeats.remember(key, lambda: make_repeat(reply))
        repeats.answer(key, now)  # so that it has its prepared answer
    assert in_memory(repeats) <= 64 * 1024 * 1024
    assert (len(repeats) > 10_000) == (head_bytes <= 2048)


def in_memory(repeats: Repeats) -> int:
    """Return how many bytes remembered polls take, each as if it shared nothing with the others."""
    total = sys.getsizeof(repeats._seen)
    for kept in (repeats._kept._young, repeats._kept._old):
        total += sys.getsizeof(kept)
        for key, repeat in kept.items():
            assert isinstance(repeat, Repeated)
            own = [getattr(repeat, slot) for slot in Repeated.__slots__ if slot != "_desk"]
            total += sum(map(sys.getsizeof, (key, repeat, *own)))
    return total

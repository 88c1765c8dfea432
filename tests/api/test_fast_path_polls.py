"""Polls on the fast path, in this process: those that memory can answer, together and one by one."""

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

from notifygate import metrics
from notifygate.auth.revocations import revoke_tokens
from notifygate.delivery.registry import HoldRegistry
from notifygate.endpoints.polling import Poll, PollHold
from notifygate.fastpath.broadcast import BroadcastTemplate
from notifygate.fastpath.revalidation import PollRevalidation
from notifygate.inbox.view import View
from notifygate.protocol.encoder import Encoder
from notifygate.protocol.request import Request
from notifygate.server.handler import Deferred, Reply, Revalidation
from notifygate.server.plain_request import read_request
from notifygate.server.repeats import ENTRY_BYTES, Repeats
from notifygate.server.repeats import MAX_BYTES as MAX_REMEMBERED_BYTES
from notifygate.waiting import WouldWaitError
from tests.api.helpers import expect_count_in_redis, principal_of, run_ready_work
from tests.support.fast_path import Client, InProcessFastPath, in_hub
from tests.support.in_process import InProcessGateway, RecipientActor
from tests.support.metric_values import metric
from tests.support.polling import ids
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

LIMITS = {"limit_poll": "1000/day", "limit_guard": "10000/day"}
"""High enough not to be reached. Without limits, holds are not answered together."""

LONGEST_NAME = "\N{MUSICAL SYMBOL G CLEF}" * 128

MakePath = Callable[..., "Path"]


class Path(InProcessFastPath):
    """A fast path that takes polls as the server does."""

    def take(self, actor: RecipientActor, query: str = "", client: Client | None = None, *lines: str) -> Any:
        """Take a poll in the hub."""
        return self.take_request(self.request(actor, query, *lines), client)

    @staticmethod
    def request(actor: RecipientActor, query: str, *lines: str) -> Request:
        """Read the request of a poll."""
        request = read_request(
            "\r\n".join(
                (
                    f"GET /v1/inbox{query} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {actor.credential}",
                    *lines, "", "",
                )
            ).encode()
        )  # fmt: skip
        assert request is not None
        return request

    def hold(self, actor: RecipientActor, cursor: str, *lines: str, wait: int = 50) -> Client:
        """Take a poll that is held."""
        client = Client()
        assert isinstance(self.take(actor, f"?cursor={cursor}&wait={wait}", client, *lines), PollHold)
        return client

    def hold_each(self, *names: str) -> list[Client]:
        """Hold a poll of each of these recipients."""
        actors = [self.app.recipient(name) for name in names]
        return [self.hold(actor, actor.inbox()["cursor"]) for actor in actors]


@pytest.fixture(autouse=True)
def no_access_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds are not answered together while access lines are on, as they are in tests."""
    monkeypatch.setattr("notifygate.fastpath.record.logs_requests", lambda: False)


@pytest.fixture
def make_path(make_app: Callable[..., InProcessGateway]) -> Iterator[MakePath]:
    """Return a function that makes the path of a gateway with the given settings."""
    made: list[Path] = []

    def make(**settings: str) -> Path:
        made.append(Path(make_app(**{**LIMITS, **settings})))
        services = made[-1].app.services
        if announcer := services.announcer:
            # After it subscribed, the follower reads the head; before that the path doesn't answer from memory.
            eventually(lambda: announcer.is_connected and services.follower.is_fed, "the first read of the head")
        return made[-1]

    yield make
    for path in made:
        path.stop()


@pytest.fixture
def path(make_path: MakePath) -> Path:
    return make_path()


@pytest.fixture
def app(path: Path) -> InProcessGateway:
    """The gateway of the path."""
    return path.app


def body_of(answer: bytes) -> dict[str, Any]:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def head_of(answer: bytes) -> str:
    return answer.partition(b"\r\n\r\n")[0].decode()


def answers_of(clients: Sequence[Client]) -> list[bytes]:
    """Return the one answer of each client as soon as all have theirs."""
    eventually(lambda: all(client.answers for client in clients), "their answers")
    assert [len(client.answers) for client in clients] == [1] * len(clients)
    return [client.answers[0] for client in clients]


def revalidation_of(reply: Reply) -> Revalidation:
    assert reply.make_revalidation is not None
    return reply.make_revalidation()


def view_of(app: InProcessGateway, name: str) -> View:
    """Return the present view of a recipient without roles."""
    return app.services.views.current(principal_of(name))


def timed_wakes(path: Path) -> float:
    """Return the number of timed wakes."""
    path.path.record.flush()
    return metric("wake_seconds_count")


def without_poll(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "poll"}


def test_a_poll_that_needs_the_database_is_not_answered_in_the_hub(app: InProcessGateway, path: Path) -> None:
    for query in ("", "?wait=50"):
        deferred = path.take(app.recipient("nobody yet"), query)
        assert isinstance(deferred, Deferred)
        assert app.hold_count == 0, "no hold is left"
    guard = app.services.limits.windows("guard")
    assert guard is not None
    before = guard.counted("user:nobody yet")
    assert isinstance(deferred.run(), Reply)
    assert guard.counted("user:nobody yet") == before, "it was counted in the hub"


def test_a_poll_that_moves_to_a_greenlet_is_counted_once(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.log.tail.MAX_LAST_STATES", 0)
    alice, bob, publisher = app.recipient("alice"), app.recipient("bob"), app.publisher()
    cursors = [reader.inbox()["cursor"] for reader in (alice, bob)]
    publisher.delete(f"/v1/notifications/{publisher.publish(['user:alice', 'user:bob'])}")
    for reader, cursor in zip((alice, bob), cursors, strict=True):
        reader.inbox(cursor)  # drops the state that the notification had for the other
    metrics.flush()
    before = metric("tail_hits_total")
    deferred = path.take(alice, f"?cursor={cursors[0]}")
    assert isinstance(deferred, Deferred)
    assert isinstance(deferred.run(), Reply)
    metrics.flush()
    assert metric("tail_hits_total") == before + 1


@pytest.mark.parametrize("recipients", [1, 2, 20])
@pytest.mark.parametrize("logs", [True, False], ids=["with lines", "without lines"])
def test_woken_polls_get_the_response_of_the_endpoint(
    app: InProcessGateway, path: Path, recipients: int, logs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifygate.fastpath.record.logs_requests", lambda: logs)
    monkeypatch.setattr("notifygate.delivery.registry.CHECKED_PER_TURN", 8)  # so that twenty are answered in parts
    path.path.record.flush()
    actors = [app.recipient(f"r{n}") for n in range(recipients)]
    publisher = app.publisher()
    cursors = [actor.inbox()["cursor"] for actor in actors]
    publisher.publish("user:r0", "Only for one")  # so that counts differ
    cursors[0] = actors[0].inbox(cursors[0])["cursor"]
    clients = [path.hold(actor, cursor) for actor, cursor in zip(actors, cursors, strict=True)]
    timed, run, by_themselves = timed_wakes(path), Poll.run, list[Poll]()
    monkeypatch.setattr(Poll, "run", lambda poll, *arguments: (by_themselves.append(poll), run(poll, *arguments))[1])
    notification_id = publisher.publish("all", "100 % for all", body="%d %s {}")
    answers = answers_of(clients)
    assert len(by_themselves) == (recipients if logs else 0)
    assert timed_wakes(path) == timed + recipients
    for actor, cursor, answer in zip(actors, cursors, answers, strict=True):
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}" in head.decode().split("\r\n")
        expected = actor.inbox(cursor)
        assert without_poll(body_of(answer)) == without_poll(expected)
        assert ids(expected) == [notification_id]
    assert body_of(answers[0])["unread"] == 2
    assert len({body_of(answer)["cursor"] for answer in answers}) == recipients


def test_a_woken_poll_past_its_limit_is_refused_and_the_others_are_answered(make_path: MakePath) -> None:
    path = make_path(limit_poll="2/day", limit_guard="9/day")
    bob = path.app.recipient("bob")
    cursor = bob.inbox()["cursor"]
    clients = path.hold_each("alice", "bob", "carol")
    notification_id = path.app.publisher().publish("all")
    answers = answers_of(clients)
    heads = [head_of(answer) for answer in answers]
    assert [head.split()[1] for head in heads] == ["200", "429", "200"]
    assert '"guard";r=7;t=' in heads[0]
    assert '"poll";r=0;t=' in heads[0]
    assert heads[0].splitlines()[0] == "HTTP/1.1 200 OK"
    assert body_of(answers[1])["code"] == "rate-limited"
    path.app.services.limits.windows("poll").ends_at = 0.0  # the window is over
    assert ids(bob.inbox(cursor)) == [notification_id], "it lost nothing"


def test_a_woken_poll_past_the_guard_has_none_left(make_path: MakePath) -> None:
    path = make_path(limit_guard="2/day")
    clients = path.hold_each("alice")
    guard = path.app.services.limits.windows("guard")
    assert guard is not None
    guard.add("user:alice", time.time(), 5)  # repeated polls, which are counted past the limit, too
    path.app.publisher().publish("user:alice")
    head = head_of(answers_of(clients)[0])
    assert head.startswith("HTTP/1.1 200 OK")
    assert '"guard";r=0;t=' in head


def test_a_poll_woken_in_a_new_window_gets_the_limits_of_that_window(make_path: MakePath) -> None:
    path = make_path(limit_poll="9/minute", limit_guard="9/minute")
    path.stop()  # so that no other code drops the shared parts of responses
    limits = path.app.services.limits

    def end_windows_in(seconds: float) -> None:
        for windows in (limits.windows("poll"), limits.windows("guard")):
            assert windows is not None
            windows.ends_at = time.time() + seconds

    clients = path.hold_each("carol")
    end_windows_in(9)
    path.app.publisher().publish("user:carol")
    assert b'"poll";r=7;t=9' in answers_of(clients)[0], "an answer in the old window"
    clients = path.hold_each("alice", "bob")
    end_windows_in(-1)
    path.app.publisher().publish("all")
    for answer in answers_of(clients):
        assert re.findall(r'"(\w+)";r=(\d);t=[56]\d', head_of(answer)) == [("guard", "9"), ("poll", "8")]


def test_a_woken_poll_gets_the_present_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dates: list[bytes] = []
    for date in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"):
        monkeypatch.setattr("email.utils.formatdate", lambda usegmt, date=date: date)
        in_hub(path.path.refresh)
        clients = path.hold_each("alice")
        path.app.publisher().publish("all")
        dates += re.findall(rb"Date: .*:(\d\d) GMT", answers_of(clients)[0])
    assert dates == [b"37", b"38"]


def test_woken_polls_are_counted_on_every_node(
    shared_redis: RedisServer, make_path: MakePath, make_app: Callable[..., InProcessGateway]
) -> None:
    url = shared_redis.url
    path, other = make_path(redis_url=url), make_app(redis_url=url, **LIMITS)
    clients = path.hold_each("alice")
    path.app.publisher().publish("all")
    answers_of(clients)
    expect_count_in_redis(shared_redis, "poll", "user:alice", 2)
    # The other node reads their counts a moment after its own first count.
    assert other.recipient("alice").poll().status_code == 200
    windows = other.services.limits.windows("poll")
    assert windows is not None
    eventually(lambda: windows.counted("user:alice") == 3, "the first poll, the woken one and the other node's")


def test_a_defect_with_one_woken_poll_fails_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clients, fill = path.hold_each("alice", "bob", "carol"), BroadcastTemplate.fill

    def answered() -> float:
        return metric("requests_total", route="/v1/inbox", status="200")

    def fail_for_bob(forms: BroadcastTemplate, text: bytes, view: View, *more: Any) -> bytes:
        if view.recipient == "bob":
            raise LookupError
        return fill(forms, text, view, *more)

    monkeypatch.setattr(BroadcastTemplate, "fill", fail_for_bob)
    before = answered()
    notification_id = path.app.publisher().publish("all", "For all")
    assert [ids(body_of(answer)) for answer in answers_of(clients)] == [[notification_id]] * 3
    eventually(lambda: answered() == before + 3, "that all are counted")
    assert "Answering a broadcast failed" in caplog.text


def test_a_defect_in_the_response_of_an_ended_hold_closes_its_connection(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = app.recipient("alice")
    client = path.hold(alice, alice.inbox()["cursor"], "Connection: close")
    monkeypatch.setattr(Encoder, "encode", lambda *_: {}["a defect"])
    app.publisher().publish("all")
    eventually(lambda: client.answers == [b""], "the connection is closed")
    assert "Answering an ended hold failed" in caplog.text


@pytest.mark.parametrize("characters", [0, 3900])
def test_counts_and_notifications_of_any_size_are_returned(
    app: InProcessGateway, path: Path, characters: int, caplog: pytest.LogCaptureFixture
) -> None:
    unread = {"alice": 0, "bob": 4094, "carol": 4095, "dan": 123_456}
    clients = path.hold_each(*unread)
    for name, count in unread.items():
        view_of(app, name).unread = count
    app.publisher().publish("all", body="x" * characters)
    answers = answers_of(clients)
    assert [body_of(answer)["unread"] for answer in answers] == [1, 4095, 4096, 123_457]
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}" in head.decode().split("\r\n")
        assert (len(body) > 4096) == (characters > 0)
    assert "Answering a broadcast failed" not in caplog.text


def test_each_woken_poll_gets_its_own_audience_and_connection(app: InProcessGateway, path: Path) -> None:
    alice = app.recipient("alice")
    clients = [path.hold(alice, alice.inbox()["cursor"], "Connection: close"), *path.hold_each("bob", "carol")]
    app.publisher().publish(["all", "user:bob"])
    answers = answers_of(clients)
    assert [body_of(answer)["notifications"][0]["audience"] for answer in answers] == ["all", "user:bob", "all"]
    assert [re.findall(r"Connection: (.*)", head_of(answer)) for answer in answers] == [
        ["close\r"], ["keep-alive\r"], ["keep-alive\r"],
    ]  # fmt: skip


def test_each_woken_poll_gets_its_own_limits(make_path: MakePath) -> None:
    path = make_path(limit_poll="90/day", limit_guard="900/day")
    app = path.app

    def hold(name: str, *, changed: int = 1, unchanged: int = 0, wait: int = 50) -> Client:
        """Hold a poll of a recipient with so many polls with changes and without before it."""
        actor = app.recipient(name)
        cursors = [actor.inbox()["cursor"] for _ in range(changed)]
        for _ in range(unchanged):
            assert actor.poll(cursors[-1], etag=cursors[-1]).status_code == 304
        return path.hold(actor, cursors[-1], wait=wait)

    # Each differs from the one before in one argument.
    clients = [
        hold("alice"),
        hold("bob", wait=40),
        hold("carol", wait=40, unchanged=3),
        hold("dan", wait=40, changed=4),
    ]
    app.publisher().publish("all")
    limits = [re.findall(r"wait=(\d+)|r=(\d+);", head_of(answer)) for answer in answers_of(clients)]
    assert ["/".join(map("".join, parts)) for parts in limits] == [
        "50/898/88", "40/898/88", "40/895/88", "40/895/85",
    ]  # fmt: skip


def test_a_poll_woken_before_it_waits_is_answered_once(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, publisher, client = app.recipient("alice"), app.publisher(), Client()
    cursor = alice.inbox()["cursor"]
    run = Poll.run

    def run_slowly(poll: Poll, *arguments: Any) -> Any:
        publisher.publish("user:alice")
        run_ready_work()  # meanwhile the registry ends the hold
        return run(poll, *arguments)

    monkeypatch.setattr(Poll, "run", run_slowly)
    monkeypatch.setattr(app.services.polls, "is_at_head", lambda *_: False)
    reply = path.path.take(path.request(alice, f"?cursor={cursor}&wait=50"), client)
    assert isinstance(reply, Reply)
    assert len(body_of(reply.data)["notifications"]) == 1
    run_ready_work()
    assert client.answers == []


# --- Responses without a poll -------------------------------------------------------------------


@pytest.fixture
def view(app: InProcessGateway) -> View:
    """Alice's view, with the cursor of her last poll."""
    cursor = app.recipient("alice").inbox()["cursor"]
    view = view_of(app, "alice")
    assert view.cursor == cursor
    return view


def single_answer(app: InProcessGateway, view: View, cursor: str | None = None) -> bytes | None:
    """Return the response to a hold with a cursor, by default the view's own, without a run of the poll."""
    hold = SimpleNamespace(view=view, poll=SimpleNamespace(cursor=cursor or view.cursor))
    return next((text for _, text in app.services.polls.answer_single([hold])), None)


def test_one_notification_is_answered_without_a_poll_whatever_others_get(app: InProcessGateway, view: View) -> None:
    publisher = app.publisher()
    assert single_answer(app, view) is None
    publisher.publish("user:bob")
    assert single_answer(app, view) is None
    notification_id = publisher.publish("user:alice")
    publisher.publish("user:bob")
    text = single_answer(app, view)
    assert text is not None
    assert (json.loads(text)["id"], view.unread, view.unseen) == (notification_id, 1, 1)
    assert app.recipient("alice").inbox(view.cursor)["notifications"] == []


def test_several_notifications_need_a_poll(app: InProcessGateway, view: View) -> None:
    publisher = app.publisher()
    for _ in range(2):
        publisher.publish("user:alice")
    assert single_answer(app, view) is None


def test_stale_cursor_needs_a_poll(app: InProcessGateway, view: View) -> None:
    publisher, cursor = app.publisher(), view.cursor
    publisher.publish("user:alice")
    app.recipient("alice").inbox(cursor)  # from another tab, for example
    publisher.publish("user:alice")
    assert single_answer(app, view, cursor) is None, "it would miss the first"
    view.epoch -= 1
    assert single_answer(app, view) is None, "it is a cursor of another epoch"
    view.epoch += 1
    assert single_answer(app, view) is not None


def test_any_entry_but_a_notification_needs_a_poll(app: InProcessGateway) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    alice.inbox()
    shown = publisher.publish("user:alice")
    alice.inbox()
    view = view_of(app, "alice")
    assert publisher.delete(f"/v1/notifications/{shown}").status_code == 204
    assert single_answer(app, view) is None


def test_a_cursor_ahead_of_the_counts_needs_a_poll(app: InProcessGateway, view: View) -> None:
    publisher, tail = app.publisher(), app.services.tail
    publisher.publish("user:alice")
    # Another worker was ahead of this one and made the cursor.
    view.cursor, view.cursor_seq = app.services.codec.encode(tail.epoch, tail.end, view.tag), tail.end
    publisher.publish("user:alice")
    assert single_answer(app, view) is None


# --- Further polls ------------------------------------------------------------------------------


def test_a_poll_with_a_cursor_behind_the_counts_does_not_wait(app: InProcessGateway, path: Path) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    notification_id = app.publisher().publish("user:alice")
    view_of(app, "alice")  # as another poll that counted it already
    reply = path.take(alice, f"?cursor={cursor}&wait=50")
    assert isinstance(reply, Reply)
    assert ids(body_of(reply.data)) == [notification_id]


def test_a_hold_that_begins_during_a_drain_is_answered(app: InProcessGateway, path: Path) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    app.services.holds.is_draining = True
    app.services.pacing.longest_wait = lambda: 50  # type: ignore[method-assign]  # as it was a moment before
    assert isinstance(path.take(alice, f"?cursor={cursor}&wait=50"), Reply)


def test_a_defect_is_an_internal_error(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    monkeypatch.setattr(Poll, "run", lambda *_: {}["a defect"])
    for query in (f"?cursor={cursor}", "?wait=50"):
        assert path.take(alice, query).data.startswith(b"HTTP/1.1 500 ")
    assert app.hold_count == 0, "no hold is left"
    assert "Request failed" in caplog.text


def test_several_holds_of_one_recipient_count_once(app: InProcessGateway, path: Path) -> None:
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    clients = [path.hold(alice, cursor) for _ in range(3)]
    app.publisher().publish("user:alice")
    bodies = [without_poll(body_of(answer)) for answer in answers_of(clients)]
    assert bodies == [without_poll(alice.inbox(cursor))] * 3
    assert bodies[0]["unread"] == 1


def test_a_hold_that_begins_while_the_view_changes_is_woken_by_entries_of_the_new_view(
    make_app: Callable[..., InProcessGateway],
) -> None:
    """The worker is behind the client's cursor and reads only while the wait begins that a type is no longer muted."""
    one, other = make_app(), make_app(head_check_interval=60.0)
    publisher, alice, there = other.publisher(), one.recipient("alice"), other.recipient("alice")
    muted = {"types": {"sale": {"muted": True}}}
    assert alice.put("/v1/inbox/preferences", json=muted).status_code == 200
    other.services.follower.check_soon()
    there.inbox()
    assert alice.put("/v1/inbox/preferences", json={"types": {}}).status_code == 200
    cursor, client, path = alice.inbox()["cursor"], Client(), Path(other)
    taken = path.path.take(path.request(there, f"?cursor={cursor}&wait=50"), client)
    hold = taken.run() if isinstance(taken, Deferred) else taken
    assert isinstance(hold, PollHold)
    assert hold.state == "waiting"
    notification_id = publisher.publish("user:alice", type="sale")
    assert ids(body_of(answers_of([client])[0])) == [notification_id]
    path.stop()


def test_a_repeated_poll_is_a_304_until_an_entry_arrives(app: InProcessGateway, path: Path) -> None:
    alice, publisher = app.recipient("alice"), app.publisher()
    first = alice.inbox()
    query, tag = f"?cursor={first['cursor']}", f'If-None-Match: W/"{first["cursor"]}"'
    for _ in range(3):
        reply = path.take(alice, query, None, tag)
        assert isinstance(reply, Reply)
        assert reply.data.startswith(b"HTTP/1.1 304 ")
    revalidation = revalidation_of(reply)
    in_hub(path.path.refresh)
    response = revalidation.response_at(time.time())
    assert response is not None
    assert response.startswith(b"HTTP/1.1 304 ")
    publisher.publish("user:bob")
    assert revalidation.response_at(time.time()) is not None, "entries for others change nothing"
    notification_id = publisher.publish("user:alice")
    assert revalidation.response_at(time.time()) is None
    reply = path.take(alice, query, None, tag)
    assert ids(body_of(reply.data)) == [notification_id]


def test_a_revalidation_ends_with_its_token_its_quota_and_the_gateway(make_path: MakePath) -> None:
    path = make_path(limit_guard="8/day")
    app = path.app
    alice = app.recipient("alice")
    cursor = alice.inbox()["cursor"]
    reply = path.take(alice, f"?cursor={cursor}", None, f'If-None-Match: W/"{cursor}"')
    revalidation = revalidation_of(reply)
    assert revalidation.response_at(time.time()) is not None
    assert revalidation.response_at(4e9) is None, "the token has expired by then"
    passed = sum(revalidation.response_at(time.time()) is not None for _ in range(20))
    assert passed < 8
    path.path.drain()
    assert revalidation.response_at(time.time()) is None


def test_a_revalidation_ends_with_the_revocation_of_its_token(app: InProcessGateway, path: Path) -> None:
    alice = app.recipient("alice")
    etag = alice.poll().headers["ETag"]
    revalidation = revalidation_of(path.take(alice, "", None, f"If-None-Match: {etag}"))
    assert revalidation.response_at(time.time()) is not None
    app.services.writer.transact(revoke_tokens("alice"))
    assert revalidation.response_at(time.time()) is None
    assert path.take(alice, "", None, f"If-None-Match: {etag}") is None, "Flask counts the failure"


def test_revocation_ends_a_held_poll(app: InProcessGateway, path: Path) -> None:
    alice, bob = path.hold_each("alice", "bob")
    app.services.writer.transact(revoke_tokens("alice"))
    (answer,) = answers_of([alice])
    assert head_of(answer).startswith("HTTP/1.1 401 ")
    assert "\r\nWWW-Authenticate: Bearer" in head_of(answer)
    assert body_of(answer)["code"] == "unauthorized"
    assert app.hold_count == 1
    assert not bob.answers


@pytest.mark.parametrize("notifications", [1, 2], ids=["together", "by itself"])
def test_poll_that_an_entry_wakes_before_the_revocation_does_gets_no_entry(
    make_path: MakePath, monkeypatch: pytest.MonkeyPatch, notifications: int
) -> None:
    monkeypatch.setattr(HoldRegistry, "wake_recipient", lambda *_: None)
    path = make_path()
    clients, publisher = path.hold_each("alice", "bob"), path.app.publisher()
    path.app.services.writer.transact(revoke_tokens("alice"))
    with gevent.Timeout(10):
        gevent.joinall([gevent.spawn(publisher.publish, "all") for _ in range(notifications)], raise_error=True)
    assert [answer.split()[1] for answer in answers_of(clients)] == [b"401", b"200"]


@pytest.mark.parametrize("query", ["?cursor={}", "?cursor={}&wait=50"])
def test_token_revoked_during_its_poll_is_refused(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    alice = app.recipient("alice")
    first = alice.poll()
    monkeypatch.setattr(app.services.revocations, "accepts", lambda _: False)
    taken = path.take(alice, query.format(first.json["cursor"]), None, f"If-None-Match: {first.headers['ETag']}")
    assert taken is None or taken.data.startswith(b"HTTP/1.1 401 ")
    assert app.hold_count == 0


# --- Events while a greenlet polls --------------------------------------------------------------


@pytest.mark.parametrize(
    ("meanwhile", "known"),
    [("nothing", 0), ("nothing", 1), ("the client has left", 0), ("its time is over", 0), ("its time ends", 0)],
)
def test_a_poll_without_changes_that_ran_in_a_greenlet_is_parked_again_if_it_can(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str, known: int
) -> None:
    """It is woken without changes when memory isn't sufficient to check that, after so many checks for which it is."""
    alice, client, holds = app.recipient("alice"), Client(), app.services.holds
    cursor = alice.inbox()["cursor"]
    hold = path.take(alice, f"?cursor={cursor}&wait=50", client)
    run, calls, reasons = Poll.run, iter([*[False] * known, True]), list[str]()
    arm, leave = holds.arm, holds.leave

    def run_later(poll: Poll, *arguments: Any) -> Any:
        if next(calls, False):
            raise WouldWaitError
        client.is_gone = meanwhile == "the client has left"
        if meanwhile == "its time ends" and hold.state == "checking":
            hold.expire()
        return run(poll, *arguments)

    def arm_and_expire(hold: PollHold) -> None:
        arm(hold)
        hold.expire()

    monkeypatch.setattr(Poll, "run", run_later)
    monkeypatch.setattr(app.services.polls, "is_at_head", lambda *_: False)
    monkeypatch.setattr(holds, "leave", lambda hold, reason: (reasons.append(reason), leave(hold, reason)))
    if meanwhile == "its time is over":
        monkeypatch.setattr(holds, "arm", arm_and_expire)
    in_hub(lambda: holds.wake_recipient("alice"))
    if meanwhile == "nothing":
        eventually(lambda: hold.state == "waiting", "the hold's return")
        assert client.answers == []
        notification_id = app.publisher().publish("user:alice")
        assert ids(body_of(answers_of([client])[0])) == [notification_id]
    elif meanwhile == "the client has left":
        eventually(lambda: "gone" in reasons, "its end in the registry")
    else:
        assert body_of(answers_of([client])[0])["notifications"] == []
    assert app.hold_count == 0


# --- Polls that are repeated --------------------------------------------------------------------


def not_modified(path: Path, actor: RecipientActor) -> Reply:
    """Return the 304 to a recipient's poll."""
    cursor = actor.inbox()["cursor"]
    reply = path.take(actor, f"?cursor={cursor}", None, f'If-None-Match: W/"{cursor}"')
    assert isinstance(reply, Reply)
    assert reply.data.startswith(b"HTTP/1.1 304 ")
    return reply


def test_with_access_lines_nothing_is_revalidated(
    app: InProcessGateway, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not_modified(path, app.recipient("alice")).make_revalidation is not None
    monkeypatch.setattr("notifygate.fastpath.record.logs_requests", lambda: True)
    in_hub(path.path.refresh)
    assert not_modified(path, app.recipient("alice")).make_revalidation is None


def test_a_remembered_poll_holds_no_view(app: InProcessGateway, path: Path) -> None:
    alice = app.recipient("alice")
    revalidation = revalidation_of(not_modified(path, alice))
    assert in_hub(lambda: revalidation.response_at(time.time())) is not None
    view = weakref.ref(view_of(app, "alice"))
    app.services.views.clear()
    eventually(lambda: view() is None, "the end of the view, which the thread that read it may hold for a moment")
    assert in_hub(lambda: revalidation.response_at(time.time())) is not None, "no entry has arrived"
    app.publisher().publish("user:bob")
    assert in_hub(lambda: revalidation.response_at(time.time())) is None, (
        "only a poll can check whether the entry is visible"
    )


@pytest.mark.parametrize(
    ("head_bytes", "name"),
    [(300, "alice"), (300, LONGEST_NAME), (2048, "alice"), (2048, LONGEST_NAME), (7900, "alice")],
    ids=["300, short name", "300, longest name", "2048, short name", "2048, longest name", "7900"],
)
def test_remembered_polls_take_no_more_memory_than_their_bound(make_path: MakePath, name: str, head_bytes: int) -> None:
    path = make_path(limit_guard="1000000/day")
    reply = not_modified(path, path.app.recipient(name))
    repeats, now = Repeats(), time.time()
    weight = head_bytes + ENTRY_BYTES + revalidation_of(reply).held_bytes
    for n in range(MAX_REMEMBERED_BYTES // weight - 1):  # one more would drop half of them
        key = b"%0*d" % (head_bytes, n)
        repeats.remember(key, lambda: revalidation_of(reply))
        repeats.remember(key, lambda: revalidation_of(reply))
        if remembered := repeats.get(key):  # a large one is not
            remembered.response_at(now)  # so that it has its prepared response
    assert bytes_in_memory(repeats) <= 64 * 1024 * 1024
    assert (len(repeats) > 10_000) == (head_bytes <= 2048)


def bytes_in_memory(repeats: Repeats) -> int:
    """Return how many bytes remembered polls take, each as if it shared nothing with the others."""
    total = sys.getsizeof(repeats._seen)
    for kept in (repeats._young, repeats._old):
        total += sys.getsizeof(kept)
        for key, revalidation in kept.items():
            assert isinstance(revalidation, PollRevalidation)
            own = [getattr(revalidation, slot) for slot in PollRevalidation.__slots__ if slot != "_path"]
            total += sum(map(sys.getsizeof, (key, revalidation, *own)))
    return total


def test_answers_from_memory_vary_with_the_origin_as_those_of_the_endpoint(make_path: MakePath) -> None:
    path = make_path(cors_origins=("https://app.example.org",))
    alice = path.app.recipient("alice")
    first = alice.poll()
    assert first.headers["Vary"] == "Origin, Authorization, Accept-Encoding"
    revalidation = revalidation_of(path.take(alice, "", None, f"If-None-Match: {first.headers['ETag']}"))
    held = path.hold(alice, first.json["cursor"])
    repeated = revalidation.response_at(time.time())
    path.app.publisher().publish("user:alice", "Hello")
    (woken,) = answers_of([held])
    lines = [head_of(answer).split("\r\n") for answer in (repeated or b"", woken)]
    assert ["Vary: Origin, Authorization, Accept-Encoding" in each for each in lines] == [True, True]

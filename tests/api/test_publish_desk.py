"""The publish desk, in this process: what it takes, what it leaves to the endpoint, and that it counts no request twice."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult

from notifygate.api.desk.front_desk import FrontDesk
from notifygate.errors import UnavailableError
from notifygate.server.desk import Reply
from notifygate.server.plain_request import read_request
from notifygate.waiting import WouldWaitError
from tests.support.in_process import InProcessGateway, PublisherActor

NEWS = {"to": "user:alice", "title": "News"}


class Desk:
    """A front desk to which publications are brought as the server does it."""

    def __init__(self, app: InProcessGateway) -> None:
        self.app = app
        self.front = FrontDesk(app.services)
        self.front.start(send=lambda _: None)

    def take(self, credential: str, *fields: str, body: Any = NEWS) -> Any:
        """Bring a publication."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = (
            "POST /v1/notifications HTTP/1.1", "Host: gateway", f"Authorization: Bearer {credential}",
            "Content-Type: application/json", f"Content-Length: {len(text)}", *fields, "", "",
        )  # fmt: skip
        request = read_request("\r\n".join(lines).encode() + text)
        assert request is not None
        return self.front.take(request, None)  # type: ignore[arg-type]

    def counted(self, publisher: PublisherActor) -> tuple[int, ...]:
        """Return what was counted of a publisher: requests, publications and audiences."""
        limits = [self.app.services.limits.windows(name) for name in ("guard", "publish", "audiences")]
        return tuple(limit.counted(f"key:{publisher.key_id}") for limit in limits if limit)


@pytest.fixture
def desk(make_app: Callable[..., InProcessGateway]) -> Iterator[Desk]:
    desk = Desk(make_app(limit_guard="3/minute", limit_publish="2/minute", limit_audiences="5/minute"))
    yield desk
    desk.front._timer.stop()


def parts(reply: Any) -> tuple[bytes, dict[str, str], Any]:
    """Return status line, header fields and body of an answer."""
    assert isinstance(reply, Reply)
    head, _, body = reply.data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return line, dict(field.decode().split(": ", 1) for field in fields), json.loads(body)


def test_what_is_in_order_is_published_and_counted_once(desk: Desk) -> None:
    alice, publisher = desk.app.recipient("alice"), desk.app.publisher()
    cursor = alice.inbox()["cursor"]
    line, fields, body = parts(desk.take(publisher.credential, "X-Request-Id: mine"))
    assert line == b"HTTP/1.1 201 CREATED"
    assert fields["Location"] == f"/v1/notifications/{body['id']}"
    assert fields["X-Request-Id"] == "mine"
    assert fields["RateLimit"].startswith('"guard";r=2;t=')
    assert '"publish";r=1;t=' in fields["RateLimit"]
    assert fields["RateLimit-Policy"] == '"guard";q=3;w=60, "publish";q=2;w=60, "audiences";q=5;w=60'
    assert [item["id"] for item in alice.inbox(cursor)["notifications"]] == [body["id"]]
    assert desk.counted(publisher) == (1, 1, 1)


def test_nothing_is_published_in_the_hub(desk: Desk) -> None:
    publisher = desk.app.publisher()
    done: AsyncResult[Any] = AsyncResult()

    def run() -> None:
        try:
            done.set(desk.take(publisher.credential))
        except WouldWaitError as error:
            done.set(error)

    gevent.get_hub().loop.run_callback(run)
    assert isinstance(done.get(timeout=10), WouldWaitError)
    assert desk.counted(publisher) == (0, 0, 0)


@pytest.mark.parametrize(
    ("credential", "fields", "body"),
    [
        pytest.param("ng_0123456789ab_x", (), NEWS, id="unknown key"),
        pytest.param("<token>", (), NEWS, id="a token"),
        pytest.param("<key>", (), b"{", id="no JSON"),
        pytest.param("<key>", (), {**NEWS, "what": 1}, id="an unknown field"),
        pytest.param("<key>", ("Idempotency-Key: " + "x" * 129,), NEWS, id="a long key"),
    ],
)
def test_what_is_not_in_order_is_left_to_the_endpoint_uncounted(
    desk: Desk, credential: str, fields: tuple[str, ...], body: Any
) -> None:
    publisher = desk.app.publisher()
    words = {"<key>": publisher.credential, "<token>": desk.app.recipient("alice").credential}
    assert desk.take(words.get(credential, credential), *fields, body=body) is None
    assert desk.counted(publisher) == (0, 0, 0)


def test_key_that_memory_does_not_know_is_left_to_the_endpoint_without_a_database_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = desk.app.publisher()
    monkeypatch.setattr(desk.app.services.keys, "_read", lambda _: pytest.fail("the database was read"))
    assert desk.take("ng_0123456789ab_x") is None
    assert desk.take(f"ng_{publisher.key_id}_wrong") is None
    assert parts(desk.take(publisher.credential))[0] == b"HTTP/1.1 201 CREATED"


def test_a_reached_guard_is_left_to_the_endpoint_and_a_reached_limit_is_a_429(desk: Desk) -> None:
    publisher = desk.app.publisher()
    lines = [parts(desk.take(publisher.credential))[0] for _ in range(3)]
    assert [line.split()[1] for line in lines] == [b"201", b"201", b"429"]
    assert desk.take(publisher.credential) is None
    assert desk.counted(publisher) == (3, 2, 2)


def test_more_audiences_than_are_left_publish_nothing_and_count_none(desk: Desk) -> None:
    alice, publisher = desk.app.recipient("alice"), desk.app.publisher()
    cursor = alice.inbox()["cursor"]
    many = {"to": [*(f"user:u{n}" for n in range(5)), "user:alice"], "title": "News"}
    line, fields, body = parts(desk.take(publisher.credential, body=many))
    assert (line.split()[1], body["code"]) == (b"429", "rate-limited")
    assert '"audiences";r=5;t=' in fields["RateLimit"]
    assert desk.counted(publisher) == (1, 1, 0)
    assert not alice.inbox(cursor)["notifications"]
    line, fields, _ = parts(desk.take(publisher.credential, body={**many, "to": ["user:alice", *many["to"][1:]]}))
    assert line.split()[1] == b"201"  # an audience that is named twice counts once
    assert '"audiences";r=0;t=' in fields["RateLimit"]


def test_what_fails_on_the_way_is_answered_here_and_not_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = desk.app.publisher()

    def fail(*_: object) -> None:
        raise UnavailableError("Too many changes are waiting to be written.")

    monkeypatch.setattr(desk.app.services.publishing._writer, "publish", fail)
    line, fields, body = parts(desk.take(publisher.credential))
    assert line.split()[1] == b"503"
    assert int(fields["Retry-After"]) > 0
    assert body["code"] == "unavailable"
    assert desk.counted(publisher) == (1, 1, 1)


def test_a_defect_after_the_commit_does_not_publish_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, publisher = desk.app.recipient("alice"), desk.app.publisher()
    cursor = alice.inbox()["cursor"]
    monkeypatch.setattr(desk.front._writer, "created", lambda: b"")  # takes no arguments: a defect
    line, _, body = parts(desk.take(publisher.credential))
    assert (line.split()[1], body["code"]) == (b"500", "internal")
    assert len(alice.inbox(cursor)["notifications"]) == 1


def test_answers_while_the_gateway_stops_end_the_connection(desk: Desk) -> None:
    publisher = desk.app.publisher()
    desk.front.drain()
    reply = desk.take(publisher.credential)
    assert parts(reply)[1]["Connection"] == "close"
    assert not reply.keeps_alive

"""Publications on the fast path, in this process: answered in a greenlet, and counted once."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifygate.errors import UnavailableError
from notifygate.server.handler import Deferred, Reply
from notifygate.server.plain_request import read_request
from tests.support.fast_path import InProcessFastPath
from tests.support.in_process import InProcessGateway, PublisherActor

NEWS = {"to": "user:alice", "title": "News"}


class Path(InProcessFastPath):
    """A fast path that receives publications as the server sends them."""

    def take(self, credential: str, *fields: str, body: Any = NEWS) -> Any:
        """Answer a publication."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = (
            "POST /v1/notifications HTTP/1.1", "Host: gateway", f"Authorization: Bearer {credential}",
            "Content-Type: application/json", f"Content-Length: {len(text)}", *fields, "", "",
        )  # fmt: skip
        request = read_request("\r\n".join(lines).encode() + text)
        assert request is not None
        deferred = self.take_request(request)
        assert isinstance(deferred, Deferred), "nothing is published in the hub"
        return deferred.run()

    def counted(self, publisher: PublisherActor) -> tuple[int, ...]:
        """Return a publisher's counts: requests, publications and audiences."""
        limits = [self.app.services.limits.windows(name) for name in ("guard", "publish", "audiences")]
        return tuple(limit.counted(f"key:{publisher.key_id}") for limit in limits if limit)


@pytest.fixture
def path(make_app: Callable[..., InProcessGateway]) -> Iterator[Path]:
    path = Path(make_app(limit_guard="9/minute", limit_publish="2/minute", limit_audiences="5/minute"))
    yield path
    path.stop()


def parts(reply: Any) -> tuple[bytes, dict[str, str], Any]:
    """Return status line, header fields and body of an answer."""
    assert isinstance(reply, Reply)
    head, _, body = reply.data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return line, dict(field.decode().split(": ", 1) for field in fields), json.loads(body)


def test_a_publication_is_counted_once(path: Path) -> None:
    alice, publisher = path.app.recipient("alice"), path.app.publisher()
    cursor = alice.inbox()["cursor"]
    line, fields, body = parts(path.take(publisher.credential, "X-Request-Id: mine"))
    assert line == b"HTTP/1.1 201 CREATED"
    assert fields["Location"] == f"/v1/notifications/{body['id']}"
    assert fields["X-Request-Id"] == "mine"
    assert fields["RateLimit"].startswith('"guard";r=8;t=')
    assert '"publish";r=1;t=' in fields["RateLimit"]
    assert [item["id"] for item in alice.inbox(cursor)["notifications"]] == [body["id"]]
    assert path.counted(publisher) == (1, 1, 1)
    lines = [parts(path.take(publisher.credential))[0] for _ in range(3)]
    assert [line.split()[1] for line in lines] == [b"201", b"429", b"429"]
    assert path.counted(publisher) == (4, 2, 2)


def test_a_key_that_is_not_in_memory_is_left_to_flask_without_a_database_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = path.app.publisher()
    monkeypatch.setattr(path.app.services.keys, "verify", lambda _: pytest.fail("the database was asked"))
    assert path.take("ng_0123456789ab_x") is None
    assert path.take(f"ng_{publisher.key_id}_wrong") is None
    assert parts(path.take(publisher.credential))[0] == b"HTTP/1.1 201 CREATED"


def test_more_audiences_than_are_left_publish_nothing_and_count_none(path: Path) -> None:
    alice, publisher = path.app.recipient("alice"), path.app.publisher()
    cursor = alice.inbox()["cursor"]
    many = {"to": [*(f"user:u{n}" for n in range(5)), "user:alice"], "title": "News"}
    line, fields, body = parts(path.take(publisher.credential, body=many))
    assert (line.split()[1], body["code"]) == (b"429", "rate-limited")
    assert '"audiences";r=5;t=' in fields["RateLimit"]
    assert path.counted(publisher) == (1, 1, 0)
    assert not alice.inbox(cursor)["notifications"]
    line, fields, _ = parts(path.take(publisher.credential, body={**many, "to": ["user:alice", *many["to"][1:]]}))
    assert line.split()[1] == b"201"  # an audience that is named twice counts once
    assert '"audiences";r=0;t=' in fields["RateLimit"]


def test_a_failure_is_answered_and_not_repeated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = path.app.publisher()

    def fail(*_: object) -> None:
        raise UnavailableError("Too many changes are waiting to be written.")

    monkeypatch.setattr(path.app.services.writer, "publish", fail)
    line, fields, body = parts(path.take(publisher.credential))
    assert line.split()[1] == b"503"
    assert int(fields["Retry-After"]) > 0
    assert body["code"] == "unavailable"
    assert path.counted(publisher) == (1, 1, 1)


def test_a_defect_after_the_commit_does_not_publish_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, publisher = path.app.recipient("alice"), path.app.publisher()
    cursor = alice.inbox()["cursor"]
    monkeypatch.setattr("notifygate.endpoints.publishing.json_response", lambda: b"")  # takes no arguments: a defect
    line, _, body = parts(path.take(publisher.credential))
    assert (line.split()[1], body["code"]) == (b"500", "internal")
    assert len(alice.inbox(cursor)["notifications"]) == 1


def test_responses_while_draining_close_the_connection(path: Path) -> None:
    publisher = path.app.publisher()
    path.path.drain()
    reply = path.take(publisher.credential)
    assert parts(reply)[1]["Connection"] == "close"
    assert not reply.keep_alive

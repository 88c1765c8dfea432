"""Plain requests are answered alike on both ways: from their bytes by the fast path, and from an environ by Flask.

Requests that are not plain are parsed by gunicorn only: see `tests/unit/server/test_plain_request.py`. The connections
themselves are tested on sockets: see `tests/longpoll/test_differential.py`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gevent
import jwt
import pytest

from notifygate.server.plain_request import read_request
from notifygate.server.reactor import READ_BYTES
from tests.api.helpers import hold_ends
from tests.api.plain_requests import CASES, HOLDS, ORIGIN
from tests.support.comparison import differences
from tests.support.environ_path import answer_by_environ
from tests.support.exchange import Exchange, read_answers
from tests.support.fast_path import InProcessFastPath
from tests.support.in_process import UNLIMITED, InProcessGateway
from tests.support.manual_clock import ManualClock
from tests.support.request_bytes import NAME, fill
from tests.support.waiting import eventually


def same_bits(character: str) -> str:
    """Return another last character of 32 bytes in base64url that decodes alike: its two lowest bits are unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]


class BothWays:
    """A gateway, both ways to it, and the values of the words in the requests."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        limits = dict.fromkeys(UNLIMITED, "1000000/minute")  # so that their headers are compared too
        self.app = app = InProcessGateway(
            f"sqlite:///{folder / 'notifygate.db'}",
            cors_origins=(ORIGIN, "https://other.example:8443"),
            holds_per_recipient=1000,
            clock=self.clock,
            **limits,
        )
        self.fast_path = InProcessFastPath(app)
        publisher, admin = app.publisher(), app.admin()
        narrow = app.publisher(audiences=("user:x*",), types=("general",))
        alice, other, with_roles = app.recipient("alice"), app.recipient("other"), app.recipient("alice", "reader")
        for recipient in (alice, other, with_roles):
            recipient.inbox()
        publisher.publish(["user:alice", "user:other"], "Before", body="Größe: 5 µm", data={"n": 1})
        old = alice.inbox()["cursor"]
        publisher.publish("user:alice", "First news", priority="high", icon="bell")
        publisher.publish("user:alice", "Second news", action_url="/there?a=b&c", sender="me")
        cursor, other_cursor = alice.inbox()["cursor"], other.inbox()["cursor"]
        token = alice.credential
        texts = {
            "token": token,
            "token-short": token[:-1],
            "token-padded": token[:-1] + same_bits(token[-1]),
            "other-token": other.credential,
            "roles-token": with_roles.credential,
            "expired-token": app.token(exp=int(time.time()) - 10),
            "early-token": app.token(nbf=int(time.time()) + 3000),
            "foreign-token": app.token("another secret of more than 32 bytes, not the gateway's"),
            "unsigned-token": jwt.encode({"sub": "alice", "exp": int(time.time()) + 3600}, None, "none"),
            "endless-token": app.token(exp=None),
            "nameless-token": app.token(sub=None),
            "key": publisher.credential,
            "admin-key": admin.credential,
            "narrow-key": narrow.credential,
            "old": old,
            "cursor": cursor,
            "cursor-encoded": "".join(f"%{ord(character):02x}" for character in cursor),
            "etag": cursor,
            "etag-swapped": cursor.swapcase(),
            "other-cursor": other_cursor,
        }
        self.words = {f"<{word}>".encode(): text.encode() for word, text in texts.items()}
        self._names = 0

    def answers(self, *requests: bytes) -> tuple[Exchange, Exchange]:
        """Return the answers of each way to requests that are sent one after the other; each way has its own name."""
        return self._exchange(requests, self._from_bytes), self._exchange(requests, self._from_environ)

    def _exchange(self, requests: Sequence[bytes], answer: Callable[[bytes], tuple[bytes, bool]]) -> Exchange:
        self._names += 1
        name = str(self._names).rjust(len(NAME), "r").encode()
        words = {**self.words, b"<name>": name}
        sent = [fill(one, words) for one in requests]
        answered = [answer(one) for one in sent]
        received = b"".join(data for data, _ in answered).replace(name, NAME.encode())
        return Exchange(b"".join(sent), received, answered[-1][1], time.time())

    def _from_bytes(self, data: bytes) -> tuple[bytes, bool]:
        assert len(data) <= READ_BYTES, "the reactor reads no more"
        assert read_request(data) is not None, "only plain requests have two ways"
        # The fast path leaves some credentials to Flask.
        return self.fast_path.answer(data) or self._from_environ(data)

    def _from_environ(self, data: bytes) -> tuple[bytes, bool]:
        return answer_by_environ(self.app, data)

    def close(self) -> None:
        self.fast_path.stop()
        self.app.stop()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothWays]:
    """Both ways to one gateway."""
    made = BothWays(tmp_path_factory.mktemp("both"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def held(both: BothWays) -> dict[str, Any]:
    """The answers to the holds, as greenlets that are done."""
    asking = {name: gevent.spawn(both.answers, data) for name, data in HOLDS.items()}

    def left() -> int:
        return sum(not greenlet.ready() for greenlet in asking.values())

    while left():
        ended = hold_ends("timeout")
        eventually(lambda: both.app.hold_count == left(), "each is held or answered")
        held = both.app.hold_count
        both.clock.advance(1)
        eventually(lambda ended=ended, held=held: hold_ends("timeout") == ended + held, "their end")
    return asking


def assert_alike(answers: tuple[Exchange, Exchange], *, with_opaque: bool = False) -> None:
    """Fail with every difference between the answer to bytes (-) and that to an environ (+)."""
    lines = differences(*answers, with_opaque=with_opaque)
    assert not lines, "bytes (-) and environ (+) differ:\n" + "\n".join(line[:600] for line in lines)


@pytest.mark.parametrize("case", CASES, ids=[name[:60] for name in CASES])
def test_a_plain_request_is_answered_alike_on_both_ways(both: BothWays, case: str) -> None:
    assert_alike(both.answers(*CASES[case]), with_opaque=case.startswith(("publication", "several")))


@pytest.mark.parametrize("case", HOLDS)
def test_a_hold_ends_alike_on_both_ways(held: dict[str, Any], case: str) -> None:
    assert_alike(held[case].get())


def test_the_requests_get_the_expected_statuses(both: BothWays) -> None:
    expected = {
        "poll: cursor": [200],
        "poll: cursor and a tag that matches": [304],
        "parameter: what=1": [400],
        "target: /v1/inboxes": [404],
        "credential: Authorization: Bearer <expired-token>": [401],
        "credential: Authorization: Bearer <key>": [403],
        "publication: plain": [201],
        "publication: no media type": [415],
        "several: idempotent, twice": [201, 201],
        "several: idempotent, another request": [201, 422],
    }
    for case, statuses in expected.items():
        for answered in both.answers(*CASES[case]):
            assert [answer.status for answer in read_answers(answered.received)[0]] == statuses, case

"""Connections after a response: the next request is read, or the connection closes and its client gets the whole response."""

import json
from collections.abc import Iterator

import gevent
import pytest

from tests.support.gateway_process import changed_configuration
from tests.support.processes import running as running_server
from tests.support.raw_http import RawConnection, poll_text, post_text
from tests.support.site import Publisher, Recipient, Site
from tests.support.waiting import eventually

CHUNKED = "Transfer-Encoding: chunked"
LENGTH = "Content-Length: {}"
NEWS = '{"to": "all", "title": "News"}'
ROUNDS = 10


def chunks(body: str) -> str:
    """Return a chunked body."""
    return f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"


@pytest.fixture(scope="module", params=[True, False], ids=["detached", "plain"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway of each way, which does not wait long for the rest of a body."""
    folder = tmp_path_factory.mktemp("after")
    hasty = changed_configuration(folder, "from notifygate.server import transfer", "transfer.UNREAD_BODY_SECONDS = 1")
    env = {"NOTIFYGATE_DETACHED": str(request.param), **hasty}
    with running_server(Site(f"sqlite:///{folder}/notifygate.db", env)) as site:
        yield site
        assert '"level": "error"' not in site.gateways[0].output


@pytest.fixture(scope="module")
def stranger(running: Site) -> Publisher:
    """A publisher without a valid key, whose bodies are not read."""
    return Publisher("ng_0123456789abcdef_secret", running.url)


def is_detached(site: Site) -> bool:
    return site.env["NOTIFYGATE_DETACHED"] == "True"


# The next request


@pytest.mark.parametrize(
    ("framing", "body", "is_read"),
    [
        (CHUNKED, chunks(NEWS), True),
        (CHUNKED, chunks(NEWS), False),
        (CHUNKED, chunks(NEWS).replace("\r\n\r\n", "\r\nX-Trailer: 1\r\n\r\n"), False),
        (LENGTH.format(len(NEWS)), NEWS, False),
        (LENGTH.format(65_536), " " * 65_536, False),
    ],
    ids=["chunked", "chunked, not read", "with a trailer, not read", "not read", "the longest, not read"],
)
@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "late"])
def test_connection_is_as_any_other_after_a_body(
    running: Site, stranger: Publisher, framing: str, body: str, is_read: bool, is_late: bool
) -> None:
    """One that returns to the reactor: the poll after it is answered in the hub."""
    alice = running.recipient()
    poll = poll_text(alice, alice.cursor())
    hub_answers = running.metric("notifygate_hub_answers_total")
    publisher = running.publisher() if is_read else stranger
    with RawConnection(running.url) as connection:
        for _ in range(ROUNDS):
            connection.send(post_text(publisher, framing, "" if is_late else body))
            if is_late and is_read:
                connection.send(body)
            assert connection.receive().status == (201 if is_read else 401)
            if is_late and not is_read:
                connection.send(body)
            connection.send(poll)
            assert connection.receive().status == 200
    if is_detached(running):
        eventually(lambda: running.metric("notifygate_hub_answers_total") >= hub_answers + ROUNDS, "polls in the hub")


def test_request_in_the_segment_of_an_unread_body_is_answered(running: Site, stranger: Publisher) -> None:
    alice = running.recipient()
    poll = poll_text(alice, alice.cursor())
    with RawConnection(running.url) as connection:
        connection.send(
            post_text(stranger, CHUNKED, chunks(NEWS)) + poll + post_text(stranger, LENGTH.format(2), "{}") + poll
        )
        assert [connection.receive().status for _ in range(4)] == [401, 200, 401, 200]


@pytest.mark.parametrize("rest", ["zz\r\n", "5\r\nhelloXX0\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n", "1;\x01\r\n"])
def test_malformed_body_after_its_response_gets_no_second_one(running: Site, stranger: Publisher, rest: str) -> None:
    with RawConnection(running.url) as connection:
        connection.send(post_text(stranger, CHUNKED))
        assert connection.receive().status == 401
        connection.send(rest + poll_text(running.recipient(), None))
        assert connection.socket.recv(1) == b""


@pytest.mark.parametrize("framing", [CHUNKED, LENGTH.format(900)])
def test_unread_body_that_trickles_in_ends_the_connection(running: Site, stranger: Publisher, framing: str) -> None:
    piece = "1\r\n \r\n" if framing == CHUNKED else " "
    with RawConnection(running.url) as connection:
        connection.send(post_text(stranger, framing))
        assert connection.receive().status == 401

        def drip() -> None:
            for _ in range(890):
                connection.send(piece)
                gevent.sleep(0.1)

        dripping = gevent.spawn(drip)
        try:
            assert connection.socket.recv(1) == b""
            assert not dripping.ready()
        finally:
            dripping.kill()


# The whole response


@pytest.mark.parametrize(
    ("framing", "frame", "status", "is_announced"),
    [
        (LENGTH.format(2_000_000), str, 413, True),
        (CHUNKED, chunks, 401, False),
    ],
    ids=["refused", "not read"],
)
def test_client_that_sends_a_too_long_body_first_gets_the_response(
    running: Site, stranger: Publisher, framing: str, frame: type, status: int, is_announced: bool
) -> None:
    with RawConnection(running.url) as connection:
        connection.send(post_text(stranger, framing, frame(" " * 2_000_000)))
        answer = connection.receive()
        assert answer.status == status
        assert (answer.headers["connection"] == "close") == is_announced
        assert connection.socket.recv(1) == b""


def test_client_of_a_rejected_request_gets_the_response(running: Site) -> None:
    with RawConnection(running.url) as connection:
        connection.send(f"GET /v1/inbox?{'x' * 500_000} HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = connection.receive()
        assert (answer.status, answer.headers["connection"]) == (414, "close")
        assert "date" in answer.headers
        assert connection.socket.recv(1) == b""


@pytest.fixture(scope="module")
def bulky(running: Site) -> Recipient:
    """A recipient whose snapshot is larger than the kernel's buffers."""
    return running.bulky_recipient("€")


def test_request_behind_the_last_one_does_not_cut_off_its_response(running: Site, bulky: Recipient) -> None:
    with RawConnection(running.url, receive_buffer=4096) as connection:
        connection.send(poll_text(bulky, bulky.cursor(), headers="Connection: close\r\n", wait=50, limit=200))
        running.await_holds(1)
        connection.send(poll_text(bulky, None))
        muted = {running.new_name("type"): {"muted": True}}
        bulky.prefer(muted)  # the held poll gets a reset with the whole inbox
        answer = connection.receive()
        assert len(json.loads(answer.body)["notifications"]) == 200
        assert connection.socket.recv(1) == b"", "not reset"

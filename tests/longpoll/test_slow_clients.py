"""Clients that send or read slowly, with the server's time-outs shortened: steady ones are served, stalled ones are not."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.support.gateway_process import changed_configuration
from tests.support.processes import running
from tests.support.raw_http import RawConnection, poll_text, post_text
from tests.support.site import Publisher, Recipient, Site

STALLED_SECONDS = 3
BODY_SECONDS = 3
ANSWER_BYTES = 200 * 4000 * 4
"""The longest possible snapshot: more than the kernel's buffers."""

WAYS = ("detached", "plain")
FRAMINGS = ("Content-Length: 900", "Transfer-Encoding: chunked")


def request_all(reader: Recipient) -> RawConnection:
    """Request the whole inbox on a connection with a small receive buffer; return the connection."""
    connection = RawConnection(reader.url, timeout_seconds=60, receive_buffer=4096)
    connection.send(poll_text(reader, None, headers="Connection: close\r\n", limit=200))
    return connection


def read_steadily(reader: Recipient, length: int) -> tuple[float, int]:
    """Read the whole answer in four times as long as a client may stall; return the time it took, and its length."""
    began, received = time.monotonic(), b""
    with request_all(reader) as connection:
        while data := connection.socket.recv(16_384):
            received += data
            # In pace, however busy the machine is.
            gevent.sleep(max(0.0, began + len(received) / length * 4 * STALLED_SECONDS - time.monotonic()))
    return time.monotonic() - began, len(received.partition(b"\r\n\r\n")[2])


def read_no_more(reader: Recipient) -> int:
    """Read a part, and the rest after the gateway's time-out; return the number of bytes."""
    with request_all(reader) as connection:
        received = len(connection.socket.recv(1000))
        gevent.sleep(4 * STALLED_SECONDS)
        try:
            while data := connection.socket.recv(65_536):
                received += len(data)
        except ConnectionResetError:
            pass
    return received


def send_in_drops(publisher: Publisher, framing: str) -> None:
    piece = b"1\r\n \r\n" if "chunked" in framing else b" "
    with RawConnection(publisher.url) as connection:
        connection.send(post_text(publisher, framing))

        def drip() -> None:
            for _ in range(890):
                connection.send(piece)
                gevent.sleep(0.2)

        dripping = gevent.spawn(drip)
        try:
            answer = connection.receive()
            assert answer.status == 400
            assert answer.headers["connection"] == "close"
            assert not dripping.ready()
            assert connection.is_closed()
        finally:
            dripping.kill()


def send_in_pieces(publisher: Publisher) -> list[int]:
    body, statuses = b'{"to": "all", "title": "In pieces"}', list[int]()
    with RawConnection(publisher.url) as connection:
        for _ in range(2):  # each request has its own time
            connection.send(post_text(publisher, f"Content-Length: {len(body)}"))
            for start in range(0, len(body), 12):
                connection.send(body[start : start + 12])
                gevent.sleep(0.5)
            statuses.append(connection.receive().status)
    return statuses


def hasty_site(folder: Path, way: str) -> Site:
    """Return a gateway with short time-outs for slow clients."""
    hasty = changed_configuration(
        folder,
        "from notifygate.server import transfer",
        f"transfer.STALLED_SECONDS = {STALLED_SECONDS}",
        f"transfer.BODY_SECONDS = {BODY_SECONDS}",
    )
    return Site(f"sqlite:///{folder}/site.db", {"NOTIFYGATE_DETACHED": str(way == "detached"), **hasty})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Return a function that returns the result of a client of one of the gateways.

    All of them run at once: waiting for one is waiting for all.
    """
    clients: dict[Any, gevent.Greenlet] = {}
    with ExitStack() as stack:
        sites = {way: stack.enter_context(running(hasty_site(tmp_path_factory.mktemp("slow"), way))) for way in WAYS}
        readers = {way: site.bulky_recipient("😀") for way, site in sites.items()}
        for way, site in sites.items():
            length = len(readers[way].poll(limit=200).content)
            assert length > ANSWER_BYTES
            clients[way, "length"] = gevent.spawn(lambda length=length: length)
            clients[way, read_steadily] = gevent.spawn(read_steadily, readers[way], length)
            clients[way, read_no_more] = gevent.spawn(read_no_more, readers[way])
            clients[way, send_in_pieces] = gevent.spawn(send_in_pieces, site.publisher())
            for framing in FRAMINGS:
                clients[way, framing] = gevent.spawn(send_in_drops, site.publisher(), framing)
        yield lambda *of: clients[of].get(timeout=100)
        gevent.killall(list(clients.values()))
        for site in sites.values():
            assert "send_all" not in site.gateways[0].output, "a client that stops reading is not a defect with a stack"


@pytest.mark.parametrize("way", WAYS)
def test_slow_but_steady_client_gets_the_whole_of_a_long_answer(results: Callable[..., Any], way: str) -> None:
    seconds, received = results(way, read_steadily)
    assert seconds > 3 * STALLED_SECONDS
    assert received == results(way, "length")


@pytest.mark.parametrize("way", WAYS)
def test_client_that_stops_reading_is_disconnected(results: Callable[..., Any], way: str) -> None:
    assert 0 < results(way, read_no_more) < results(way, "length")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_body_that_trickles_in_ends_the_connection(results: Callable[..., Any], way: str, framing: str) -> None:
    results(way, framing)


@pytest.mark.parametrize("way", WAYS)
def test_body_in_pieces_that_arrives_in_time_is_accepted(results: Callable[..., Any], way: str) -> None:
    assert results(way, send_in_pieces) == [201, 201]

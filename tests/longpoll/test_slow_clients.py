"""Clients that send or read slowly, with the server's time-outs shortened: steady ones are served, stalled ones are not."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import gevent
import pytest
from gevent.pool import Pool

from tests.support.gateway_process import REPOSITORY
from tests.support.raw_http import RawConnection, poll_text
from tests.support.site import Recipient, Site

STALLED_SECONDS = 3
BODY_SECONDS = 3
ANSWER_BYTES = 200 * 4000 * 4
"""As long as a snapshot can be: more than the kernel takes at once."""


@pytest.fixture(scope="module", params=[True, False], ids=["detached", "plain"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway of each way whose patience with slow clients is some seconds."""
    folder = tmp_path_factory.mktemp("slow")
    configuration = folder / "hasty.py"
    configuration.write_text(
        "import runpy\n"
        "from notifygate.server import transfer\n"
        f"globals().update(runpy.run_path({str(REPOSITORY / 'gunicorn.conf.py')!r}))\n"
        f"transfer.STALLED_SECONDS = {STALLED_SECONDS}\n"
        f"transfer.BODY_SECONDS = {BODY_SECONDS}\n"
    )
    env = {"NOTIFYGATE_DETACHED": str(request.param), "GUNICORN_CMD_ARGS": f"--config {configuration}"}
    running = Site(f"sqlite:///{folder}/site.db", env)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def reader(site: Site) -> Recipient:
    """A recipient whose snapshot is a bit longer than ANSWER_BYTES."""
    made, publisher = site.recipient(), site.publisher()
    made.cursor()
    pool = Pool(10)
    for number in range(200):
        pool.spawn(publisher.publish, f"user:{made.name}", f"number {number}", body="😀" * 4000)
    pool.join(raise_error=True)
    return made


def ask_for_all(site: Site, reader: Recipient) -> socket.socket:
    """Ask for everything, on a connection whose receive buffer is small; return it."""
    address = urlsplit(site.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect((address.hostname, address.port))
    connection.sendall(poll_text(reader, None, headers="Connection: close\r\n", limit=200).encode())
    return connection


def test_slow_but_steady_client_gets_all_of_a_long_answer(site: Site, reader: Recipient) -> None:
    length = len(reader.poll(limit=200).content)
    assert length > ANSWER_BYTES
    began, received = time.monotonic(), b""
    with ask_for_all(site, reader) as connection:
        while data := connection.recv(16_384):
            received += data
            # In pace, however busy the machine is: the whole takes four times as long as a client may stall.
            gevent.sleep(max(0.0, began + len(received) / length * 4 * STALLED_SECONDS - time.monotonic()))
    assert time.monotonic() - began > 3 * STALLED_SECONDS
    assert len(received.partition(b"\r\n\r\n")[2]) == length


def test_client_that_reads_nothing_more_is_cut_off(site: Site, reader: Recipient) -> None:
    length = len(reader.poll(limit=200).content)
    with ask_for_all(site, reader) as connection:
        assert connection.recv(1000)
        gevent.sleep(4 * STALLED_SECONDS)
        received = 1000
        try:
            while data := connection.recv(65_536):
                received += len(data)
        except ConnectionResetError:
            pass
    assert received < length


@pytest.mark.parametrize("framing", ["Content-Length: 900", "Transfer-Encoding: chunked"])
def test_body_that_trickles_in_ends_the_connection(site: Site, framing: str) -> None:
    publisher = site.publisher()
    piece = b"1\r\n \r\n" if "chunked" in framing else b" "
    with RawConnection(site.url) as connection:
        connection.send(
            f"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
            f"Content-Type: application/json\r\n{framing}\r\n\r\n"
        )

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


def test_body_in_pieces_that_comes_in_time_is_taken(site: Site) -> None:
    publisher = site.publisher()
    body = b'{"to": "all", "title": "In pieces"}'
    with RawConnection(site.url) as connection:
        for _ in range(2):  # each request has its own time
            connection.send(
                f"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            for start in range(0, len(body), 12):
                connection.send(body[start : start + 12])
                gevent.sleep(0.5)
            assert connection.receive().status == 201

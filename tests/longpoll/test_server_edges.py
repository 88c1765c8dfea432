"""Edge cases of the server, for both ways of waiting: without greenlets, and as gunicorn does."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.support.certificates import make_certificate
from tests.support.gateway_process import GatewayProcess
from tests.support.processes import running as running_server
from tests.support.raw_http import RawAnswer, RawConnection, poll_text, post_text
from tests.support.site import RARE_HEAD_READS, MakeSite, Recipient, Site, sum_of_metric
from tests.support.waiting import eventually

GRACE_SECONDS = 10.0
"""Half of gunicorn's `graceful_timeout` of 20 s for requests under way."""

both_ways = pytest.mark.parametrize("detached", [True, False], ids=["detached", "plain"])


def site_of_each_way(**settings: str) -> Any:
    """Return a fixture: a gateway of each way, for tests that leave it healthy."""

    @pytest.fixture(scope="module", params=[True, False], ids=["detached", "plain"])
    def fixture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
        env = {"NOTIFYGATE_DETACHED": str(request.param), **settings}
        with running_server(Site(f"sqlite:///{tmp_path_factory.mktemp('edges')}/notifygate.db", env)) as site:
            yield site

    return fixture


running = site_of_each_way(
    NOTIFYGATE_HOLDS_PER_RECIPIENT="100", **RARE_HEAD_READS
)  # entries that arrive sooner came with a wake-up
hasty = site_of_each_way(GUNICORN_CMD_ARGS="--keep-alive 2")


def is_free_of_errors(site: Site) -> bool:
    """Return whether the first gateway logged neither an error nor a stack trace."""
    output = site.gateways[0].output
    return '"level": "error"' not in output and "Traceback" not in output


def titles(answer: RawAnswer) -> list[str]:
    """Return the titles in a response, which must be a 200."""
    assert answer.status == 200
    return [item["title"] for item in json.loads(answer.body)["notifications"]]


def test_long_polls_follow_each_other_on_one_connection(running: Site) -> None:
    alice, publisher = running.recipient(), running.publisher()
    cursor = alice.cursor()
    with RawConnection(running.url) as connection:
        for number in range(4):
            connection.send(poll_text(alice, cursor, wait=50))
            running.await_holds(1)
            publisher.publish(f"user:{alice.name}", f"number {number}")
            answer = connection.receive()
            assert titles(answer) == [f"number {number}"]
            assert answer.headers.get("connection", "keep-alive") == "keep-alive"
            cursor = json.loads(answer.body)["cursor"]


# Clients that leave


@pytest.mark.parametrize("end", ["close", "reset"])
def test_hundreds_of_held_clients_that_leave_are_freed_at_once(running: Site, end: str) -> None:
    readers = running.recipients(10)
    gone = running.metric("notifygate_hold_ends_total", reason="gone")
    connections = [(RawConnection(running.url), reader) for reader in readers for _ in range(50)]
    cursors = {reader.name: reader.cursor() for reader in readers}
    for connection, reader in connections:
        connection.send(poll_text(reader, cursors[reader.name], wait=50))
    running.await_holds(len(connections))
    # Others are in the middle of a head.
    text = poll_text(readers[0], cursors[readers[0].name], wait=50)
    halves = [(RawConnection(running.url), text[: place % len(text)]) for place in range(200)]
    for connection, part in halves:
        connection.send(part)
    running.recipient().cursor()
    for connection, _ in [*halves, *connections]:
        connection.socket.close() if end == "close" else connection.reset()
    running.await_holds(0)
    assert running.metric("notifygate_hold_ends_total", reason="gone") == gone + len(connections)
    running.check_wakes()
    assert is_free_of_errors(running)


# Clients that read slowly


@pytest.fixture(scope="module")
def bulky(running: Site) -> Recipient:
    """A recipient whose snapshot is larger than the kernel's buffers: about 2 MB."""
    return running.bulky_recipient("€")


def hold_with_a_small_window(site: Site, reader: Recipient) -> RawConnection:
    """Hold a poll of the whole inbox on a connection with a small receive buffer."""
    connection = RawConnection(site.url, receive_buffer=4096)
    cursor = reader.cursor()
    before = site.holds()
    connection.send(poll_text(reader, cursor, wait=50, limit=200))
    site.await_holds(before + 1)
    return connection


def change_preferences(reader: Recipient, muted: str) -> None:
    """Change the recipient's view: the held polls get a reset."""
    answer = reader.session.put(
        f"{reader.url}/v1/inbox/preferences", json={"types": {muted: {"muted": True}}}, timeout=20
    )
    assert answer.status_code == 200, answer.text


def test_woken_client_gets_all_of_a_long_answer_although_it_reads_late(running: Site, bulky: Recipient) -> None:
    with hold_with_a_small_window(running, bulky) as connection:
        change_preferences(bulky, running.new_name("type"))
        running.await_holds(0)
        connection.send(poll_text(bulky, None, limit=1))  # answered after it
        # These clients don't read, and no other client is delayed: neither woken ones nor polling ones.
        running.check_wakes()
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        answer = connection.receive()
        assert len(answer.body) > 2_000_000
        assert json.loads(answer.body)["reset"] is True
        assert len(titles(answer)) == 200
        following = connection.receive()
        assert len(titles(following)) == 1
        # The connection is still in order.
        connection.send(poll_text(bulky, json.loads(following.body)["cursor"], wait=0))
        assert titles(connection.receive()) == []
    assert is_free_of_errors(running)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_woken_client_that_leaves_instead_of_reading_causes_no_error(running: Site, bulky: Recipient, end: str) -> None:
    connection = hold_with_a_small_window(running, bulky)
    change_preferences(bulky, running.new_name("type"))
    running.await_holds(0)
    connection.socket.close() if end == "close" else connection.reset()
    running.check_wakes()
    assert is_free_of_errors(running)


# Time


def test_hold_ends_when_its_token_expires_and_the_next_poll_is_unauthorized(running: Site) -> None:
    name = running.new_name()
    connections: list[RawConnection] = []
    with ExitStack() as stack:
        first = running.recipient(name).poll()
        etag = f"If-None-Match: {first.headers['ETag']}\r\n"
        reader = running.recipient(name, seconds=3)
        expires_at = time.time() + 3
        for headers in ("", etag):
            connection = stack.enter_context(RawConnection(running.url))
            connection.send(poll_text(reader, first.json()["cursor"], wait=50, headers=headers))
            connections.append(connection)
        running.await_holds(2)
        assert [connection.receive().status for connection in connections] == [200, 304]
        assert time.time() < expires_at + 5, "long before the end of the wait"
        time.sleep(max(0.0, expires_at - time.time()))  # holds end up to one tick of the wheel before the token does
        for connection in connections:
            connection.send(poll_text(reader, first.json()["cursor"], wait=50))
            assert connection.receive().status == 401
    assert running.holds() == 0


def test_idle_connections_are_closed_and_held_ones_are_not(hasty: Site) -> None:
    alice, bob = hasty.recipients(2)
    with ExitStack() as stack:
        unused, used, was_held, held = (stack.enter_context(RawConnection(hasty.url)) for _ in range(4))
        used.send(poll_text(alice, None))
        assert used.receive().status == 200
        held.send(poll_text(alice, alice.cursor(), wait=50))
        was_held.send(poll_text(bob, bob.cursor(), wait=50))
        hasty.await_holds(2)
        hasty.publisher().publish(f"user:{bob.name}", "For Bob")
        assert titles(was_held.receive()) == ["For Bob"]
        for connection in (unused, used, was_held):
            assert connection.is_closed()
        assert hasty.holds() == 1
        hasty.publisher().publish(f"user:{alice.name}", "For Alice")
        assert titles(held.receive()) == ["For Alice"]
        assert held.is_closed()


def test_incomplete_head_ends_the_connection(hasty: Site) -> None:
    reader = hasty.recipient()
    text = poll_text(reader, reader.cursor())
    with ExitStack() as stack:
        connections = [stack.enter_context(RawConnection(hasty.url)) for _ in range(4)]
        *_, used, dripping_used = connections
        for connection in (used, dripping_used):
            connection.send(text)
            assert connection.receive().status == 200
        for connection in connections:
            connection.send(text[:40])

        def drip() -> None:
            for byte in text[40:-1]:
                gevent.sleep(0.3)
                for connection in (connections[0], dripping_used):
                    try:
                        connection.send(byte)
                    except OSError:
                        return  # closed, as it should be

        dripping = gevent.spawn(drip)
        try:
            for connection in connections:
                assert connection.is_closed()
        finally:
            dripping.kill()
    hasty.check_wakes()
    assert is_free_of_errors(hasty)


# Stopping and starting again


@both_ways
def test_gateway_that_stops_answers_every_request(make_site: MakeSite, detached: bool) -> None:
    site = make_site(DETACHED=detached)
    alice = site.recipient()
    cursor = alice.cursor()
    etag = f'If-None-Match: W/"{cursor}"\r\n'
    with ExitStack() as stack:
        connections = [stack.enter_context(RawConnection(site.url)) for _ in range(10)]
        _unused, used, half, used_half, held, held_tag, held_twice, early_next, held_http_1_0, half_a_body = connections
        # A phone that lost its network in the middle of a POST never closes its connection.
        half_a_body.send(post_text(site.publisher(), "Content-Length: 900", '{"to": "all"'))
        for connection in (used, used_half):
            connection.send(poll_text(alice, cursor))
            assert connection.receive().status == 200
        half.send(poll_text(alice, cursor)[:60])
        used_half.send(poll_text(alice, cursor)[:-1])
        long_poll, with_tag = poll_text(alice, cursor, wait=50), poll_text(alice, cursor, wait=50, headers=etag)
        held.send(long_poll)
        held_tag.send(with_tag)
        held_twice.send(long_poll + with_tag)
        early_next.send(long_poll)
        held_http_1_0.send(poll_text(alice, cursor, wait=50, version="1.0"))
        site.await_holds(5)
        early_next.send(poll_text(alice, cursor))
        site.metric("notifygate_holds")  # the gateway has received it
        began = time.monotonic()
        stopping = gevent.spawn(site.gateways[0].stop, seconds=40.0)
        answers = [held.receive()]  # the gateway is stopping; it accepts connections for another second
        with RawConnection(site.url) as late:
            late.send("GET /readyz HTTP/1.1\r\nHost: gateway\r\n\r\n")
            not_ready = late.receive()
            assert (not_ready.status, not_ready.headers["connection"]) == (503, "close")
            assert b"draining" in not_ready.body
            assert late.is_closed()
        answers += [connection.receive() for connection in (held_tag, held_twice, early_next, held_http_1_0)]
        assert [answer.status for answer in answers] == [200, 304, 200, 200, 200]
        assert all(1 <= int(answer.headers["poll-interval"]) <= 5 for answer in answers)
        for connection, answer, status in ((held_twice, answers[2], 304), (early_next, answers[3], 200)):
            if answer.headers.get("connection") != "close":
                assert connection.receive().status == status
            assert connection.socket.recv(1) == b"", "not reset, although a request was unread"
        for connection in connections[:-1]:
            assert connection.is_closed()
        assert stopping.get(timeout=40) == 0
    assert time.monotonic() - began < GRACE_SECONDS
    assert is_free_of_errors(site)


# TLS


def test_polls_and_holds_work_with_tls_in_gunicorn(tmp_path: Path) -> None:
    """The worker without greenlets serves them as its parent does, which is the worker of the other way."""
    certificate, key = make_certificate(tmp_path)
    env = {"GUNICORN_CMD_ARGS": f"--certfile {certificate} --keyfile {key}"}
    site = Site(f"sqlite:///{tmp_path}/site.db", env)
    gateway = GatewayProcess(certificate)
    site.gateways = [gateway]
    try:
        gateway.start(site.env)
        reader, publisher = site.recipient(), site.publisher()
        reader.session.verify = publisher.session.verify = str(certificate)
        first = reader.poll()
        cursor, etag = first.json()["cursor"], first.headers["ETag"]
        assert reader.poll(cursor, etag=etag).status_code == 304
        assert reader.poll(cursor, etag=etag, wait=1).status_code == 304
        assert reader.inbox(cursor, wait=1)["notifications"] == []

        def holds() -> float:
            text = publisher.session.get(f"{gateway.url}/metrics", timeout=20).text
            return sum_of_metric(text, "notifygate_holds", {})

        for number in range(3):
            held = gevent.spawn(reader.inbox, cursor, wait=50)
            eventually(lambda: holds() == 1, "a poll is held")
            publisher.publish(f"user:{reader.name}", f"number {number}")
            body = held.get(timeout=20)
            assert [item["title"] for item in body["notifications"]] == [f"number {number}"]
            cursor = body["cursor"]
        with RawConnection(gateway.url) as connection:
            connection.send("GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert connection.is_closed()
        assert gateway.stop() == 0
        assert is_free_of_errors(site)
    finally:
        site.close()

"""Edge cases of the server, for both ways of waiting: without greenlets, and as gunicorn does."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import gevent
import pytest
from gevent.pool import Pool

from tests.support.certificates import make_certificate
from tests.support.gateway_process import GatewayProcess
from tests.support.raw_http import RawAnswer, RawConnection, poll_text
from tests.support.site import MakeSite, Recipient, Site, each_worker_holds, sum_of_metric
from tests.support.waiting import all_done, eventually

GRACE_SECONDS = 10.0
"""Half of gunicorn's `graceful_timeout` of 20 s for requests under way."""

both_ways = pytest.mark.parametrize("detached", [True, False], ids=["detached", "plain"])


@pytest.fixture(scope="module", params=[True, False], ids=["detached", "plain"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway of each way, for tests that leave it as healthy as they found it."""
    settings = {
        "NOTIFYGATE_DETACHED": str(request.param),
        "NOTIFYGATE_HOLDS_PER_RECIPIENT": "100",
        "NOTIFYGATE_HEAD_CHECK_INTERVAL": "60",  # whatever comes sooner has been woken
    }
    site = Site(f"sqlite:///{tmp_path_factory.mktemp('edges')}/notifygate.db", settings)
    try:
        yield site.start()
    finally:
        site.close()


def tell_gunicorn(monkeypatch: pytest.MonkeyPatch, arguments: str) -> None:
    """Have the gateways that this test starts take arguments of gunicorn that win over its file."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", arguments)


def is_free_of_errors(site: Site) -> bool:
    """Tell whether the first gateway has logged neither an error nor a stack trace."""
    output = site.gateways[0].output
    return '"level": "error"' not in output and "Traceback" not in output


def titles(answer: RawAnswer) -> list[str]:
    """Return the titles in a response, which must be a 200."""
    assert answer.status == 200
    return [item["title"] for item in json.loads(answer.body)["notifications"]]


def assert_holds_and_wakes(site: Site) -> None:
    """Fail unless a poll is held and woken by news."""
    reader = site.recipient()
    with site.held([reader]) as polls:
        notification_id = site.publisher().publish(f"user:{reader.name}")
        (answer,) = all_done(polls)
    assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]


def test_every_answer_names_the_gateway_without_its_version(running: Site) -> None:
    reader = running.recipient()
    first = reader.poll()
    etag = f"If-None-Match: {first.headers['ETag']}\r\n"
    requests = {
        poll_text(reader, first.json()["cursor"]): 200,
        poll_text(reader, first.json()["cursor"], headers=etag): 304,
        poll_text(reader, "not a cursor".replace(" ", "-"), headers=etag): 400,
        "GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n": 200,
        "GET /nowhere HTTP/1.1\r\nHost: gateway\r\n\r\n": 404,
        "GET /healthz HTTP/1.1\r\nHost gateway\r\n\r\n": 400,
        f"GET /{'x' * 9000} HTTP/1.1\r\nHost: gateway\r\n\r\n": 414,
    }
    for text, status in requests.items():
        with RawConnection(running.url) as connection:
            connection.send(text)
            answer = connection.receive()
            assert (answer.status, answer.headers["server"]) == (status, "notifygate"), text


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
    for connection, _ in connections:
        connection.socket.close() if end == "close" else connection.reset()
    running.await_holds(0)
    assert running.metric("notifygate_hold_ends_total", reason="gone") == gone + len(connections)
    assert_holds_and_wakes(running)
    assert is_free_of_errors(running)


def test_hundreds_of_clients_that_leave_in_the_middle_of_a_head_do_no_harm(running: Site) -> None:
    reader = running.recipient()
    text = poll_text(reader, reader.cursor(), wait=50)
    connections = [RawConnection(running.url) for _ in range(200)]
    for place, connection in enumerate(connections):
        connection.send(text[: place % len(text)])
    running.recipient().cursor()
    for place, connection in enumerate(connections):
        connection.socket.close() if place % 2 else connection.reset()
    assert_holds_and_wakes(running)
    assert running.holds() == 0
    assert is_free_of_errors(running)


# Clients that read slowly


@pytest.fixture(scope="module")
def bulky(running: Site) -> Recipient:
    """A recipient whose snapshot is larger than what the kernel takes at once: some 2 MB."""
    reader, publisher = running.recipient(), running.publisher()
    reader.cursor()
    pool = Pool(10)
    for number in range(200):
        pool.spawn(publisher.publish, f"user:{reader.name}", f"number {number}", body="€" * 4000)
    pool.join(raise_error=True)
    return reader


def hold_with_a_small_window(site: Site, reader: Recipient) -> RawConnection:
    """Hold a poll of everything on a connection that takes little at once."""
    connection = RawConnection(site.url)
    connection.socket.close()
    connection.socket = socket.socket()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.socket.settimeout(20.0)
    address = urlsplit(site.url)
    connection.socket.connect((address.hostname, address.port))
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
        # These clients don't read, and no other client is delayed: neither woken ones nor polling ones.
        assert_holds_and_wakes(running)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        answer = connection.receive()
        assert len(answer.body) > 2_000_000
        told = json.loads(answer.body)
        assert told["reset"] is True
        assert len(told["notifications"]) == 200
        # The connection is in step.
        connection.send(poll_text(bulky, told["cursor"], wait=0))
        assert titles(connection.receive()) == []
    assert is_free_of_errors(running)


def test_request_sent_behind_a_long_answer_that_is_not_read_yet_is_answered_after_it(
    running: Site, bulky: Recipient
) -> None:
    with hold_with_a_small_window(running, bulky) as connection:
        change_preferences(bulky, running.new_name("type"))
        running.await_holds(0)
        connection.send(poll_text(bulky, None, limit=1))
        assert_holds_and_wakes(running)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        assert len(titles(connection.receive())) == 200
        assert len(titles(connection.receive())) == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_woken_client_that_leaves_instead_of_reading_does_no_harm(running: Site, bulky: Recipient, end: str) -> None:
    connection = hold_with_a_small_window(running, bulky)
    change_preferences(bulky, running.new_name("type"))
    running.await_holds(0)
    connection.socket.close() if end == "close" else connection.reset()
    assert_holds_and_wakes(running)
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


@both_ways
def test_idle_connections_are_closed_and_held_ones_are_not(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, detached: bool
) -> None:
    tell_gunicorn(monkeypatch, "--keep-alive 1")
    site = make_site(DETACHED=detached)
    alice, bob = site.recipients(2)
    with ExitStack() as stack:
        unused, used, was_held, held = (stack.enter_context(RawConnection(site.url)) for _ in range(4))
        used.send(poll_text(alice, None))
        assert used.receive().status == 200
        cursor, other_cursor = alice.cursor(), bob.cursor()
        held.send(poll_text(alice, cursor, wait=50))
        was_held.send(poll_text(bob, other_cursor, wait=50))
        site.await_holds(2)
        site.publisher().publish(f"user:{bob.name}", "For Bob")
        assert titles(was_held.receive()) == ["For Bob"]
        for connection in (unused, used, was_held):
            assert connection.is_closed()
        assert site.holds() == 1
        site.publisher().publish(f"user:{alice.name}", "For Alice")
        assert titles(held.receive()) == ["For Alice"]
        assert held.is_closed()


@both_ways
@pytest.mark.parametrize("is_dripping", [False, True], ids=["silent", "dripping"])
def test_head_that_does_not_come_to_its_end_ends_the_connection(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, detached: bool, is_dripping: bool
) -> None:
    tell_gunicorn(monkeypatch, "--keep-alive 2")
    site = make_site(DETACHED=detached)
    reader = site.recipient()
    text = poll_text(reader, reader.cursor())
    with RawConnection(site.url) as fresh, RawConnection(site.url) as used:
        used.send(text)
        assert used.receive().status == 200
        connections = (fresh, used)
        for connection in connections:
            connection.send(text[:40])

        def drip() -> None:
            for byte in text[40:-1]:
                gevent.sleep(0.3)
                for connection in connections:
                    try:
                        connection.send(byte)
                    except OSError:
                        return  # closed, as it should be

        dripping = gevent.spawn(drip) if is_dripping else None
        try:
            for connection in connections:
                assert connection.is_closed()
        finally:
            if dripping:
                dripping.kill()
    assert_holds_and_wakes(site)
    assert is_free_of_errors(site)


# Stopping and starting again


@both_ways
def test_gateway_that_stops_answers_every_request(make_site: MakeSite, detached: bool) -> None:
    site = make_site(DETACHED=detached)
    alice = site.recipient()
    first = alice.poll()
    cursor, etag = first.json()["cursor"], f"If-None-Match: {first.headers['ETag']}\r\n"
    with ExitStack() as stack:
        _unused, used, half, used_half, held, held_tag, held_twice, held_http_1_0 = connections = [
            stack.enter_context(RawConnection(site.url)) for _ in range(8)
        ]
        # A phone that lost its network in the middle of a POST never closes its connection.
        half_a_body = stack.enter_context(RawConnection(site.url))
        half_a_body.send(
            f"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {site.publisher().key}\r\n"
            'Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"to": "all"'
        )
        for connection in (used, used_half):
            connection.send(poll_text(alice, cursor))
            assert connection.receive().status == 200
        half.send(poll_text(alice, cursor)[:60])
        used_half.send(poll_text(alice, cursor)[:-1])
        held.send(poll_text(alice, cursor, wait=50))
        held_tag.send(poll_text(alice, cursor, wait=50, headers=etag))
        held_twice.send(poll_text(alice, cursor, wait=50) + poll_text(alice, cursor, wait=50, headers=etag))
        held_http_1_0.send(poll_text(alice, cursor, wait=50, version="1.0"))
        site.await_holds(4)
        began = time.monotonic()
        stopping = gevent.spawn(site.gateways[0].stop, seconds=40.0)
        answers = [connection.receive() for connection in (held, held_tag, held_twice, held_http_1_0)]
        assert [answer.status for answer in answers] == [200, 304, 200, 200]
        assert all(1 <= int(answer.headers["poll-interval"]) <= 5 for answer in answers)
        if answers[2].headers.get("connection") != "close":
            assert held_twice.receive().status == 304
        for connection in connections:
            assert connection.is_closed()
        assert stopping.get(timeout=40) == 0
    assert time.monotonic() - began < GRACE_SECONDS
    assert is_free_of_errors(site)


# Several workers


@both_ways
def test_woken_connections_of_two_workers_go_on(make_site: MakeSite, detached: bool) -> None:
    site = make_site(DETACHED=detached, WORKERS=2, HEAD_CHECK_INTERVAL=0.1)
    publisher, gateway = site.publisher(), site.gateways[0]
    readers: list[Recipient] = []
    cursors: list[str] = []
    connections: list[RawConnection] = []

    def both_hold() -> bool:
        """Hold a poll more."""
        if len(connections) < 60:
            readers.append(site.recipient())
            cursors.append(readers[-1].cursor())
            connections.append(RawConnection(site.url))
            connections[-1].send(poll_text(readers[-1], None))
            assert connections[-1].receive().status == 200
            connections[-1].send(poll_text(readers[-1], cursors[-1], wait=50))
            site.await_holds(len(connections))
        return each_worker_holds(gateway)

    try:
        eventually(both_hold, "each worker holds a poll")
        for number in range(3):
            publisher.publish("all", f"number {number}")
            answers = [connection.receive() for connection in connections]
            for answer in answers:
                assert titles(answer) == [f"number {number}"]
            cursors = [json.loads(answer.body)["cursor"] for answer in answers]
            for connection, reader, cursor in zip(connections, readers, cursors, strict=True):
                connection.send(poll_text(reader, cursor, wait=50))
            site.await_holds(len(connections))
    finally:
        for connection in connections:
            connection.socket.close()
    site.await_holds(0)
    assert is_free_of_errors(site)


# TLS


@both_ways
def test_polls_and_holds_work_where_gunicorn_speaks_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, detached: bool
) -> None:
    certificate, key = make_certificate(tmp_path)
    tell_gunicorn(monkeypatch, f"--certfile {certificate} --keyfile {key}")
    site = Site(f"sqlite:///{tmp_path}/site.db", {"NOTIFYGATE_DETACHED": str(detached)})
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
        assert gateway.stop() == 0
        assert '"level": "error"' not in gateway.output
    finally:
        site.close()

"""Actions of clients on their connections during a held poll, and their effects."""

import json
import os
import resource
import signal
from contextlib import ExitStack

import pytest

from tests.support.raw_http import RawConnection, poll_text
from tests.support.site import MakeSite, Site, worker_pids
from tests.support.waiting import all_done, eventually, stays

on_one_process = pytest.mark.parametrize("site", ["sqlite"], indirect=True)
in_two_workers = pytest.mark.parametrize("site", ["postgresql and redis, two workers"], indirect=True)


@on_one_process
def test_long_polls_follow_each_other_on_one_connection(site: Site) -> None:
    alice, publisher = site.recipient(), site.publisher()
    cursor = alice.cursor()
    with RawConnection(site.url) as connection:
        for number in range(4):
            connection.send(poll_text(alice, cursor, wait=50))
            site.await_holds(1)
            publisher.publish(f"user:{alice.name}", f"number {number}")
            answer = connection.receive()
            assert answer.status == 200
            assert answer.headers.get("connection", "keep-alive") == "keep-alive"
            body = json.loads(answer.body)
            assert [item["title"] for item in body["notifications"]] == [f"number {number}"]
            cursor = body["cursor"]
        # One that ends with a 304, which has no body: the connection must still be in step.
        connection.send(poll_text(alice, cursor))
        etag = f"If-None-Match: {connection.receive().headers['etag']}\r\n"
        connection.send(poll_text(alice, cursor, wait=1, headers=etag))
        assert connection.receive().status == 304
        connection.send(poll_text(alice, cursor))
        assert connection.receive().status == 200


@on_one_process
@pytest.mark.parametrize("at_once", [True, False], ids=["in the same packet", "later"])
def test_request_sent_during_a_hold_is_answered_after_it(site: Site, at_once: bool) -> None:
    alice, publisher = site.recipient(), site.publisher()
    cursor = alice.cursor()
    early = poll_text(alice, None, limit=1)
    with RawConnection(site.url) as connection:
        connection.send(poll_text(alice, cursor, wait=50) + (early if at_once else ""))
        site.await_holds(1)
        if not at_once:
            connection.send(early)
            # The hub has read the socket by the time it has answered another client: the hold continues.
            site.recipient().cursor()
        assert site.holds() == 1
        notification_id = publisher.publish(f"user:{alice.name}")
        first, second = connection.receive(), connection.receive()
    assert [item["id"] for item in json.loads(first.body)["notifications"]] == [notification_id]
    assert json.loads(first.body)["reset"] is False
    assert [item["id"] for item in json.loads(second.body)["notifications"]] == [notification_id]
    site.await_holds(0)


@on_one_process
def test_client_that_has_gone_is_logged_as_such_and_does_no_harm(site: Site) -> None:
    alice = site.recipient()
    with RawConnection(site.url) as connection:
        connection.send(poll_text(alice, alice.cursor(), wait=50, headers="X-Request-Id: has-gone\r\n"))
        site.await_holds(1)
    (line,) = eventually(lambda: site.access_lines(request_id="has-gone"), "a line in the log")
    assert line["status"] == 499
    assert '"level": "error"' not in site.gateways[0].output
    # Their notifications wait for their next poll.
    notification_id = site.publisher().publish(f"user:{alice.name}")
    assert [item["id"] for item in alice.inbox()["notifications"]] == [notification_id]


@on_one_process
def test_client_that_sent_its_next_request_early_and_went_frees_its_hold_at_the_end_of_the_wait(site: Site) -> None:
    alice = site.recipient()
    with RawConnection(site.url) as connection:
        connection.send(poll_text(alice, alice.cursor(), wait=2))
        site.await_holds(1)
        connection.send(poll_text(alice, None))
        site.recipient().cursor()
    site.await_holds(0)


@in_two_workers
def test_polls_go_on_in_whichever_worker_they_come_to(site: Site) -> None:
    alice, publisher = site.recipient(), site.publisher()
    cursor, told = alice.cursor(), []
    for number in range(10):
        publisher.publish(f"user:{alice.name}", str(number))
        # A new connection each time, so that another worker may get it. Its tail may lag behind the cursor.
        body = alice.inbox(cursor, wait=20, headers={"Connection": "close"})
        assert not body["reset"]
        told += [item["title"] for item in body["notifications"]]
        cursor = body["cursor"]
    assert told == [str(number) for number in range(10)]


def test_usual_limit_on_open_files_is_no_limit_on_holds(make_site: MakeSite) -> None:
    """Shells and services start with a soft limit of 1024 open files, a tenth of what a worker may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1000:
        pytest.skip("this machine's hard limit is lower than what the test needs")
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))  # inherited by the gateway
    try:
        site = make_site()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    readers = [site.recipient() for _ in range(150)]
    with site.held(readers, [reader.cursor() for reader in readers]) as polls:
        notification_id = site.publisher().publish("all")
        for answer in all_done(polls):
            assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]


def test_full_worker_keeps_open_files_for_its_database(make_site: MakeSite) -> None:
    site = make_site()
    (gateway,) = site.gateways
    (old,) = worker_pids(gateway)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (400, 400))
    gateway.send(signal.SIGHUP)  # the next worker inherits the limit
    eventually(lambda: old not in worker_pids(gateway), "another worker has taken over", seconds=60)
    (pid,) = worker_pids(gateway)
    readers, publishers = [site.recipient() for _ in range(20)], [site.publisher() for _ in range(20)]
    for reader in readers:
        reader.cursor()  # begins the inbox
    with ExitStack() as stack:
        inside = [stack.enter_context(RawConnection(site.url)) for _ in range(40)]
        for connection in inside:
            connection.send("GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert connection.receive().status == 200
        for _ in range(500):
            stack.enter_context(RawConnection(site.url))
        eventually(lambda: len(os.listdir(f"/proc/{pid}/fd")) > 200, "the worker is full")
        stays(lambda: len(os.listdir(f"/proc/{pid}/fd")) < 300, "it accepts no more", seconds=1)
        for connection, reader in zip(inside[::2], readers, strict=True):
            connection.send(poll_text(reader, None))
        for connection, publisher in zip(inside[1::2], publishers, strict=True):
            body = '{"to": "all", "title": "To everybody"}'
            connection.send(
                f"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            )
        assert [connection.receive().status for connection in inside] == [200, 201] * 20
    assert readers[0].inbox()["unread"] == 20, "as soon as there is room, others are served again"

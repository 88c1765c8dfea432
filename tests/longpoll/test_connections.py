"""The open files of a worker: enough for its connections, and for its database when there are more."""

import os
import resource
import signal
from contextlib import ExitStack

from notifygate.open_files import OTHER_FILES
from notifygate.settings import Settings
from tests.support.raw_http import RawConnection, poll_text, post_text
from tests.support.site import MakeSite, worker_pids
from tests.support.waiting import eventually, stays

NEEDED_FILES = 2 * Settings().holds_per_worker + 1000 + OTHER_FILES


def test_full_worker_keeps_open_files_for_its_database(make_site: MakeSite) -> None:
    # Shells and services start with a soft limit of 1024 open files, a tenth of what a worker may hold.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))  # inherited by the gateway
    try:
        site = make_site()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (gateway,) = site.gateways
    (old,) = worker_pids(gateway)
    raised, _ = resource.prlimit(old, resource.RLIMIT_NOFILE)
    assert raised == (min(hard, NEEDED_FILES) if hard != resource.RLIM_INFINITY else NEEDED_FILES), (
        "the limit is raised"
    )
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
            connection.send(post_text(publisher, f"Content-Length: {len(body)}", body))
        assert [connection.receive().status for connection in inside] == [200, 201] * 20
    assert readers[0].inbox()["unread"] == 20, "as soon as connections end, others are accepted again"


def test_worker_that_was_filled_by_greenlets_accepts_again_when_they_end(make_site: MakeSite) -> None:
    site = make_site()
    (gateway,) = site.gateways
    (old,) = worker_pids(gateway)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (400, 400))
    gateway.send(signal.SIGHUP)  # the next worker inherits the limit, which is room for 200 connections
    eventually(lambda: old not in worker_pids(gateway), "another worker has taken over", seconds=60)
    (pid,) = worker_pids(gateway)
    with ExitStack() as stack:
        for _ in range(300):
            # The beginning of a head: a greenlet waits for the rest, and no connection is left on the reactor.
            stack.enter_context(RawConnection(site.url)).send("G")
        eventually(lambda: len(os.listdir(f"/proc/{pid}/fd")) > 200, "the worker is full")
    eventually(lambda: len(os.listdir(f"/proc/{pid}/fd")) < 100, "it has closed them")
    with RawConnection(site.url) as connection:
        connection.send("GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert connection.receive().status == 200

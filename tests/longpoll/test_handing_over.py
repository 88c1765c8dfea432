"""Workers and gateways that end or are replaced: each request that arrived is answered, and a worker always serves."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest

from tests.support.gateway_process import REPOSITORY
from tests.support.raw_http import RawConnection, poll_text
from tests.support.site import MakeSite, Site, new_session, pause, worker_pids
from tests.support.traffic import Traffic
from tests.support.waiting import all_done, eventually

QUEUED = 40
CANNOT_START = "notifygate can't start"

both_ways = pytest.mark.parametrize("detached", [True, False], ids=["detached", "plain"])


def has_pending(pid: int, number: int) -> bool:
    """Return whether a stopped process has a signal that it has not handled yet."""
    status = Path(f"/proc/{pid}/status").read_text()
    return any(int(mask, 16) >> (number - 1) & 1 for mask in re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)", status, re.M))


@contextmanager
def traffic_to(site: Site, **options: float) -> Iterator[Traffic]:
    """Send traffic to the first gateway; fail unless every request of it was answered well."""
    traffic = Traffic(site.url, site.recipient().token, site.publisher().key, **options)
    try:
        yield traffic
        traffic.stop()
        assert traffic.failures == {}
    finally:
        traffic.abandon()


def answers_new_connections(site: Site) -> bool:
    return new_session().get(f"{site.url}/readyz", timeout=60).status_code == 200


# SIGTERM


@both_ways
def test_requests_that_wait_to_be_accepted_are_answered_when_the_gateway_stops(
    make_site: MakeSite, detached: bool
) -> None:
    site = make_site(WORKERS=2, DETACHED=detached)
    gateway, reader = site.gateways[0], site.recipient()
    cursor = reader.cursor()
    pids = worker_pids(gateway)
    for pid in pids:
        pause(pid)
    connections = [RawConnection(site.url) for _ in range(QUEUED)]
    for connection in connections:
        connection.send(poll_text(reader, cursor, wait=50))
    gateway.send(signal.SIGTERM)
    eventually(lambda: all(has_pending(pid, signal.SIGTERM) for pid in pids), "the signal waits for each worker")
    stopping = gevent.spawn(gateway.stop, signal.SIGCONT)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for connection in connections:
        answer = connection.receive()
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        assert connection.is_closed()
        connection.socket.close()
    assert stopping.get(timeout=60) == 0


def test_clients_of_a_gateway_that_restarts_see_refused_connections_at_worst(make_site: MakeSite) -> None:
    site = make_site(WORKERS=2)
    with traffic_to(site) as traffic:
        eventually(lambda: traffic.outcomes["published"] > 5, "some are published", seconds=60)
        site.gateways[0].restart()


def test_stop_in_the_middle_of_a_reload_ends_all_workers(make_site: MakeSite) -> None:
    site = make_site()
    gateway = site.gateways[0]
    old = worker_pids(gateway)
    gateway.send(signal.SIGHUP)
    eventually(lambda: len(worker_pids(gateway)) == 2, "a new worker is forked")
    assert set(old) < set(worker_pids(gateway))
    with traffic_to(site):
        assert gateway.stop() == 0
        gateway.restart()
    assert "Traceback" not in gateway.output


# SIGHUP


def test_old_workers_serve_while_new_ones_cannot_start(make_site: MakeSite) -> None:
    site = make_site(WORKERS=2)
    gateway = site.gateways[0]
    old = set(site.await_workers())
    readers = site.recipients(4)
    with site.held(readers) as polls:
        with site.no_worker_starts():
            gateway.send(signal.SIGHUP)
            eventually(lambda: gateway.output.count(CANNOT_START) > 2, "new workers are tried again", seconds=60)
            assert old <= set(worker_pids(gateway))
            assert not any(poll.ready() for poll in polls)
            assert answers_new_connections(site)
        eventually(lambda: not old & set(worker_pids(gateway)), "new workers have taken over", seconds=60)
        assert {answer.status_code for answer in all_done(polls)} == {200}
    assert len(site.await_workers()) == 2


def test_reloads_in_a_row_leave_no_request_without_an_answer(make_site: MakeSite) -> None:
    site = make_site(WORKERS=2)
    gateway = site.gateways[0]
    old = set(worker_pids(gateway))
    with traffic_to(site, per_second=50) as traffic:
        for _ in range(3):
            enough = traffic.outcomes["polled"] + 20
            gateway.send(signal.SIGHUP)
            eventually(lambda: traffic.outcomes["polled"] > enough, "polls are answered", seconds=60)  # noqa: B023
        eventually(
            lambda: len(worker_pids(gateway)) == 2 and not old & set(worker_pids(gateway)),
            "two new workers serve",
            seconds=90,
        )
    assert len(site.await_workers()) == 2
    assert "Traceback" not in gateway.output


def test_configuration_that_cannot_be_read_changes_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = tmp_path / "gunicorn.py"
    good = f"import runpy\nglobals().update(runpy.run_path({str(REPOSITORY / 'gunicorn.conf.py')!r}))\n"
    configuration.write_text(good)
    monkeypatch.setenv("GUNICORN_CMD_ARGS", f"--config {configuration}")
    site = make_site()
    gateway = site.gateways[0]
    old = worker_pids(gateway)
    configuration.write_text("import sys; sys.exit('a setting is wrong')")
    gateway.send(signal.SIGHUP)
    eventually(lambda: "configuration can't be read" in gateway.output, "the fault is reported")
    assert answers_new_connections(site)
    assert worker_pids(gateway) == old
    configuration.write_text(good)
    gateway.send(signal.SIGHUP)
    eventually(lambda: not set(old) & set(worker_pids(gateway)), "the next reload works", seconds=60)
    assert answers_new_connections(site)


# max_requests


def test_worker_that_has_served_its_number_of_requests_serves_until_another_does(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--max-requests 30")
    site = make_site()
    gateway = site.gateways[0]
    old = worker_pids(gateway)[0]
    with site.held([site.recipient()]) as polls:
        with site.no_worker_starts():
            for _ in range(40):
                assert answers_new_connections(site)
            eventually(lambda: gateway.output.count(CANNOT_START) > 1, "a successor is tried again", seconds=60)
            assert old in worker_pids(gateway)
            assert answers_new_connections(site)
            assert not polls[0].ready()
        eventually(lambda: old not in worker_pids(gateway), "another worker has taken over", seconds=60)
        assert [answer.status_code for answer in all_done(polls)] == [200]
    assert answers_new_connections(site)

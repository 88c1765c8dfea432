"""PostgreSQL that drops connections or goes away, and workers that stop in the middle of their work."""

import os
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager

import gevent
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.support.site import (
    MakeSite,
    Publisher,
    Recipient,
    check_unavailable,
    metric_of_worker,
    new_session,
    pause,
    worker_pids,
)
from tests.support.waiting import all_done, eventually

LOCK_SECONDS = 3.0
"""After which PostgreSQL takes the log's lock from a process that is stopped in the middle of a transaction."""


def name_of(postgres_url: str) -> str:
    """Return the name of the database."""
    name = make_url(postgres_url).database
    assert name
    return name


def cut_connections(postgres: psycopg.Connection, name: str) -> int:
    """End every connection to a database, as a failover does; return how many there were."""
    ended = postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", (name,)
    )
    return len(ended.fetchall())


@contextmanager
def outage(postgres: psycopg.Connection, name: str) -> Generator[None]:
    """Block all access to a database."""
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    postgres.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
    cut_connections(postgres, name)
    try:
        yield
    finally:
        postgres.execute(allow.format(sql.Identifier(name), sql.Literal(True)))


def test_cut_connections_lose_and_duplicate_nothing(
    make_site: MakeSite, postgres_url: str, postgres: psycopg.Connection
) -> None:
    site = make_site(postgres_url, WORKERS=2)
    readers = site.recipients(6)
    audiences = [f"user:{reader.name}" for reader in readers]
    publishers = [site.publisher() for _ in range(4)]
    cursors = [reader.cursor() for reader in readers]
    ids: list[str] = []

    def publish(place: int) -> None:
        for number in range(60):
            ids.append(publishers[place].publish_until_answered(audiences, f"{place}.{number}"))

    reading = [
        gevent.spawn(reader.read_until, "the end", cursor, may_be_unavailable=True)
        for reader, cursor in zip(readers, cursors, strict=True)
    ]
    publishing = [gevent.spawn(publish, place) for place in range(len(publishers))]
    cut = 0
    while not all(greenlet.ready() for greenlet in publishing):
        cut += cut_connections(postgres, name_of(postgres_url))
        gevent.sleep(0.15)
    all_done(publishing, seconds=60)
    assert cut > 10
    last = publishers[0].publish_until_answered(audiences, "the end")
    assert len(set(ids)) == len(ids)
    for received in all_done(reading, seconds=60):
        assert sorted(received[:-1]) == sorted(ids), "each exactly once"
        assert received[-1] == last
    assert "Traceback" not in site.gateways[0].output


def test_outage_is_a_503_and_holds_survive_it(
    make_site: MakeSite, postgres_url: str, postgres: psycopg.Connection
) -> None:
    site = make_site(postgres_url)
    alice, bob = site.recipients(2)
    publisher = site.publisher()
    fresh = new_session()
    with site.held([alice]) as polls:
        cursor = bob.cursor()
        with outage(postgres, name_of(postgres_url)):
            check_unavailable(publisher.post(f"user:{alice.name}"))
            eventually(
                lambda: bob.poll(cursor).status_code == 503,
                "a stale worker does not answer that nothing is new",
                seconds=10,
            )
            check_unavailable(bob.poll(cursor))
            assert fresh.get(f"{site.url}/healthz", timeout=20).status_code == 200
            ready = fresh.get(f"{site.url}/readyz", timeout=20)
            assert (ready.status_code, ready.json()["missing"]) == (503, ["database"])
            assert not polls[0].ready()
        notification_id = publisher.publish_until_answered("all", "after the outage")
        (answer,) = all_done(polls)
    assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]
    assert [item["id"] for item in bob.inbox(cursor)["notifications"]] == [notification_id]
    eventually(lambda: fresh.get(f"{site.url}/readyz", timeout=20).status_code == 200, "ready again")
    assert "Traceback" not in site.gateways[0].output


def stop_in_a_transaction(postgres: psycopg.Connection, name: str, pid: int) -> bool:
    """Stop a process, and resume it unless it was in the middle of a transaction; return whether it was."""
    pause(pid)
    gevent.sleep(0.2)  # the others' transactions are over by then; those still open are the stopped one's
    transactions = postgres.execute(
        "SELECT 1 FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE a.datname = %s"
        " AND a.state = 'idle in transaction' AND l.mode IN ('RowShareLock', 'RowExclusiveLock')"
        " AND now() - a.state_change > interval '100 ms'",
        (name,),
    ).fetchall()
    if not transactions:
        os.kill(pid, signal.SIGCONT)
    return bool(transactions)


def test_worker_stopped_in_the_middle_of_a_transaction_delays_the_other_only_briefly(
    make_site: MakeSite, postgres_url: str, postgres: psycopg.Connection
) -> None:
    site = make_site(postgres_url, WORKERS=2)
    gateway = site.gateways[0]
    readers, publisher = site.recipients(12), site.publisher()
    notification_id = publisher.publish([f"user:{reader.name}" for reader in readers])
    statuses: list[int] = []
    enough = False

    def change(reader: Recipient) -> None:
        while not enough:
            for op in ("read", "unread"):
                body = {"op": op, "ids": [notification_id]}
                answer = reader.session.post(f"{reader.url}/v1/inbox/state", json=body, timeout=60)
                statuses.append(answer.status_code)

    changing = [gevent.spawn(change, reader) for reader in readers]
    victim = worker_pids(gateway)[0]
    try:
        before = metric_of_worker(gateway, victim, "notifygate_appends_total")
        eventually(
            lambda: metric_of_worker(gateway, victim, "notifygate_appends_total") > before + 5,
            "the worker to be stopped has work",
        )
        eventually(
            lambda: stop_in_a_transaction(postgres, name_of(postgres_url), victim),
            "the worker is stopped in the middle of a transaction",
            seconds=40,
        )
        began = time.monotonic()
        for number in range(5):  # on connections of their own
            Publisher(publisher.key, publisher.url).publish("all", f"number {number}")
        assert time.monotonic() - began < LOCK_SECONDS + 5
    finally:
        os.kill(victim, signal.SIGCONT)
        enough = True
    all_done(changing, seconds=60)
    assert set(statuses) <= {200, 503}, "the stopped worker answers with an unknown outcome, or that the change is done"
    site.check_wakes(readers, publisher)
    assert "Traceback" not in gateway.output

"""A gateway behind PgBouncer in transaction mode: each transaction may run on another connection to the server."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import gevent
import psycopg
import pytest

from notifygate.storage.database import POSTGRESQL_TIMEOUTS
from tests.support.binaries import BinaryNotFoundError, find_program
from tests.support.gateway_process import GatewayProcess
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ServerStartError, running
from tests.support.site import MakeSite
from tests.support.waiting import all_done, eventually

ROLE = "gateway"
CONNECTIONS = 2
"""To the server: fewer than one worker's pool, so that they are shared all the time."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL whose role may be changed."""
    with running(PostgresServer()) as made:
        made.execute("CREATE ROLE gateway LOGIN SUPERUSER")
        yield made


@pytest.fixture(scope="module")
def bouncer(server: PostgresServer) -> Iterator[PgBouncer]:
    try:
        find_program("pgbouncer", "pgbouncer")
    except BinaryNotFoundError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))
    with running(PgBouncer(server, ROLE, connections=CONNECTIONS)) as made:
        yield made


@pytest.fixture
def database_url(server: PostgresServer) -> Iterator[str]:
    """A database, connected to directly; its role has the time-outs that operations.md names."""
    server.execute("ALTER ROLE gateway SET lock_timeout = '5s'")
    server.execute("ALTER ROLE gateway SET statement_timeout = '10s'")
    server.execute("ALTER ROLE gateway SET idle_in_transaction_session_timeout = '3s'")
    url = server.create_database()
    yield url
    server.drop(url)
    server.execute("ALTER ROLE gateway RESET ALL")


def settings_of(connection: psycopg.Connection, *names: str) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS asked (name)", (list(names),)
    )
    return dict(rows.fetchall())


def test_requests_succeed_and_no_state_of_a_session_leaks(
    make_site: MakeSite, database_url: str, bouncer: PgBouncer
) -> None:
    site = make_site(database_url, DATABASE_URL=bouncer.url_of(database_url), DATABASE_PREPARE=0, WORKERS=2)
    readers, publishers = site.recipients(6), [site.publisher() for _ in range(6)]
    cursors = [reader.cursor() for reader in readers]
    with site.held(readers, cursors) as polls:
        first = publishers[0].publish("all", "the first")
        for answer in all_done(polls):
            assert [item["id"] for item in answer.json()["notifications"]] == [first]

    def publish(place: int) -> list[str]:
        return [publishers[place].publish("all", f"{place}.{number}") for number in range(20)]

    def change(place: int) -> None:
        for _ in range(10):
            for op in ("read", "unread"):
                body = {"op": op, "ids": [first]}
                answer = readers[place].session.post(f"{readers[place].url}/v1/inbox/state", json=body, timeout=60)
                assert answer.status_code == 200, answer.text
            assert len(readers[place].inbox(limit=5)["notifications"]) == 5

    working = [gevent.spawn(publish, place) for place in range(6)] + [gevent.spawn(change, place) for place in range(6)]
    published = [first, *(id for ids in all_done(working, seconds=90) if ids for id in ids)]

    def received(place: int) -> list[str]:
        return sorted(item["id"] for item in readers[place].inbox(cursors[place], limit=200)["notifications"])

    for place in range(6):  # without Redis, a worker learns of the other's commits within a second
        eventually(lambda place=place: received(place) == sorted(published), "a reader receives each one once")
    with ExitStack() as stack:
        # Each transaction that is open takes another connection to the server.
        opened = [stack.enter_context(bouncer.connect(database_url)) for _ in range(CONNECTIONS)]
        for connection in opened:
            stack.enter_context(connection.transaction())
            names = ("transaction_isolation", "transaction_read_only", "default_transaction_isolation")
            assert list(settings_of(connection, *names).values()) == ["read committed", "off", "read committed"]
            assert settings_of(connection, *POSTGRESQL_TIMEOUTS) == POSTGRESQL_TIMEOUTS
            assert connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
        served = opened[0].execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = %s", (ROLE,)
        )
        assert served.fetchone() == (CONNECTIONS,)
    assert "Traceback" not in site.gateways[0].output


def test_role_without_time_outs_is_refused_with_the_statement_to_run(
    gateway: Callable[..., GatewayProcess], server: PostgresServer, database_url: str, bouncer: PgBouncer
) -> None:
    """Only the time-outs free the log's lock from a process that is stopped in the middle of a transaction."""
    server.execute("ALTER ROLE gateway RESET idle_in_transaction_session_timeout")
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway'")
    env = {"NOTIFYGATE_DATABASE_URL": bouncer.url_of(database_url), "NOTIFYGATE_DATABASE_PREPARE": "false"}
    with pytest.raises(ServerStartError, match="SET idle_in_transaction_session_timeout = '3s'"):
        gateway(env)

"""A PostgreSQL that fails over to a standby, and one that becomes read-only, under running gateways."""

from collections.abc import Iterator
from typing import Any

import gevent
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.support.postgres_server import PostgresServer, several_hosts
from tests.support.processes import running
from tests.support.site import MakeSite, Publisher, Site, check_unavailable, new_session
from tests.support.waiting import all_done, eventually


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test alone."""
    with running(PostgresServer()) as server:
        yield server


@pytest.fixture
def standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A standby of `primary` that receives its commits."""
    with running(PostgresServer(primary=primary)) as server:
        yield server


class Device:
    """A client that merges by id, as in the protocol; it may call any gateway."""

    def __init__(self, site: Site, name: str) -> None:
        self._at = [site.recipient(name, at=at) for at in range(len(site.gateways))]
        self.cursor: str | None = None
        self.titles: dict[str, str] = {}
        self.resets = 0

    def poll(self, at: int, **query: Any) -> bool:
        """Poll a gateway once and merge the answer; return whether there was one to merge."""
        answer = self._at[at].poll(self.cursor, **query)
        if answer.status_code != 200:
            check_unavailable(answer)
            return False
        body = answer.json()
        if self.cursor is None or body["reset"]:
            self.resets += body["reset"]
            self.titles = {}
        self.titles |= {item["id"]: item["title"] for item in body["notifications"]}
        self.cursor = body["cursor"]
        return True


def publish(publisher: Publisher, titles: list[str]) -> None:
    for title in titles:
        publisher.publish_until_answered("all", title)


def promotions(site: Site) -> int:
    """Return how many new epochs the gateways began because of a promotion."""
    return sum(gateway.output.count("was promoted (timeline") for gateway in site.gateways)


def test_clients_have_exactly_the_new_inbox_after_a_promotion_that_lost_commits(
    make_site: MakeSite, primary: PostgresServer, standby: PostgresServer
) -> None:
    url = several_hosts(primary.create_database(), primary, standby)
    site = make_site(url, gateways=2, WORKERS=2)
    publisher = site.publisher()
    devices = [Device(site, f"device{number}") for number in range(8)]
    held = Device(site, "held")
    kept, lost = [f"kept {n}" for n in range(5)], [f"lost {n}" for n in range(3)]
    new = [f"new {n}" for n in range(6)]
    for device in (*devices, held):
        assert device.poll(0)
    publish(publisher, kept)
    standby.await_copy()
    standby.stop_receiving()
    publish(publisher, lost)
    for number, device in enumerate(devices):
        eventually(lambda device=device, at=number % 2: device.poll(at) and len(device.titles) == 8, "all is received")
    assert held.poll(0)
    waiting = gevent.spawn(held.poll, 0, wait=50)
    site.await_holds(1)
    primary.kill()
    standby.promote()
    # There is no write until the gateways notice by themselves: the held poll ends with a reset.
    assert all_done([waiting], seconds=60) == [True]
    assert held.resets == 1
    assert sorted(held.titles.values()) == sorted(kept)
    publish(publisher, new)
    for number, device in enumerate(devices):
        eventually(lambda device=device, at=1 - number % 2: device.poll(at) and device.resets, "a reset", seconds=30)
        eventually(lambda device=device, at=number % 2: device.poll(at), "a poll of the other gateway")
        assert sorted(device.titles.values()) == sorted(kept + new)
        assert device.resets == 1
    assert promotions(site) == 1
    assert "Traceback" not in "".join(gateway.output for gateway in site.gateways)


def test_standby_is_unavailable_until_it_is_promoted(
    make_site: MakeSite, primary: PostgresServer, standby: PostgresServer
) -> None:
    """The URL doesn't require a server that can be written, so the gateway connects before the promotion.

    The standby lacks a change of Alice's view, which is not read there even while the tail still counts as current.
    """
    url = several_hosts(primary.create_database(), primary, standby).replace("&target_session_attrs=read-write", "")
    site = make_site(url)
    publisher, (alice, bob), newcomer = site.publisher(), site.recipients(2), site.recipient()
    cursor, cursor_of_bob = alice.cursor(), bob.cursor()
    standby.await_copy()
    standby.stop_receiving()
    alice.session.put(f"{alice.url}/v1/inbox/topics/deploys", timeout=60).raise_for_status()
    primary.kill()
    for _ in range(15):
        check_unavailable(alice.poll(cursor))
        check_unavailable(publisher.post("all", "not published"))
        body = {"op": "seen", "up_to": cursor}
        check_unavailable(alice.session.post(f"{alice.url}/v1/inbox/state", json=body, timeout=60))
        check_unavailable(newcomer.poll())
    ready = new_session().get(f"{site.url}/readyz", timeout=30)
    assert (ready.status_code, ready.json()["missing"]) == (503, ["database"])
    eventually(lambda: bob.poll(cursor_of_bob).status_code == 503, "a standby's entries are not returned as the newest")
    standby.promote()
    publish(publisher, ["after"])
    assert eventually(lambda: alice.inbox(cursor)["reset"], "a reset")
    eventually(lambda: new_session().get(f"{site.url}/readyz", timeout=30).status_code == 200, "ready again")
    assert "Traceback" not in site.gateways[0].output


def test_server_that_became_read_only_is_unavailable_and_its_connections_are_not_kept(
    make_site: MakeSite, postgres_url: str, postgres: psycopg.Connection
) -> None:
    """Sessions keep the setting that they began with: only new connections find that the server can be written
    again."""
    site = make_site(postgres_url)
    publisher, alice = site.publisher(), site.recipient()
    cursor = alice.cursor()
    name = make_url(postgres_url).database or ""
    read_only = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    postgres.execute(read_only.format(sql.Identifier(name), sql.Literal("on")))
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    for _ in range(5):
        check_unavailable(publisher.post("all", "not published"))
        assert alice.inbox(cursor)["notifications"] == [], "reads are still answered"
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
    before = set(postgres.execute(sessions, (name,)).fetchall())

    def are_closed() -> bool:
        check_unavailable(publisher.post("all", "not published"))
        return before.isdisjoint(postgres.execute(sessions, (name,)).fetchall())

    eventually(are_closed, "the earlier connections are closed")
    postgres.execute(read_only.format(sql.Identifier(name), sql.Literal("off")))
    publish(publisher, ["after"])
    assert [item["title"] for item in alice.inbox(cursor)["notifications"]] == ["after"]
    assert "Traceback" not in site.gateways[0].output

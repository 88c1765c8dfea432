"""A SQLite file that can't be written for a while."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from tests.support.gateway_process import GatewayProcess
from tests.support.processes import running
from tests.support.site import Site, new_session
from tests.support.waiting import all_done, eventually, stays


@pytest.fixture
def site() -> Iterator[Site]:
    """A gateway that is subject to file modes, on a SQLite file in its data folder."""
    process = GatewayProcess(is_unprivileged=True)
    made = Site(f"sqlite:///{process.data_dir}/notifygate.db", {}, gateways=0)
    made.gateways = [process]
    process.data_dir.mkdir()
    with running(made):
        yield made


def readiness(site: Site) -> tuple[int, list[str]]:
    answer = new_session().get(f"{site.url}/readyz", timeout=30)
    return answer.status_code, answer.json().get("missing", [])


def test_file_that_can_not_be_written_for_a_while_is_written_again_without_a_restart(site: Site) -> None:
    """SQLite opens it read-only then, without an error, for as long as the connection lasts."""
    file = site.gateways[0].data_dir / "notifygate.db"
    publisher, alice = site.publisher(), site.recipient()
    cursor = alice.cursor()

    def refuses() -> bool:
        # Connections that exist can still write: many snapshots at once make new ones.
        all_done([gevent.spawn(alice.poll) for _ in range(20)])
        return publisher.post("all", "not published").status_code == 503

    assert readiness(site)[0] == 200
    file.chmod(0o400)
    eventually(refuses, "the file can't be written")
    cursor = alice.cursor()

    stays(lambda: readiness(site) == (503, ["database"]), "readiness is refused while writes fail", seconds=3)
    assert publisher.post("all", "not published").status_code == 503
    assert alice.inbox(cursor)["notifications"] == [], "reads are still answered"
    for beside in ("-wal", "-shm"):  # their modes while SQLite can't write the database itself
        Path(f"{file}{beside}").chmod(0o400)
    file.chmod(0o600)
    eventually(lambda: readiness(site)[0] == 200, "ready again, without a request that writes")
    assert publisher.post("all", "published").status_code == 201
    assert site.recipient().poll().status_code == 200, "an inbox can begin"
    assert [item["title"] for item in alice.inbox(cursor)["notifications"]] == ["published"]
    output = site.gateways[0].output
    assert "Unavailable: The database can't be reached or is too busy: the SQLite file can't be written: give" in output
    assert "Traceback" not in output

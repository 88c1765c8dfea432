"""Two gateways of version 0.1 become gateways of this version, one after the other, on one PostgreSQL under load.

`make campaign-upgrade` runs it, in about five minutes: pytest doesn't collect it by itself. It needs the project's
history, since version 0.1 is taken from there, and the package index, since that version gets an environment of its own.
NOTIFYGATE_TEST_UPGRADE_NOTIFICATIONS is the number of notifications before the upgrade.
"""

import os
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests
from sqlalchemy import text

from notifygate.auth.tokens import issue_token
from notifygate.settings_reader import load_settings
from notifygate.storage.database import make_engine
from tests.support.gateway_process import REPOSITORY, GatewayProcess
from tests.support.site import SECRETS, new_session
from tests.support.waiting import eventually

OLD_COMMIT = "59619c9"
"""Version 0.1."""
OLD = REPOSITORY / "build" / "version-0.1"
COUNT = int(os.environ.get("NOTIFYGATE_TEST_UPGRADE_NOTIFICATIONS", "1000000"))

PUBLISHERS = 3
POLLERS = 6
SECONDS_BETWEEN_POSTS = 0.03
QUIET_SECONDS = 10.0
"""The time for which the load continues between two steps."""

FILL = """
    INSERT INTO notifications (seq, id, type, title, body, priority, sender, data, audiences, key_id, created_at)
    SELECT n, 'old-' || n, 'order.shipped', 'Order ' || n || ' is on its way',
        'Parcel ' || n || ' has left the warehouse and will be with you in two days.', 'normal', 'shop',
        '{"parcel":' || n || '}', '["user:r' || n % 1000 || '"]', 'key', :now
    FROM generate_series(1, :count) AS n
"""
FILL_LOG = """
    INSERT INTO log_entries (audience, seq, kind, notification_seq, unread_delta, unseen_delta, created_at)
    SELECT 'user:r' || n % 1000, n, 'published', n, 0, 0, :now FROM generate_series(1, :count) AS n
"""


def install_version_0_1() -> None:
    """Put version 0.1 into a folder of its own, with its environment, unless it is there."""
    if (OLD / "installed").exists():
        return
    commit = subprocess.run(["git", "cat-file", "-e", f"{OLD_COMMIT}^{{commit}}"], cwd=REPOSITORY, capture_output=True)
    if commit.returncode:
        pytest.fail(
            f"The commit {OLD_COMMIT} is missing: this needs the history (git fetch --unshallow).", pytrace=False
        )
    shutil.rmtree(OLD, ignore_errors=True)
    OLD.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", OLD_COMMIT], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(OLD)], input=archive, check=True)
    subprocess.run(["scripts/install", "requirements.txt"], cwd=OLD, check=True)
    (OLD / "installed").touch()


class Gateway(GatewayProcess):
    """A gateway on a port, of one version after the other."""

    def __init__(self, env: dict[str, str]) -> None:
        super().__init__()
        self._settings = env

    def run(self, root: Path, *arguments: str) -> str:
        """Run a command line of a version with this gateway's settings, and return its output."""
        command = [str(root / ".venv/bin/notifygate"), *arguments]
        env = self.environment(self._settings)
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def serve(self, root: Path) -> None:
        """Stop the running version, as an operator does, and start another; return when it is ready."""
        if self.is_running:
            assert self.stop() == 0, self.output
        self.root = root
        self.start(self._settings, is_migrated=True)
        eventually(lambda: new_session().get(f"{self.url}/readyz", timeout=5).status_code == 200, "it is ready")


class Load:
    """Publishers and pollers that go to any of the gateways, and to another one when a request fails."""

    def __init__(self, gateways: list[Gateway], key: str, token: str) -> None:
        self._gateways = gateways
        self._headers = {"Authorization": f"Bearer {key}"}, {"Authorization": f"Bearer {token}"}
        self.phase = "start"
        self.published: dict[str, float] = {}
        """Title of each acknowledged notification -> when it was acknowledged."""
        self.arrived: list[dict[str, float]] = [{} for _ in range(POLLERS)]
        """For each poller: title -> when it arrived, in order of arrival."""
        self.faults: list[str] = []
        self.retries: defaultdict[str, int] = defaultdict(int)
        """For each phase: publications that were tried again."""
        self.slowest: defaultdict[str, float] = defaultdict(float)
        """For each phase: the time of the slowest publication, with all its repetitions."""
        self.delay: defaultdict[str, float] = defaultdict(float)
        """For each phase: the longest time from an acknowledgement to an arrival."""
        self._cursors: dict[int, str] = {}
        self._is_publishing = self._is_polling = True
        self._pollers = [gevent.spawn(self._poll, number) for number in range(POLLERS)]
        eventually(lambda: len(self._cursors) == POLLERS, "every poller has a cursor")
        self._publishers = [gevent.spawn(self._publish, number) for number in range(PUBLISHERS)]

    def finish(self) -> None:
        """Publish no more, and return when every poller has all notifications."""
        self._is_publishing = False
        gevent.joinall(self._publishers, raise_error=True)
        wanted = set(self.published)
        eventually(lambda: all(wanted <= set(titles) for titles in self.arrived), "everything has arrived", seconds=60)
        self._is_polling = False
        gevent.joinall(self._pollers, raise_error=True)

    def abandon(self) -> None:
        """Drop everything."""
        gevent.killall([*self._publishers, *self._pollers])

    def _publish(self, publisher: int) -> None:
        session, number = new_session(), 0
        while self._is_publishing:
            number += 1
            title, tries, began = f"{publisher}:{number}", 0, time.monotonic()
            headers = {**self._headers[0], "Idempotency-Key": title}
            body = {"to": ("user:alice", "all")[number % 2], "title": title, "ttl": 86400, "data": {"number": number}}
            while not self._is_acknowledged(session, (publisher + number + tries) % 2, headers, body):
                tries += 1
                self.retries[self.phase] += 1
                gevent.sleep(0.05)
            self.published[title] = time.monotonic()
            self.slowest[self.phase] = max(self.slowest[self.phase], time.monotonic() - began)
            gevent.sleep(SECONDS_BETWEEN_POSTS)

    def _is_acknowledged(self, session: requests.Session, gateway: int, headers: Any, body: Any) -> bool:
        url = f"{self._gateways[gateway].url}/v1/notifications"
        try:
            answer = session.post(url, json=body, headers=headers, timeout=30)
        except requests.RequestException:
            return False
        if answer.status_code not in (200, 201, 503):
            self.faults.append(f"{self.phase}: {answer.status_code} {answer.text}")
        return answer.status_code in (200, 201)

    def _poll(self, poller: int) -> None:
        session, arrived, turn = new_session(), self.arrived[poller], poller
        cursor = ""
        while self._is_polling:
            turn += 1
            query = {"cursor": cursor, "wait": 2, "limit": 200} if cursor else {"limit": 1}
            url = f"{self._gateways[turn % 2].url}/v1/inbox"
            try:
                answer = session.get(url, params=query, headers=self._headers[1], timeout=30)
            except requests.RequestException:
                gevent.sleep(0.05)
                continue
            if answer.status_code != 200:
                if answer.status_code != 503:
                    self.faults.append(f"{self.phase}: {answer.status_code} {answer.text}")
                gevent.sleep(0.05)
                continue
            page = answer.json()
            if page["reset"] and cursor:
                self.faults.append(f"{self.phase}: a reset")
            for item in page["notifications"] if cursor else ():
                title = item["title"]
                if title in arrived or item["data"] != {"number": int(title.partition(":")[2])}:
                    self.faults.append(f"{self.phase}: {title} arrived again, or altered")
                arrived[title] = time.monotonic()
                if title in self.published:
                    self.delay[self.phase] = max(self.delay[self.phase], arrived[title] - self.published[title])
            cursor = self._cursors[poller] = page["cursor"]


def fill(database_url: str) -> None:
    """Put notifications of version 0.1 into the database."""
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        values = {"count": COUNT, "now": int(time.time() * 1000)}
        for statement in (FILL, FILL_LOG, "UPDATE log_head SET head = :count"):
            connection.execute(text(statement), values)
    engine.dispose()


@pytest.fixture
def gateways(postgres_url: str, redis_url: str) -> Iterator[list[Gateway]]:
    """Two gateways that share a database and a Redis; not started."""
    shared = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "WORKERS": "2", "LOG_LEVEL": "warning"}
    limits = {f"LIMIT_{name}": "" for name in ("PUBLISH", "POLL", "STATE", "FAILED_AUTH", "GUARD")}
    env = SECRETS | {f"NOTIFYGATE_{name}": value for name, value in (shared | limits).items()}
    made = [Gateway(env), Gateway(env)]
    yield made
    for gateway in made:
        gateway.close()


@pytest.mark.timeout(1800)
def test_upgrade_under_load_loses_nothing(gateways: list[Gateway], postgres_url: str) -> None:
    install_version_0_1()
    first, second = gateways
    first.run(OLD, "migrate")
    fill(postgres_url)
    for gateway in gateways:
        gateway.serve(OLD)
    key = first.run(OLD, "key", "create", "load", "--audience", "*").split()[-1]
    token = issue_token(load_settings(environ=SECRETS), "alice", [], 86400)
    load = Load(gateways, key, token)
    steps: dict[str, float] = {}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        gevent.sleep(QUIET_SECONDS)
        load.phase, began = name, time.monotonic()
        yield
        steps[name] = time.monotonic() - began
        gevent.sleep(QUIET_SECONDS)

    actions: dict[str, Callable[[], object]] = {
        "0.1 alone": lambda: None,
        "0.1 restarted": lambda: second.serve(OLD),
        "notifygate migrate --expand": lambda: first.run(REPOSITORY, "migrate", "--expand"),
        "0.1 restarted on the expanded database": lambda: second.serve(OLD),
        "the first gateway becomes 0.2": lambda: first.serve(REPOSITORY),
        "the second gateway becomes 0.2": lambda: second.serve(REPOSITORY),
        "notifygate migrate": lambda: first.run(REPOSITORY, "migrate"),
        "0.2 alone": lambda: None,
    }
    try:
        for name, action in actions.items():
            with phase(name):
                action()
        load.finish()
    finally:
        load.abandon()
        print(*(gateway.output[-2000:] for gateway in gateways), sep="\n---\n")
    print(f"\n{COUNT:,} notifications before; {len(load.published):,} published to {POLLERS} pollers meanwhile")
    for name, seconds in steps.items():
        figures = f"slowest publication {load.slowest[name]:.2f} s, latest arrival {load.delay[name]:.2f} s"
        print(f"{name}: {seconds:.1f} s; {figures}, {load.retries[name]} repeated")
    assert load.faults == []
    for titles in load.arrived:
        assert set(titles) == set(load.published), "no notification is lost, and each was published"
        for publisher in range(PUBLISHERS):
            numbers = [int(t.partition(":")[2]) for t in titles if t.startswith(f"{publisher}:")]
            assert numbers == sorted(numbers), "in the order in which they were published"

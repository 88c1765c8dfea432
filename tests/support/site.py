"""A site: one gateway or two that share a database, as in production, and the clients that call it."""

import json
import os
import signal
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
import jwt
import requests
from gevent.pool import Pool
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.parser import text_string_to_metric_families
from requests.adapters import HTTPAdapter
from sqlalchemy import text

from notifygate.auth.keys import create_key
from notifygate.auth.revocations import revoke_tokens
from notifygate.log.writer import run_transaction
from notifygate.storage.database import Database, make_engine
from notifygate.storage.readiness import SCHEMA_REVISION
from tests.support.gateway_process import GatewayProcess
from tests.support.waiting import all_done, eventually

SECRET_KEY = "a secret for cursors of more than 32 bytes"
JWT_SECRET = "a secret for tokens of more than 32 bytes"
SECRETS = {"NOTIFYGATE_SECRET_KEY": SECRET_KEY, "NOTIFYGATE_JWT_SECRETS": JWT_SECRET}
UNLIMITED = {
    f"NOTIFYGATE_LIMIT_{name}": "" for name in ("PUBLISH", "AUDIENCES", "POLL", "STATE", "FAILED_AUTH", "GUARD")
}

RARE_HEAD_READS = {"NOTIFYGATE_HEAD_CHECK_INTERVAL": "60"}
"""So long that reads of the head can't have found earlier changes."""


def new_session() -> requests.Session:
    """Return a client with connections of its own and without a proxy of the machine."""
    session = requests.Session()
    session.trust_env = False
    # Many requests at once from one client: none of them may wait for another's connection.
    session.mount("http://", HTTPAdapter(pool_maxsize=256))
    return session


@dataclass
class Recipient:
    """A recipient on one device: a token, and connections of their own to one gateway."""

    name: str
    token: str
    url: str

    def __post_init__(self) -> None:
        self.session = new_session()
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def poll(
        self,
        cursor: str | None = None,
        *,
        etag: str | None = None,
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/inbox",
        **query: Any,
    ) -> requests.Response:
        """Poll once; `etag` goes into If-None-Match."""
        if cursor is not None:
            query["cursor"] = cursor
        sent = {**({"If-None-Match": etag} if etag else {}), **(headers or {})}
        return self.session.get(f"{self.url}{path}", params=query, headers=sent, timeout=120)

    def inbox(self, cursor: str | None = None, **query: Any) -> dict[str, Any]:
        """Poll, expect 200 and return the body."""
        answer = self.poll(cursor, **query)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def cursor(self) -> str:
        """Return the present cursor, which begins the inbox."""
        return self.inbox()["cursor"]

    def read_until(self, title: str, cursor: str, *, may_be_unavailable: bool = False, **query: Any) -> list[str]:
        """Poll from a cursor until a notification with this title arrives; return the ids of all, in order."""
        ids: list[str] = []
        while True:
            answer = self.poll(cursor, wait=20, **query)
            if may_be_unavailable and answer.status_code != 200:
                check_unavailable(answer)
                gevent.sleep(0.05)
                continue
            assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
            body = answer.json()
            assert not body["reset"]
            cursor = body["cursor"]
            ids += [item["id"] for item in body["notifications"]]
            if any(item["title"] == title for item in body["notifications"]):
                return ids
            if not body["notifications"]:
                gevent.sleep(0.2)  # a gateway that stops answers at once; `poll.after` would be whole seconds

    def change(self, operation: str, *ids: str) -> None:
        """Change the state of notifications."""
        body = {"op": operation, "ids": ids}
        self.session.post(f"{self.url}/v1/inbox/state", json=body, timeout=60).raise_for_status()

    def prefer(self, types: Mapping[str, Any]) -> None:
        """Replace the preferences."""
        self.session.put(f"{self.url}/v1/inbox/preferences", json={"types": types}, timeout=60).raise_for_status()


@dataclass
class Publisher:
    """A publisher with connections of its own to one gateway."""

    key: str
    url: str

    def __post_init__(self) -> None:
        self.session = new_session()
        self.session.headers["Authorization"] = f"Bearer {self.key}"

    def post(self, to: Any, title: str = "A title", *, idempotency_key: str | None = None, **fields: Any):
        """Publish and return the answer, whatever it is."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        body = {"to": to, "title": title, **fields}
        return self.session.post(f"{self.url}/v1/notifications", json=body, headers=headers, timeout=60)

    def publish(self, to: Any, title: str = "A title", **fields: Any) -> str:
        """Publish, expect 201 and return the id."""
        answer = self.post(to, title, **fields)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
        return answer.json()["id"]

    def publish_until_answered(self, to: Any, title: str) -> str:
        """Publish with an Idempotency-Key until the answer is 201; return the id."""

        def published() -> str | None:
            answer = self.post(to, title, idempotency_key=f"key of {title}")
            if answer.status_code != 201:
                check_unavailable(answer)
                return None
            return answer.json()["id"]

        notification_id = eventually(published, f"{title} is published", seconds=60)
        assert notification_id
        return notification_id


def check_unavailable(answer: requests.Response) -> None:
    """Check that a response is the problem with `Retry-After`."""
    assert answer.status_code == 503, f"{answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["code"] == "unavailable"


class Site:
    """Gateways on one database. The first is the default of methods that use one gateway."""

    def __init__(self, database_url: str, env: Mapping[str, str], gateways: int = 1) -> None:
        self.database_url = database_url
        self.env = {"NOTIFYGATE_DATABASE_URL": database_url, **SECRETS, **UNLIMITED, **env}
        self.gateways = [GatewayProcess() for _ in range(gateways)]
        self._names = 0

    @property
    def url(self) -> str:
        """The URL of the first gateway."""
        return self.gateways[0].url

    @property
    def urls(self) -> list[str]:
        """The URL of each gateway."""
        return [gateway.url for gateway in self.gateways]

    @property
    def workers(self) -> int:
        """Worker processes of one gateway."""
        return int(self.env.get("NOTIFYGATE_WORKERS", "1"))

    def start(self) -> "Site":
        """Start every gateway and return when all their workers serve."""
        for gateway in self.gateways:
            gateway.start(self.env)
        for gateway in self.gateways:
            self.await_workers(gateway)
        return self

    def await_workers(self, gateway: GatewayProcess | None = None) -> list[int]:
        """Return the process numbers of a gateway's workers as soon as all of them have answered a request."""
        gateway = gateway or self.gateways[0]

        def answering() -> list[int]:
            new_session().get(f"{gateway.url}/healthz", timeout=30, headers={"Connection": "close"})
            pids = worker_pids(gateway)
            return pids if len(pids) == self.workers and all(self._has_answered(gateway, pid) for pid in pids) else []

        return eventually(answering, "all workers answer", seconds=60)

    def _has_answered(self, gateway: GatewayProcess, pid: int) -> bool:
        return self.workers == 1 or metric_of_worker(gateway, pid, "notifygate_requests_total") > 0

    def close(self) -> None:
        """End the gateways and remove their folders; their output is shown when the test fails."""
        for gateway in self.gateways:
            lines = [line for line in gateway.output.splitlines() if '"logger": "notifygate.access"' not in line]
            last = [line[:300] for line in lines[-50:]]
            print(f"--- gateway on {gateway.url}, without its access log ---", *last, sep="\n")
            gateway.close()

    def new_name(self, prefix: str = "r") -> str:
        """Return a name that no other test of this site uses."""
        self._names += 1
        return f"{prefix}{self._names}"

    def recipient(self, name: str | None = None, *, at: int = 0, roles: Sequence[str] = (), seconds: int = 3600):
        """Return a recipient that calls one of the gateways, by default a new one."""
        name = name or self.new_name()
        claims = {"sub": name, "exp": int(time.time()) + seconds, "roles": list(roles)}
        return Recipient(name, jwt.encode(claims, JWT_SECRET, "HS256"), self.gateways[at].url)

    def recipients(self, count: int) -> list[Recipient]:
        """Return recipients whose inboxes have begun, spread over the gateways."""
        recipients = [self.recipient(at=place % len(self.gateways)) for place in range(count)]
        for one in recipients:
            one.cursor()
        return recipients

    def bulky_recipient(self, character: str) -> Recipient:
        """Return a recipient with 200 unread notifications, each with the longest possible text."""
        reader, publisher = self.recipient(), self.publisher()
        reader.cursor()
        pool = Pool(10)
        for number in range(200):
            pool.spawn(publisher.publish, f"user:{reader.name}", f"number {number}", body=character * 4000)
        pool.join(raise_error=True)
        return reader

    def publisher(self, *, at: int = 0, scope: str = "publish", audiences: str = "*", types: str = "*") -> Publisher:
        """Make an API key and return its publisher, which calls one of the gateways."""
        engine = make_engine(self.database_url)
        try:
            change = create_key("publisher", [scope], [audiences], [types], None)
            results, _, _ = run_transaction(Database(engine), [change])
        finally:
            engine.dispose()
        return Publisher(results[0], self.gateways[at].url)

    def revoke_tokens(self, name: str) -> None:
        """Revoke the tokens of a recipient that were issued before now."""
        engine = make_engine(self.database_url)
        try:
            run_transaction(Database(engine), [revoke_tokens(name)])
        finally:
            engine.dispose()

    def metric(self, name: str, at: int = 0, **labels: str) -> float:
        """Return a metric of one gateway, summed over the labels that aren't named."""
        return sum_of_metric(new_session().get(f"{self.gateways[at].url}/metrics", timeout=30).text, name, labels)

    def holds(self) -> int:
        """Return how many requests are held now, in all gateways."""
        return int(sum(self.metric("notifygate_holds", at) for at in range(len(self.gateways))))

    def await_holds(self, count: int) -> None:
        """Return when exactly so many requests are held."""
        eventually(lambda: self.holds() == count, f"{count} holds")

    @contextmanager
    def held(
        self, recipients: Sequence[Recipient], cursors: Sequence[str] | None = None, *, wait: int = 50, **query: Any
    ) -> Generator[list[gevent.Greenlet]]:
        """Hold a poll of each recipient, from their present cursor; yield the polls as greenlets when all are held."""
        before = self.holds()
        cursors = cursors or [recipient.cursor() for recipient in recipients]
        polls = [
            gevent.spawn(recipient.poll, cursor, wait=wait, **query)
            for recipient, cursor in zip(recipients, cursors, strict=True)
        ]
        try:
            self.await_holds(before + len(polls))
            yield polls
        finally:
            gevent.killall(polls)

    def check_wakes(
        self, recipients: Sequence[Recipient] = (), publisher: Publisher | None = None
    ) -> tuple[float, float]:
        """Hold a poll of each recipient, by default of a new one, and publish to them: each gets that notification alone.

        Return the seconds that publishing took, and those until the last recipient has it.
        """
        recipients = recipients or [self.recipient()]
        publisher = publisher or self.publisher()
        with self.held(recipients) as polls:
            began = time.monotonic()
            notification_id = publisher.publish([f"user:{recipient.name}" for recipient in recipients])
            published_after = time.monotonic() - began
            for answer in all_done(polls):
                assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]
        return published_after, time.monotonic() - began

    @contextmanager
    def no_worker_starts(self) -> Generator[None]:
        """Make every new worker fail to start: the database seems to belong to another version."""
        engine = make_engine(self.database_url)

        def set_version(version: str) -> None:
            with engine.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})

        set_version("of another time")
        try:
            yield
        finally:
            set_version(SCHEMA_REVISION)
            engine.dispose()

    def access_lines(self, at: int = 0, **fields: Any) -> list[dict[str, Any]]:
        """Return the lines of the access log in which the given fields have the given values."""
        return [
            line
            for line in json_lines(self.gateways[at].output)
            if line.get("logger") == "notifygate.access" and all(line.get(k) == v for k, v in fields.items())
        ]


@contextmanager
def running_site(
    folder: Path, database_url: str | None = None, *, gateways: int = 1, **settings: Any
) -> Generator[Site]:
    """Start a site and yield it; close it afterwards.

    `database_url` is a SQLite file in the folder if it isn't given; `gateways` is the number of gateways that share it,
    the other arguments are settings by variable, without the prefix.
    """
    env = {f"NOTIFYGATE_{name}": str(value) for name, value in settings.items()}
    site = Site(database_url or f"sqlite:///{folder}/notifygate.db", env, gateways)
    try:
        yield site.start()
    finally:
        site.close()


MakeSite = Callable[..., Site]
"""Starts a site of one test alone: see the fixture `make_site`."""


def json_lines(output: str) -> list[dict[str, Any]]:
    """Return the JSON objects among the lines of an output."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{") and line.endswith("}")]


def worker_pids(gateway: GatewayProcess) -> list[int]:
    """Return the process numbers of a gateway's workers, oldest first."""
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text().split()
    return [pid for pid in map(int, children) if not is_zombie(pid)]


def pause(pid: int) -> None:
    """Stop a process, and return when it has stopped.

    A process that is only about to stop may handle a later signal first.
    """
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: state_of(pid) == "T", f"process {pid} has stopped")


def state_of(pid: int) -> str:
    """Return the state of a process, one letter (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def is_zombie(pid: int) -> bool:
    """Return whether a process has ended, reaped or not."""
    try:
        return state_of(pid) in "ZX"
    except OSError:
        return True


def metric_of_worker(gateway: GatewayProcess, pid: int, name: str) -> float:
    """Return a metric of one worker out of several, from the file in which it keeps its values."""
    kind = "counter" if name.endswith("_total") else "gauge_liveall"
    file = gateway.data_dir / "metrics" / f"{kind}_{pid}.db"
    if not file.exists() or os.stat(file).st_size == 0:
        return 0.0
    values = MmapedDict.read_all_values_from_file(str(file))
    return sum(value for key, value, *_ in values if json.loads(key)[1] == name)


def each_worker_holds(gateway: GatewayProcess) -> bool:
    """Return whether each worker holds a poll. The kernel chooses the worker that accepts a connection."""
    return all(metric_of_worker(gateway, pid, "notifygate_holds") > 0 for pid in worker_pids(gateway))


def sum_of_metric(text: str, name: str, labels: Mapping[str, str]) -> float:
    """Return the sum of a metric's samples that have these labels, from Prometheus' text format."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

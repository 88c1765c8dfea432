"""The gateway under measurement: the real gunicorn, with credentials for publishers and recipients."""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import jwt
from sqlalchemy import create_engine, insert

from benchmarks import loadgen
from benchmarks.http_files import MARKED_TITLE, STAMP, get, post_json, slot
from benchmarks.machine import SERVER_CORE, children, favour, on_core
from notifygate.endpoints.polling import MAX_LIMIT
from notifygate.storage.tables import API_KEYS
from tests.support.gateway_process import GatewayProcess

JWT_SECRET = "signs the tokens of a benchmark's recipients"  # noqa: S105 - protects nothing
SECRETS = {
    "NOTIFYGATE_JWT_SECRETS": JWT_SECRET,
    "NOTIFYGATE_SECRET_KEY": "makes the cursors of a benchmark's recipients",
}
NO_ACCESS_LINES = {"NOTIFYGATE_LOG_LEVEL": "warning"}
"""As nginx has `access_log off`; everything else is at its default."""

FILE = "notifygate.db"
TOKEN_SECONDS = 6 * 3600
KEYS = 8
"""Publishers for single notifications, so that the limit of 1,200 a minute and key is never what is measured."""

FIRST_POLLS_AT_A_TIME = 8
"""Fewer than the gateway has database connections: this is not what is measured, and nobody has to wait for one."""

WAIT_SECONDS = 250
"""More than a gateway grants by default, so it grants its longest hold; and so small that each hold has the number for
nothing in memory, as with the default."""

CURSOR = '"cursor":"'
"""What stands before the cursor in an answer."""


Variation = Callable[[int], tuple[str, Mapping[str, str]]]
"""What the polls of the recipient of a number have besides: the end of the query, further header fields."""


def unvaried(number: int) -> tuple[str, Mapping[str, str]]:
    """Add nothing: each recipient repeats the same bytes."""
    return "", {}


def with_cache_buster(number: int) -> tuple[str, Mapping[str, str]]:
    """Add another cache-buster and another request id each time, which the gateway cuts out before it looks."""
    return f"&_={STAMP}", {"X-Request-Id": STAMP}


def with_new_head(number: int) -> tuple[str, Mapping[str, str]]:
    """Make each request one that the gateway has never received, as clients do that take part in tracing.

    The trace's id is another one each time, so there are more of these heads than any table could hold. The limit,
    which changes nothing about a 304, differs between recipients.
    """
    return f"&limit={1 + number % MAX_LIMIT}", {"Traceparent": f"00-{STAMP:0>32}-{STAMP:0>16}-01"}


def recipient_name(number: int) -> str:
    """Return the name of the recipient of a number, which the seed uses, too."""
    return f"r{number:06d}"


def _copy_to_disk(source: Path, target: Path) -> None:
    """Copy a file and wait until the disk has it: it would be busy with that while commits are measured."""
    shutil.copyfile(source, target)
    with target.open("rb+") as copy:
        os.fsync(copy.fileno())


class Gateway:
    """A gateway on a port of its own; without a `database_url` on its own SQLite file, empty or a copy of `log`."""

    name = "notifygate"

    def __init__(
        self,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        database_url: str | None = None,
        log: Path | None = None,
        core: int = SERVER_CORE,
    ) -> None:
        self.folder = folder
        self._core = core
        self._log = log
        self._process = GatewayProcess()
        self.database_url = database_url or f"sqlite:///{self._process.data_dir.resolve() / FILE}"
        self._env = {**SECRETS, **NO_ACCESS_LINES, "NOTIFYGATE_DATABASE_URL": self.database_url, **(env or {})}
        self.address = f"127.0.0.1:{self._process.port}"
        self._tokens: list[str] = []
        self._keys: list[str] = []

    def __enter__(self) -> Self:
        """Migrate the database and start gunicorn on its core. Raises ServerStartError."""
        # The gateway makes its folder for the secrets that it keeps there; these are given.
        self._process.data_dir.mkdir(exist_ok=True)
        if self._log is not None:
            _copy_to_disk(self._log, self._process.data_dir / FILE)
        with on_core(self._core):
            self._process.start(self._env)
        for pid in (self._process.pid, *self.pids):
            favour(pid)
        return self

    def __exit__(self, *_: object) -> None:
        """End all its processes and forget its data."""
        self._process.close()

    @property
    def pids(self) -> list[int]:
        """The worker processes; gunicorn's first process does nothing."""
        return children(self._process.pid)

    @property
    def output(self) -> str:
        """What the gateway has printed."""
        return self._process.output

    def metric(self, name: str) -> float:
        """Return a metric's value, summed over its labels."""
        return sum(float(line.split()[-1]) for line in self._metrics() if line.startswith((f"{name} ", f"{name}{{")))

    def buckets(self, name: str) -> dict[float, float]:
        """Return a histogram: how many observations there were up to each limit."""
        begin = f'{name}_bucket{{le="'
        lines = [line.removeprefix(begin).split('"} ') for line in self._metrics() if line.startswith(begin)]
        return {float(limit): float(count) for limit, count in lines}

    def _metrics(self) -> list[str]:
        return loadgen.once(self.address, [get("/metrics", {})], self.folder)[0].body.decode().splitlines()

    def sign(self, recipient: str) -> str:
        """Return a token of a recipient."""
        claims = {"sub": recipient, "exp": int(time.time()) + TOKEN_SECONDS}
        return jwt.encode(claims, JWT_SECRET, "HS256")

    def token_header(self, number: int) -> dict[str, str]:
        """Return the header that makes a request the recipient's of that number."""
        for missing in range(len(self._tokens), number + 1):
            self._tokens.append(self.sign(recipient_name(missing)))
        return {"Authorization": f"Bearer {self._tokens[number]}"}

    def key_header(self, number: int) -> dict[str, str]:
        """Return the header that makes a request the publisher's of that number."""
        if number >= len(self._keys):
            self._keys += self._create_keys(max(KEYS, number + 1) - len(self._keys))
        return {"Authorization": f"Bearer {self._keys[number]}"}

    def _create_keys(self, count: int) -> list[str]:
        """Make API keys in the database itself: a running gateway looks up a key when it is first used."""
        made = [(secrets.token_hex(6), secrets.token_urlsafe(32)) for _ in range(count)]
        rows: list[dict[str, Any]] = [
            {
                "id": key_id,
                "name": "benchmark",
                "scopes": '["publish"]',
                "audience_patterns": '["*"]',
                "type_patterns": '["*"]',
                "secret_hash": hashlib.sha256(secret.encode()).hexdigest(),
                "created_at": time.time_ns() // 1_000_000,
            }
            for key_id, secret in made
        ]
        engine = create_engine(self.database_url)
        with engine.begin() as connection:
            connection.execute(insert(API_KEYS), rows)
        engine.dispose()
        return [f"ng_{key_id}_{secret}" for key_id, secret in made]

    def first_polls(self, recipients: range) -> list[str]:
        """Poll once for each recipient, which begins their inboxes; return their cursors."""
        polls = [get("/v1/inbox", self.token_header(number)) for number in recipients]
        answers = loadgen.once(self.address, polls, self.folder, connections=FIRST_POLLS_AT_A_TIME)
        return [json.loads(answer.body)["cursor"] for answer in answers]

    def short_polls(self, cursors: Sequence[str], vary: Variation = unvaried) -> list[bytes]:
        """Return a short poll for each recipient, with cursor and ETag, that finds nothing new."""
        requests: list[bytes] = []
        for number, cursor in enumerate(cursors):
            query, fields = vary(number)
            headers = {**self.token_header(number), "If-None-Match": f'W/"{cursor}"', **fields}
            requests.append(get(f"/v1/inbox?cursor={cursor}{query}", headers))
        return requests

    def publication(self, to: str | Sequence[str], key: int = 0) -> bytes:
        """Return a request that publishes a notification with a running number in its title."""
        return post_json("/v1/notifications", {"to": to, "title": MARKED_TITLE}, self.key_header(key))

    def hold_plan(self, recipients: range) -> loadgen.HoldPlan:
        """Return what the load generator needs to let these recipients wait."""
        single = [self.publication(f"user:{recipient_name(number)}", number % KEYS) for number in recipients]
        return loadgen.HoldPlan(
            addresses=[self.address],
            polls=[
                get(f"/v1/inbox?cursor={slot(cursor)}&wait={WAIT_SECONDS}", self.token_header(number))
                for number, cursor in zip(recipients, self.first_polls(recipients), strict=True)
            ],
            publish_address=self.address,
            publications=[*single, self.publication("all")],
            carry=[CURSOR],
            watch=self.pids,
        )

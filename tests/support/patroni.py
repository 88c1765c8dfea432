"""A PostgreSQL that fails over: two servers under Patroni, which keeps its state in etcd.

The times are short, since tests wait for them: the leader's lease is the shortest that Patroni allows.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import requests
from sqlalchemy.engine import URL

from tests.support import reaper
from tests.support.binaries import find_postgres, find_program
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder
from tests.support.site import new_session
from tests.support.unprivileged import hand_over, unprivileged

LEASE_SECONDS = 20
LOOP_SECONDS = 2
RETRY_SECONDS = 3
PASSWORD = "a-password"
ROLE = "notifygate"
PATIENCE_SECONDS = 300.0


class PatroniNode:
    """One PostgreSQL and the Patroni that runs it, on 127.0.0.1."""

    def __init__(self, name: str, etcd_port: int, *, is_synchronous: bool) -> None:
        self.name = name
        self.port = free_port()
        self._rest_port = free_port()
        self._folder = make_folder("patroni")
        self._data = self._folder / "data"
        self._prefix = unprivileged(self._folder)
        self._file = self._folder / "patroni.json"
        # YAML, of which JSON is a part.
        self._file.write_text(json.dumps(self._configuration(etcd_port, is_synchronous)))
        self._process: ServerProcess | None = None
        self._group = 0
        """The process group of PostgreSQL, which Patroni starts in a session of its own; 0 if none is known."""
        self._frozen: list[int] = []

    def start(self) -> None:
        """Start Patroni, which makes or copies the cluster, or uses the present one. Does not wait."""
        hand_over(self._folder, self._prefix)
        self._process = ServerProcess(
            f"Patroni {self.name}",
            [*self._prefix, sys.executable, "-m", "patroni", self._file],
            output_file=self._folder / "output.txt",
            cwd=self._folder,
        )

    def role(self) -> str:
        """Return the role of its PostgreSQL according to this Patroni: `primary`, `replica`, or `` if unknown."""
        state = self._get("/patroni")
        return state.get("role", "") if state.get("state") == "running" else ""

    def members(self) -> dict[str, tuple[str, str]]:
        """Return the role and the state of each node by name, according to this Patroni."""
        return {one["name"]: (one["role"], one["state"]) for one in self._get("/cluster").get("members", [])}

    def switch_over(self, to: "PatroniNode") -> None:
        """Make another node the leader by a switchover. Returns when it is the leader."""
        body = {"leader": self.name, "candidate": to.name}
        with new_session() as session:
            answer = session.post(f"http://127.0.0.1:{self._rest_port}/switchover", json=body, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 200, answer.text

    def watch_postgres(self) -> None:
        """Register the running PostgreSQL with the reaper, so that it ends with the test run."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        if os.getpgid(pid) != self._group:
            self._forget_postgres()
            self._group = os.getpgid(pid)
            reaper.watch_process(self._group)

    def freeze(self) -> None:
        """Stop Patroni and PostgreSQL, as on a paused machine: connections stay open without answers."""
        assert self._process is not None
        self._process.send(signal.SIGSTOP)
        for _ in range(2):  # the second time those started before the first process was stopped
            for pid in self._postgres_processes():
                if pid not in self._frozen and _signal(pid, signal.SIGSTOP):
                    # Each has a process group of its own, which the one of PostgreSQL's first process doesn't cover.
                    reaper.watch_process(pid)
                    self._frozen.append(pid)

    def thaw(self) -> None:
        """Resume Patroni and PostgreSQL."""
        assert self._process is not None
        for pid in self._frozen:
            _signal(pid, signal.SIGCONT)
        self._forget_frozen()
        self._process.send(signal.SIGCONT)

    def kill(self) -> None:
        """End Patroni and PostgreSQL at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        for pid in self._postgres_processes():
            _signal(pid, signal.SIGKILL)
        self._forget_frozen()
        while self._group and reaper.is_group_alive(self._group):
            time.sleep(0.02)
        self._forget_postgres()

    def _postgres_processes(self) -> list[int]:
        """Return PostgreSQL's first process and its children; none if it does not run."""
        try:
            first = int((self._data / "postmaster.pid").read_text().split()[0])
            self.watch_postgres()
            return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
        except (OSError, ValueError, IndexError):
            return []

    def close(self) -> None:
        """End both and remove their files."""
        if self._process is not None:
            self.kill()
        remove_folder(self._folder)

    @property
    def output(self) -> str:
        """The output of Patroni and PostgreSQL."""
        return self._process.output if self._process else ""

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect as the superuser."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", password=PASSWORD, dbname=database,
            autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def _forget_frozen(self) -> None:
        for pid in self._frozen:
            reaper.forget_process(pid)
        self._frozen = []

    def _forget_postgres(self) -> None:
        if self._group:
            reaper.forget_process(self._group)
            self._group = 0

    def _get(self, path: str) -> dict[str, Any]:
        try:
            with new_session() as session:
                return session.get(f"http://127.0.0.1:{self._rest_port}{path}", timeout=10).json()
        except (requests.RequestException, ValueError):
            return {}

    def _configuration(self, etcd_port: int, is_synchronous: bool) -> dict[str, Any]:
        users = {name: {"username": name, "password": PASSWORD} for name in ("replicator", "rewinder")}
        rest, postgres = f"127.0.0.1:{self._rest_port}", f"127.0.0.1:{self.port}"
        return {
            "scope": "notifygate",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"hosts": f"127.0.0.1:{etcd_port}"},
            "bootstrap": {
                "dcs": {
                    "ttl": LEASE_SECONDS,
                    "loop_wait": LOOP_SECONDS,
                    "retry_timeout": RETRY_SECONDS,
                    "synchronous_mode": is_synchronous,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {"max_connections": 100, "wal_keep_size": "128MB"},
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": postgres,
                "connect_address": postgres,
                "data_dir": str(self._data),
                "bin_dir": str(find_postgres()),
                "pgpass": str(self._folder / "pgpass"),
                "parameters": {"unix_socket_directories": str(self._folder)},
                "authentication": {
                    "superuser": {"username": "postgres", "password": PASSWORD},
                    "replication": users["replicator"],
                    "rewind": users["rewinder"],
                },
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                ],
            },
        }


class PatroniCluster:
    """Two nodes and the etcd between them."""

    def __init__(self, *, is_synchronous: bool) -> None:
        self._etcd_port = free_port()
        self._folder = make_folder("etcd")
        self._etcd: ServerProcess | None = None
        self._follower_role = "sync_standby" if is_synchronous else "replica"
        self.nodes = [PatroniNode(f"node{n}", self._etcd_port, is_synchronous=is_synchronous) for n in (1, 2)]

    def start(self) -> None:
        """Start everything and return when one node leads and the other follows: about 20 seconds.

        Raises BinaryNotFoundError, ServerStartError.
        """
        peer, client = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{self._etcd_port}"
        flags = {
            "data-dir": self._folder / "data",
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "listen-client-urls": client,
            "advertise-client-urls": client,
        }
        command = [find_program("etcd", "etcd-server"), *(f"--{name}={value}" for name, value in flags.items())]
        self._etcd = ServerProcess("etcd", command, output_file=self._folder / "output.txt")
        self._etcd.wait_until(self._has_etcd)
        for node in self.nodes:
            node.start()
        self.await_both()
        with self.leader().connect() as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
            connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")

    @property
    def url(self) -> str:
        """The URL for a gateway: both servers, of which it uses the one that can be written."""
        query = {"host": [f"127.0.0.1:{node.port}" for node in self.nodes], "target_session_attrs": "read-write"}
        url = URL.create("postgresql+psycopg", ROLE, PASSWORD, database=ROLE, query=query)
        return url.render_as_string(hide_password=False)

    def leader(self) -> PatroniNode:
        """Return the node that leads. Waits until there is one."""
        return self._await("a leader", lambda: next((node for node in self.nodes if node.role() == "primary"), None))

    def follower(self) -> PatroniNode:
        """Return the node that does not lead."""
        leader = self.leader()
        return next(node for node in self.nodes if node is not leader)

    def await_both(self) -> None:
        """Return when one node leads and the other follows it, synchronously if that is configured."""

        def are_both_running() -> bool:
            members = self.nodes[0].members()
            return sorted(members.values()) == sorted([("leader", "running"), (self._follower_role, "streaming")])

        self._await("a leader and a follower", are_both_running)
        for node in self.nodes:
            node.watch_postgres()

    def close(self) -> None:
        """End everything and remove its files."""
        for node in self.nodes:
            print(f"--- {node.name} ---", *node.output.splitlines()[-40:], sep="\n")
            node.close()
        if self._etcd is not None:
            self._etcd.kill()
        remove_folder(self._folder)

    def _await(self, what: str, find: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (result := find()):
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}"
            time.sleep(0.1)
        return result

    def _has_etcd(self) -> bool:
        try:
            with new_session() as session:
                return session.get(f"http://127.0.0.1:{self._etcd_port}/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def _signal(pid: int, number: int) -> bool:
    """Send a signal to a process; return whether it was there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True

"""A Redis that fails over: a master, a replica and three Sentinels, with or without TLS."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.binaries import find_program, find_redis
from tests.support.certificates import make_certificate
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder

MASTER = "cache"
PASSWORD = "a password of the servers"
SENTINEL_PASSWORD = "a password of the Sentinels"
SERVERS, SENTINELS, QUORUM = 2, 3, 2
DOWN_AFTER_MILLISECONDS = 1000
"""The time after which a Sentinel reports a server down: short, since a test waits for it."""


class SentinelRedis:
    """The processes of one such Redis, all on 127.0.0.1.

    `rules` are those of a user `notifygate`, as in `ACL SETUSER`. `url` is the URL for a gateway of that user.
    """

    def __init__(self, rules: Sequence[str], password: str, *, has_tls: bool = False) -> None:
        self._folder = make_folder("sentinel")
        self._program = find_program("redis-server", "redis-server") if has_tls else find_redis()
        self._user = ["user", "notifygate", *(f">{password}" if rule.startswith(">") else rule for rule in rules)]
        self._tls: dict[str, str] = {}
        self._client: dict[str, Any] = {}
        if has_tls:
            certificate, key = make_certificate(self._folder)
            self._tls = {"tls-cert-file": str(certificate), "tls-key-file": str(key)}
            self._tls |= {"tls-ca-cert-file": str(certificate), "tls-auth-clients": "no", "tls-replication": "yes"}
            self._client = {"ssl": True, "ssl_ca_certs": str(certificate)}
        self._ports = [free_port() for _ in range(SERVERS)]
        self._sentinel_ports = [free_port() for _ in range(SENTINELS)]
        self._servers: dict[int, ServerProcess] = {}
        self._sentinels: dict[int, ServerProcess] = {}
        self._hanging: set[int] = set()
        """Ports of Sentinels that hang."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinel_ports)
        query = f"sentinel_password={SENTINEL_PASSWORD.replace(' ', '%20')}"
        if has_tls:
            query += f"&ssl_ca_certs={self._client['ssl_ca_certs']}"
        scheme = "rediss" if has_tls else "redis"
        self.url = f"{scheme}+sentinel://notifygate:{password}@{hosts}/{MASTER}/0?{query}"

    def start(self) -> None:
        """Start everything; return when the replica has a copy and all Sentinels have found it and each other.

        Raises BinaryNotFoundError, ServerStartError.
        """
        master, *replicas = self._ports
        for port in self._ports:
            self._start_server(port, None if port == master else master)
        for port in replicas:
            # A replica without a copy can't be promoted.
            self._servers[port].wait_until(lambda port=port: self._is_synchronised(port))
        for port in self._sentinel_ports:
            self._start_sentinel(port, master)
        for port, process in self._sentinels.items():
            process.wait_until(lambda port=port: self._knows_all(port))

    def master(self) -> int:
        """Return the port of the master according to the last Sentinel."""
        return self._named_by(self._sentinel_ports[-1])

    def is_master(self, port: int) -> bool:
        """Return whether all Sentinels that don't hang name a server as the master."""
        asked = [sentinel for sentinel in self._sentinel_ports if sentinel not in self._hanging]
        return all(self._named_by(sentinel) == port for sentinel in asked)

    def other(self, port: int) -> int:
        """Return the port of the other server."""
        return next(one for one in self._ports if one != port)

    def kill(self, port: int) -> None:
        """End a server at once."""
        self._servers.pop(port).kill()

    def freeze(self, port: int) -> None:
        """Stop a server, which then accepts connections and answers nothing."""
        self._servers[port].send(signal.SIGSTOP)

    def thaw(self, port: int) -> None:
        """Resume a stopped server."""
        self._servers[port].send(signal.SIGCONT)

    def freeze_sentinel(self, number: int) -> None:
        """Stop one of the Sentinels, counted from 0 in the order of the URL."""
        port = self._sentinel_ports[number]
        self._sentinels[port].send(signal.SIGSTOP)
        self._hanging.add(port)

    def close(self) -> None:
        """End all processes and remove their files."""
        for process in (*self._sentinels.values(), *self._servers.values()):
            process.kill()
        remove_folder(self._folder)

    def connect(self, port: int, password: str = PASSWORD) -> redis.Redis:
        """Return a client of a server, or with SENTINEL_PASSWORD of a Sentinel, that never retries."""
        return redis.Redis(
            host="127.0.0.1", port=port, password=password, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0),
            decode_responses=True, **self._client,
        )  # fmt: skip

    def _start_server(self, port: int, master: int | None) -> None:
        settings = {
            "requirepass": f'"{PASSWORD}"',
            "masterauth": f'"{PASSWORD}"',
            "save": '""',
            "appendonly": "no",
            "repl-diskless-sync-delay": "0",
        }
        if master is not None:
            settings["replicaof"] = f"127.0.0.1 {master}"
        file = self._write(port, settings, " ".join(self._user))
        self._servers[port] = ServerProcess(
            f"Redis {port}", [self._program, file], output_file=self._folder / f"{port}.txt"
        )
        self._servers[port].wait_until(lambda: self._answers(port, PASSWORD))

    def _start_sentinel(self, port: int, master: int) -> None:
        settings = {
            "requirepass": f'"{SENTINEL_PASSWORD}"',
            "sentinel sentinel-pass": f'"{SENTINEL_PASSWORD}"',
            f"sentinel monitor {MASTER}": f"127.0.0.1 {master} {QUORUM}",
            f"sentinel auth-pass {MASTER}": f'"{PASSWORD}"',
            f"sentinel down-after-milliseconds {MASTER}": str(DOWN_AFTER_MILLISECONDS),
            f"sentinel failover-timeout {MASTER}": "5000",
        }
        file = self._write(port, settings)
        self._sentinels[port] = ServerProcess(
            f"Sentinel {port}", [self._program, file, "--sentinel"], output_file=self._folder / f"{port}.txt"
        )
        self._sentinels[port].wait_until(lambda: self._answers(port, SENTINEL_PASSWORD))

    def _write(self, port: int, settings: dict[str, str], *lines: str) -> Path:
        ports = {"port": "0", "tls-port": str(port), **self._tls} if self._tls else {"port": str(port)}
        folder = self._folder / str(port)
        folder.mkdir()
        common = {"bind": "127.0.0.1", "dir": str(folder), "daemonize": "no", **ports}
        file = folder / "redis.conf"
        file.write_text("\n".join([*(f"{name} {value}" for name, value in {**common, **settings}.items()), *lines, ""]))
        return file

    def _answers(self, port: int, password: str) -> bool:
        try:
            with self.connect(port, password) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _is_synchronised(self, port: int) -> bool:
        with self.connect(port) as client:
            return client.info("replication").get("master_link_status") == "up"

    def _named_by(self, sentinel: int) -> int:
        with self.connect(sentinel, SENTINEL_PASSWORD) as client:
            _, port = client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)
            return int(port)

    def _knows_all(self, sentinel: int) -> bool:
        with self.connect(sentinel, SENTINEL_PASSWORD) as client:
            state = client.sentinel_master(MASTER)
        return (state["num-slaves"], state["num-other-sentinels"]) == (SERVERS - 1, SENTINELS - 1)

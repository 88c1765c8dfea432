"""A Redis that speaks TLS alone and asks its clients for a certificate."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.binaries import find_redis_with_tls
from tests.support.certificates import make_certificate
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder


class RedisWithTls:
    """The process, on 127.0.0.1; `rules` are those of its only user, `notifygate`, as in `ACL SETUSER`."""

    def __init__(self, rules: Sequence[str], password: str) -> None:
        """Raises BinaryNotFoundError."""
        self._program = find_redis_with_tls()
        self._folder = make_folder("redis-tls")
        self.certificate, self._key = make_certificate(self._folder)
        self._port = free_port()
        self._password = password
        rules = [f">{password}" if rule.startswith(">") else rule for rule in rules]
        settings = {
            "bind": "127.0.0.1",
            "port": "0",
            "tls-port": str(self._port),
            "tls-cert-file": str(self.certificate),
            "tls-key-file": str(self._key),
            "tls-ca-cert-file": str(self.certificate),
            "save": '""',
            "appendonly": "no",
            "dir": str(self._folder),
            "user notifygate": " ".join(rules),
            "user default": "off",
        }
        self._file = self._folder / "redis.conf"
        self._file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self._process: ServerProcess | None = None

    def url(self, ca_certs: Path | None = None) -> str:
        """Return what a gateway is given, by default with the right certificate to trust."""
        files = f"ssl_ca_certs={ca_certs or self.certificate}&ssl_certfile={self.certificate}&ssl_keyfile={self._key}"
        return f"rediss://notifygate:{quote(self._password, safe='')}@127.0.0.1:{self._port}/0?{files}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerStartError."""
        self._process = ServerProcess("Redis", [self._program, self._file], output_file=self._folder / "output.txt")
        self._process.wait_until(self._answers)

    def stop(self) -> None:
        """Stop it; its port stays its own for the next start."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def close(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        remove_folder(self._folder)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url(), socket_timeout=5, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

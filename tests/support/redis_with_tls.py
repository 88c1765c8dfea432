"""A Redis with TLS alone that requires a certificate of its clients."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from tests.support.binaries import find_program
from tests.support.certificates import make_certificate
from tests.support.redis_server import RedisServer


class RedisWithTls(RedisServer):
    """The process, on 127.0.0.1; `rules` are those of its only user, `notifygate`, as in `ACL SETUSER`."""

    def __init__(self, rules: Sequence[str], password: str) -> None:
        """Raises BinaryNotFoundError."""
        self._program = find_program("redis-server", "redis-server")  # the wheel's has no TLS
        super().__init__()
        self._certificate, self._key = make_certificate(self._folder)
        self._user = f"notifygate:{quote(password, safe='')}"
        rules = [f">{password}" if rule.startswith(">") else rule for rule in rules]
        settings = {
            "port": "0",
            "tls-port": str(self._port),
            "tls-cert-file": str(self._certificate),
            "tls-key-file": str(self._key),
            "tls-ca-cert-file": str(self._certificate),
            "user notifygate": " ".join(rules),
            "user default": "off",
        }
        (self._folder / "redis.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.url = self.url_trusting(self._certificate)

    def url_trusting(self, authority: Path) -> str:
        """Return the URL for a client that trusts this authority."""
        files = f"ssl_ca_certs={authority}&ssl_certfile={self._certificate}&ssl_keyfile={self._key}"
        return f"rediss://{self._user}@127.0.0.1:{self._port}/0?{files}"

    def _command(self) -> list[str]:
        return [str(self._program), str(self._folder / "redis.conf")]

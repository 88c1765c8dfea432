"""nginx and HAProxy with the configurations of deploy/, in which only addresses, ports and the certificate differ."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.support.binaries import find_program
from tests.support.certificates import make_certificate
from tests.support.gateway_process import REPOSITORY
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, make_folder, remove_folder

NGINX_FILE = REPOSITORY / "deploy" / "nginx" / "notifygate.conf"
HAPROXY_FILE = REPOSITORY / "deploy" / "haproxy" / "haproxy.cfg"
CERTIFICATE = "/etc/ssl/notify.example.org.pem"
ADDRESSES = ("192.0.2.1:8080", "192.0.2.2:8080")

NGINX_MAIN = """
daemon off;
user {user};
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {further}
    include {folder}/notifygate.conf;
}}
"""


class HasPort(Protocol):
    """A server on a port of this machine."""

    port: int


class Proxy:
    """A proxy of the documented configuration in front of gateways on this machine: one or two of them."""

    certificate_days = 60
    changes: Mapping[str, str] = {}
    """Texts of the configuration -> their replacements, for proxies with a fault."""

    def __init__(self, gateways: Sequence[HasPort], further: str = "") -> None:
        """`further`: lines that are added to the configuration, such as an operator's own."""
        self.http_port, self.https_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.https_port}"
        self._folder = make_folder("proxy")
        self.certificate, self._key = make_certificate(self._folder, days=self.certificate_days)
        self._targets = [f"127.0.0.1:{gateway.port}" for gateway in gateways]
        self._further = further
        self._process = ServerProcess(
            type(self).__name__, self._command(), output_file=self._folder / "output.txt", cwd=self._folder
        )
        self._process.wait_until(self._is_listening)

    @property
    def output(self) -> str:
        """The output of the proxy."""
        return self._process.output

    def close(self) -> None:
        """End the proxy and remove its folder."""
        self._process.kill()
        remove_folder(self._folder)

    def _command(self) -> Sequence[str | os.PathLike[str]]:
        raise NotImplementedError

    def _write(self, source: Path, name: str, changes: Mapping[str, str]) -> Path:
        """Write a configuration of deploy/ in which some texts, each of which must be there, are replaced."""
        text = source.read_text()
        targets = dict(zip(ADDRESSES, (*self._targets, self._targets[0]), strict=False))
        for there, here in {**changes, **targets, **self.changes}.items():
            assert there in text, f"{source.name} has {there}"
            text = text.replace(there, here)
        written = self._folder / name
        written.write_text(text)
        return written

    def _is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.https_port), timeout=5).close()
        except OSError:
            return False
        return True


class Nginx(Proxy):
    """nginx."""

    def _command(self) -> Sequence[str | os.PathLike[str]]:
        self._write(
            NGINX_FILE,
            "notifygate.conf",
            {
                "listen 80;": f"listen 127.0.0.1:{self.http_port};",
                "listen 443 ssl": f"listen 127.0.0.1:{self.https_port} ssl",
                CERTIFICATE: str(self.certificate),
                CERTIFICATE.replace(".pem", ".key"): str(self._key),
            },
        )
        main = self._folder / "nginx.conf"
        user = "root" if os.geteuid() == 0 else "nobody"  # root's folder is closed to others
        main.write_text(NGINX_MAIN.format(folder=self._folder, user=user, further=self._further))
        return [find_program("nginx", "nginx"), "-p", self._folder, "-c", main, "-e", "stderr"]


class Haproxy(Proxy):
    """HAProxy."""

    def has_all_gateways(self) -> bool:
        """Return whether the health checks of all gateways have succeeded."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._folder / "stats"))
            connection.sendall(b"show stat notifygate 4 -1\n")
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        header, *rows = [line.lstrip("# ").split(",") for line in text.splitlines() if line]
        states = [row[header.index("status")] for row in rows if row[header.index("svname")].startswith("gateway")]
        return bool(states) and set(states) == {"UP"}

    def _command(self) -> Sequence[str | os.PathLike[str]]:
        both = self._folder / "both.pem"
        both.write_bytes(self.certificate.read_bytes() + self._key.read_bytes())
        file = self._write(
            HAPROXY_FILE,
            "haproxy.cfg",
            {
                "bind :80": f"bind 127.0.0.1:{self.http_port}",
                "bind :443": f"bind 127.0.0.1:{self.https_port}",
                CERTIFICATE: str(both),
                "maxconn 25000": "maxconn 2000",  # which the machine's limit on open files may not allow
                "global\n": f"global\n    stats socket {self._folder}/stats level admin\n    {self._further}\n",
            },
        )
        return [find_program("haproxy", "haproxy"), "-db", "-f", file]

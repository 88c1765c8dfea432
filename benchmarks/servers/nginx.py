"""nginx with `return 304`, and Nchan, the long poll inside nginx: both from the distribution's packages."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.http_files import MARKED_TITLE, get, post, slot
from benchmarks.loadgen import HoldPlan
from benchmarks.machine import ANY_CORE
from benchmarks.servers.gateway import recipient_name
from benchmarks.servers.peer import Peer

HOW_TO_INSTALL = "Debian, Ubuntu: apt-get install nginx libnginx-mod-nchan"
MODULES = Path("/usr/lib/nginx/modules")

# One worker, no access log, connections that are never closed: nothing but the work itself.
CONFIGURATION = """
{modules}
worker_processes 1;
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    keepalive_timeout 3600s;
    client_header_timeout 3600s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 304; }}
        {locations}
    }}
}}
"""

NCHAN_LOCATIONS = """
        location = /poll {
            nchan_subscriber longpoll;
            nchan_channel_id $arg_own $arg_common;
            nchan_channel_id_split_delimiter " ";
            nchan_subscriber_timeout 0;
        }
        location = /publish { nchan_publisher; nchan_channel_id $arg_to; }
"""


def nginx_program() -> str:
    """Return the nginx of this machine, "" where there is none; Debian keeps it out of the PATH of most users."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or ""


class Nginx(Peer):
    """nginx that answers everything with 304 from its configuration."""

    name = "nginx return 304"
    missing = "" if nginx_program() else f"nginx ({HOW_TO_INSTALL})"
    modules = http = locations = ""
    connections = 30_000

    def command(self) -> Sequence[str | os.PathLike[str]]:
        """As `Peer.command`."""
        configuration = self.own_folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                modules=self.modules, folder=self.own_folder, port=self.port, http=self.http, locations=self.locations,
                connections=self.connections,
                # Only root may choose; an unprivileged nginx says so in a warning and stays who it is.
                user="root" if os.geteuid() == 0 else "nobody",
            )
        )  # fmt: skip
        return [nginx_program(), "-p", self.own_folder, "-c", configuration, "-e", "stderr"]


class Nchan(Nginx):
    """Nchan: each client polls a channel of its own, or all poll one."""

    name = "Nchan"
    missing = Nginx.missing or ("" if (MODULES / "ngx_nchan_module.so").exists() else f"Nchan ({HOW_TO_INSTALL})")
    modules = f"load_module {MODULES}/ngx_nchan_module.so;"
    http = "nchan_shared_memory_size 1024m;"
    locations = NCHAN_LOCATIONS

    def hold_plan(self, recipients: range) -> HoldPlan:
        """As `Peer.hold_plan`: a channel for each client."""
        names = [recipient_name(number) for number in recipients]
        return self._plan([f"/poll?own={name}" for name in names], [*names, "all"])

    def common_plan(self, recipients: range) -> HoldPlan:
        """Return a plan in which all clients poll one channel and nothing else, what Nchan is fastest at."""
        return self._plan(["/poll?common=all"] * len(recipients), ["all"] * (len(recipients) + 1))

    def both_plan(self, recipients: range) -> HoldPlan:
        """Return a plan in which each client polls its own channel and the common one in one request."""
        names = [recipient_name(number) for number in recipients]
        return self._plan([f"/poll?own={name}&common=all" for name in names], [*names, "all"])

    def _plan(self, paths: Sequence[str], channels: Sequence[str]) -> HoldPlan:
        # The position in the channel travels in these two headers.
        position = {"If-Modified-Since": slot("Thu, 01 Jan 1970 00:00:00 GMT"), "If-None-Match": slot("0")}
        return HoldPlan(
            addresses=[self.address],
            polls=[get(path, position) for path in paths],
            publish_address=self.address,
            publications=[post(f"/publish?to={channel}", MARKED_TITLE, {}) for channel in channels],
            carry=["Last-Modified: ", "Etag: "],
            watch=self.pids,
        )


PROXY_UPSTREAM = """
    upstream gateway { server %s max_fails=0; keepalive 256; keepalive_requests 1000000000; }
"""
PROXY_LOCATION = """
        location /v1/ {
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 3600s;
        }
"""


class Proxy(Nginx):
    """nginx in front of a gateway, as in deploy/nginx/ but without TLS, which the load generator doesn't speak."""

    name = "nginx in front"
    connections = 65_000
    core = ANY_CORE

    def __init__(self, folder: Path, target: str) -> None:
        super().__init__(folder)
        self.http, self.locations = PROXY_UPSTREAM % target, PROXY_LOCATION

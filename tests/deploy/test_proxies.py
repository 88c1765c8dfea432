"""The claims of the configurations in deploy/, tested with real requests through the real proxies."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from notifygate.settings import Settings
from tests.deploy.conftest import KINDS
from tests.support.front import Front
from tests.support.ports import free_port
from tests.support.proxies import HAPROXY_FILE, NGINX_FILE, Nginx, Proxy
from tests.support.raw_http import RawAnswer, RawConnection, poll_text
from tests.support.site import Publisher, Recipient, Site, new_session
from tests.support.source import number_in
from tests.support.waiting import all_done, eventually

LIMIT_PER_ADDRESS = 200


class TlsConnection(RawConnection):
    """A connection to a proxy, from an address of choice."""

    def __init__(self, proxy: Proxy, address: str = "127.0.0.1") -> None:
        context = ssl.create_default_context(cafile=str(proxy.certificate))
        plain = socket.create_connection(("127.0.0.1", proxy.https_port), timeout=60, source_address=(address, 0))
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._received = b""


def through(proxy: Proxy, recipient: Recipient) -> Recipient:
    """Return the same recipient, which calls through a proxy."""
    through_proxy = Recipient(recipient.name, recipient.token, proxy.url)
    through_proxy.session.verify = str(proxy.certificate)
    return through_proxy


def get(proxy: Proxy, target: str, headers: str = "", address: str = "127.0.0.1", method: str = "GET") -> RawAnswer:
    """Send a request as it is written, on a connection of its own."""
    with TlsConnection(proxy, address) as connection:
        connection.send(f"{method} {target} HTTP/1.1\r\nHost: notify.example.org\r\n{headers}\r\n")
        return connection.receive()


def closed_connections_to(port: int) -> int:
    """Return the number of connections to a port that ended within the last minute (TIME_WAIT)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == "06" and f":{port:04X}" in (row[1][8:], row[2][8:]) for row in rows)


def test_http_is_redirected_to_https(proxy: Proxy) -> None:
    answer = new_session().post(f"http://127.0.0.1:{proxy.http_port}/v1/notifications?a=b", allow_redirects=False)
    assert answer.status_code == 308, "the method is kept"
    assert re.fullmatch(r"https://[^/]+/v1/notifications\?a=b", answer.headers["Location"])


def test_browsers_are_required_to_use_https(proxy: Proxy) -> None:
    for target in ("/healthz", "/v1/inbox", "/metrics"):
        assert get(proxy, target).headers["strict-transport-security"] == "max-age=31536000", target


@pytest.mark.parametrize("name", ["metrics", "openapi.json"])
def test_internal_endpoints_are_closed(proxy: Proxy, site: Site, name: str) -> None:
    assert requests.get(f"{site.url}/{name}", timeout=60).status_code == 200
    assert get(proxy, f"/{name}").status == 403
    encoded = f"%{ord(name[0]):x}{name[1:]}"
    spellings = [
        f"/{name}?a=b",
        f"/{encoded}",
        f"//{name}",
        f"///{name}",
        f"/%2f{name}",
        f"/./{name}",
        f"/v1/../{name}",
    ]
    for target in (*spellings, f"/{name}/", f"http://notify.example.org/{name}", f"http://notify.example.org//{name}"):
        assert get(proxy, target).status >= 300, target


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /x", "script_name: /x", "Script-Name: /x", "PATH_INFO: /metrics"])
@pytest.mark.parametrize("front", ["direct", *KINDS])
def test_no_header_changes_the_path(site: Site, underscores: dict[str, Proxy], front: str, header: str) -> None:
    request = f"GET /x/metrics HTTP/1.1\r\nHost: notify.example.org\r\n{header}\r\n\r\n"
    with RawConnection(site.url) if front == "direct" else TlsConnection(underscores[front]) as connection:
        connection.send(request)
        assert connection.receive().status == 404


@pytest.fixture(scope="module")
def underscores(site: Site) -> Iterator[dict[str, Proxy]]:
    """The proxies, with an nginx that forwards names with an underscore, as HAProxy does."""
    running = {
        name: kind(site.gateways, "underscores_in_headers on;" if kind is Nginx else "") for name, kind in KINDS.items()
    }
    yield running
    for proxy in running.values():
        proxy.close()


def test_long_answers_are_compressed_and_their_tags_recognised(proxy: Proxy, site: Site) -> None:
    reader, publisher = through(proxy, site.recipient()), site.publisher()
    cursor = reader.cursor()
    for number in range(5):
        publisher.publish(f"user:{reader.name}", f"number {number}", body="word " * 300)
    answer = reader.poll(cursor)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["notifications"]) == 5
    assert reader.poll(answer.json()["cursor"], etag=answer.headers["ETag"]).status_code == 304


@pytest.fixture(scope="module")
def publisher(site: Site) -> Publisher:
    """A publisher whose key is in memory before a test uses up `failed_auth` for this address."""
    return site.publisher()


def test_polls_are_held_and_woken(proxy: Proxy, site: Site, publisher: Publisher) -> None:
    reader = through(proxy, site.recipient())
    with site.held([reader]) as polls:
        notification_id = publisher.publish(f"user:{reader.name}")
        (answer,) = all_done(polls)
    assert [item["id"] for item in answer.json()["notifications"]] == [notification_id]


def test_client_that_leaves_frees_its_hold(proxy: Proxy, site: Site) -> None:
    reader = site.recipient()
    poll = poll_text(reader, reader.cursor(), wait=50)
    for request in (poll, re.sub(r"/v1/inbox\?\S+", "/v1/probe?hold=50", poll)):
        with TlsConnection(proxy) as connection:
            connection.send(request)
            site.await_holds(1)
        site.await_holds(0)


def test_connections_to_the_gateway_are_kept(proxy: Proxy, site: Site) -> None:
    reader = through(proxy, site.recipient())
    cursor = reader.cursor()
    before = closed_connections_to(site.gateways[0].port)
    for _ in range(30):
        reader.inbox(cursor)
    assert closed_connections_to(site.gateways[0].port) - before < 10


def test_addresses_are_those_of_the_clients(proxy: Proxy, site: Site) -> None:
    address = {"Nginx": "127.0.1.2", "Haproxy": "127.0.1.3"}[type(proxy).__name__]
    claims = [f"X-Forwarded-For: 192.0.2.{number}\r\n" for number in range(3)]
    answers = [get(proxy, "/v1/inbox", claim, address).status for claim in claims]
    assert answers == [401, 401, 429], "whatever the header claims"
    assert get(proxy, "/v1/inbox", address="127.0.1.9").status in (401, 429), "the address itself is another"
    assert get(proxy, "/v1/inbox", address=address.replace(".1.", ".2.")).status == 401


def test_requests_have_one_id_in_both_logs(proxy: Proxy, site: Site) -> None:
    answer = get(proxy, "/healthz", "X-Request-Id: chosen-by-the-client\r\n")
    given = answer.headers["x-request-id"]
    assert given != "chosen-by-the-client"
    assert eventually(lambda: site.access_lines(request_id=given), "its line in the gateway's log")


def test_one_address_can_not_use_up_the_connections(proxy: Proxy, site: Site) -> None:
    address = {"Nginx": "127.0.3.2", "Haproxy": "127.0.3.3"}[type(proxy).__name__]
    readers = site.recipients(LIMIT_PER_ADDRESS // 5)
    cursors = [reader.cursor() for reader in readers]
    with ExitStack() as stack:
        for number in range(LIMIT_PER_ADDRESS):
            connection = stack.enter_context(TlsConnection(proxy, address))
            index = number % len(readers)
            connection.send(poll_text(readers[index], cursors[index], wait=50))
        site.await_holds(LIMIT_PER_ADDRESS)
        assert get(proxy, "/healthz", address=address).status == 429
        assert get(proxy, "/healthz").status == 200, "others are served"
    site.await_holds(0)


def test_gateway_that_was_away_is_tried_again_when_the_other_fails(site: Site) -> None:
    """By default nginx excludes a failed server for 10 s, so that none would be left."""
    first, second = SimpleNamespace(port=free_port()), SimpleNamespace(port=free_port())
    proxy = Nginx([first, second])
    try:
        for away, there in ((first, second), (second, first)):
            front = Front(site.gateways[0].port, port=there.port)
            # On new connections: those of polls may be kept, and outlive the listening socket.
            statuses = [get(proxy, "/healthz", method="OPTIONS").status for _ in range(20)]
            assert statuses == [200] * 20, f"{away} is away"
            front.close()
    finally:
        proxy.close()


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        (NGINX_FILE, r"proxy_read_timeout (\d+)s;"),
        (NGINX_FILE, r"proxy_send_timeout (\d+)s;"),
        (HAPROXY_FILE, r"timeout server (\d+)s"),
        (HAPROXY_FILE, r"timeout client (\d+)s"),
    ],
)
def test_no_time_out_ends_the_longest_hold(file: Path, pattern: str) -> None:
    assert number_in(file, pattern) >= Settings().max_wait + 10

"""`notifygate doctor --url` through the documented proxies, and through nginx with a fault."""

from collections.abc import Mapping
from contextlib import closing

import pytest

from notifygate.cli.doctor import check_proxy
from tests.support.command_line import CommandLine
from tests.support.doctor import report, wrong
from tests.support.proxies import Nginx, Proxy
from tests.support.site import Site

READ_TIMEOUT = "proxy_read_timeout 75s;"


def examine(site: Site, proxy: Proxy, *arguments: str, **settings: str) -> list[dict[str, str]]:
    env = {
        **site.env,
        "NOTIFYGATE_TRUSTED_PROXIES": "1",
        "SSL_CERT_FILE": str(proxy.certificate),
        **{f"NOTIFYGATE_{name}": value for name, value in settings.items()},
    }
    cli = CommandLine(site.gateways[0].data_dir, env)
    return report(cli, "--url", proxy.url, *(arguments or ("--hold", "1")))


def test_documented_proxies_have_no_fault(proxy: Proxy, site: Site) -> None:
    findings = examine(site, proxy)
    assert wrong(findings) == ""
    assert wrong(findings, "warning") == ""
    for part in (
        "may wait for 1 s",
        "bodies of 64 KiB",
        "ETag and If-None-Match survive",
        "PUT and DELETE",
        "certificate",
        "the proxy collects bodies first" if isinstance(proxy, Nginx) else "bodies reach the gateway as they arrive",
    ):
        assert part in wrong(findings, "ok")


@pytest.fixture
def without_slow_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't wait for an answer to half a body, which shows whether the proxy buffers: for tests of other faults."""
    monkeypatch.setattr(check_proxy, "BODY_SECONDS", 0.1)


def examine_nginx(
    site: Site, changes: Mapping[str, str], *arguments: str, certificate_days: int = 60
) -> list[dict[str, str]]:
    """Examine an nginx in whose configuration some texts are replaced."""
    kind = type("Changed", (Nginx,), {"changes": changes, "certificate_days": certificate_days})
    with closing(kind(site.gateways)) as proxy:
        findings = examine(site, proxy, *arguments)
        print(proxy.output)
        return findings


def with_line(line: str) -> dict[str, str]:
    """Return a change of the configuration that adds a line for all forwarded requests."""
    return {READ_TIMEOUT: f"{READ_TIMEOUT} {line}"}


@pytest.mark.usefixtures("without_slow_bodies")
@pytest.mark.parametrize(
    ("changes", "level", "message"),
    [
        ({READ_TIMEOUT: "proxy_read_timeout 1s;"}, "wrong", "a request that waits for 4 s is answered with 504 after"),
        ({"client_max_body_size 128k;": "client_max_body_size 1k;"}, "wrong", "a body of 64 KiB is answered with 413"),
        (with_line('proxy_set_header Authorization "";'), "wrong", "make the proxy forward Authorization"),
        (with_line('proxy_set_header If-None-Match "";'), "wrong", "If-None-Match does not reach the gateway"),
        (with_line("proxy_hide_header ETag;"), "wrong", "arrives without its ETag"),
        (with_line("proxy_hide_header Cache-Control;"), "wrong", "Cache-Control is changed"),
        (
            with_line("limit_except GET POST { deny all; }"),
            "wrong",
            "the proxy itself answers PUT (403) and DELETE (403)",
        ),
        (
            {"add_header Strict-Transport-Security": "add_header X-Nothing"},
            "warning",
            "Strict-Transport-Security is missing",
        ),
        (
            {"{ deny all; }\n    location = /openapi": "{ proxy_pass http://$notifygate; }\n    location = /openapi"},
            "warning",
            "open to all clients: /metrics. Close them",
        ),
    ],
)
def test_fault_of_a_proxy_is_named(site: Site, changes: Mapping[str, str], level: str, message: str) -> None:
    # A time-out of 1 s ends a hold of 4 s on a busy machine too.
    findings = examine_nginx(site, changes, "--hold", "4" if "4 s" in message else "1")
    assert message in wrong(findings, level)
    others = [finding for finding in findings if finding["level"] != "ok" and message not in finding["message"]]
    assert others == []


def test_proxy_that_passes_bodies_on_unbuffered(site: Site) -> None:
    findings = examine_nginx(site, with_line("proxy_request_buffering off;"))
    assert "bodies reach the gateway as they arrive" in wrong(findings, "ok")


@pytest.mark.usefixtures("without_slow_bodies")
def test_certificate_that_ends_soon(site: Site) -> None:
    assert "the certificate ends in 3 days: renew it" in wrong(examine_nginx(site, {}, certificate_days=3))


@pytest.mark.usefixtures("without_slow_bodies")
def test_proxy_that_is_not_trusted(site: Site, proxy: Proxy) -> None:
    findings = examine(site, proxy, TRUSTED_PROXIES="0")
    warned = "NOTIFYGATE_TRUSTED_PROXIES is 0" in wrong(findings, "warning")
    # HAProxy doesn't change the gateway's Server header: a client can't distinguish it from the gateway.
    assert warned == isinstance(proxy, Nginx)


def test_certificate_that_is_not_trusted(site: Site, proxy: Proxy) -> None:
    findings = report(CommandLine(site.gateways[0].data_dir, site.env), "--url", proxy.url)
    assert (
        "the certificate is not trusted (self-signed certificate): configure the proxy to send the whole chain"
        in wrong(findings)
    )

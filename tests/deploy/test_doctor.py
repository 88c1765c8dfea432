"""`notifygate doctor --url` through the documented proxies, and through nginx with something wrong in it."""

from collections.abc import Mapping

import pytest

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


def test_documented_proxies_are_well(proxy: Proxy, site: Site) -> None:
    findings = examine(site, proxy, "--hold", "3")
    assert wrong(findings) == ""
    assert wrong(findings, "warning") == ""
    for part in (
        "may wait for 3 s",
        "bodies of 64 KiB",
        "ETag and If-None-Match survive",
        "PUT and DELETE",
        "certificate",
        "the proxy collects bodies first" if isinstance(proxy, Nginx) else "the proxy forwards bodies as they arrive",
    ):
        assert part in wrong(findings, "ok")


BROKEN: dict[str, tuple[Mapping[str, str], str, str]] = {
    "time-out": (
        {READ_TIMEOUT: "proxy_read_timeout 1s;"},
        "wrong",
        "a request that waits for 4 s is answered with 504 after",
    ),
    "body": (
        {"client_max_body_size 128k;": "client_max_body_size 1k;"},
        "wrong",
        "a body of 64 KiB is answered with 413",
    ),
    "credential": (
        {READ_TIMEOUT: f'{READ_TIMEOUT} proxy_set_header Authorization "";'},
        "wrong",
        "make the proxy forward Authorization",
    ),
    "revalidation": (
        {READ_TIMEOUT: f'{READ_TIMEOUT} proxy_set_header If-None-Match "";'},
        "wrong",
        "If-None-Match does not reach the gateway",
    ),
    "entity tag": ({READ_TIMEOUT: f"{READ_TIMEOUT} proxy_hide_header ETag;"}, "wrong", "arrives without its ETag"),
    "caching": (
        {READ_TIMEOUT: f"{READ_TIMEOUT} proxy_hide_header Cache-Control;"},
        "wrong",
        "Cache-Control is changed",
    ),
    "methods": (
        {READ_TIMEOUT: f"{READ_TIMEOUT} limit_except GET POST {{ deny all; }}"},
        "wrong",
        "the proxy itself answers PUT (403) and DELETE (403)",
    ),
    "no HSTS": (
        {"add_header Strict-Transport-Security": "add_header X-Nothing"},
        "warning",
        "Strict-Transport-Security is missing",
    ),
    "open paths": (
        {"{ deny all; }\n    location = /openapi": "{ proxy_pass http://$notifygate; }\n    location = /openapi"},
        "warning",
        "open to all clients: /metrics. Close them",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_in_a_proxy_is_named(site: Site, what: str) -> None:
    changes, level, message = BROKEN[what]
    proxy = type("Broken", (Nginx,), {"changes": changes})(site.gateways)
    try:
        findings = examine(site, proxy, "--hold", "4")
    finally:
        print(proxy.output)
        proxy.close()
    assert message in wrong(findings, level)
    others = [finding for finding in findings if finding["level"] != "ok" and message not in finding["message"]]
    assert others == []


def test_proxy_that_passes_bodies_on_unbuffered(site: Site) -> None:
    proxy = type("Unbuffered", (Nginx,), {"changes": {READ_TIMEOUT: f"{READ_TIMEOUT} proxy_request_buffering off;"}})(
        site.gateways
    )
    try:
        findings = examine(site, proxy)
    finally:
        proxy.close()
    assert "the proxy forwards bodies as they arrive" in wrong(findings, "ok")


def test_certificate_that_ends_soon(site: Site) -> None:
    proxy = type("Expiring", (Nginx,), {"certificate_days": 3})(site.gateways)
    try:
        findings = examine(site, proxy)
    finally:
        proxy.close()
    assert "the certificate ends in 3 days: renew it" in wrong(findings)


def test_proxy_that_is_not_trusted(site: Site, proxy: Proxy) -> None:
    findings = examine(site, proxy, TRUSTED_PROXIES="0")
    warned = "NOTIFYGATE_TRUSTED_PROXIES is 0" in wrong(findings, "warning")
    # HAProxy leaves the gateway's Server as it is: from outside it can't be told from the gateway.
    assert warned == isinstance(proxy, Nginx)


def test_certificate_that_is_not_trusted(site: Site, proxy: Proxy) -> None:
    findings = report(CommandLine(site.gateways[0].data_dir, site.env), "--url", proxy.url)
    assert (
        "the certificate is not trusted (self-signed certificate): configure the proxy to send the whole chain"
        in wrong(findings)
    )

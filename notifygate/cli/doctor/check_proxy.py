"""Checks of the path between clients and the gateway, through the URL that clients use."""

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

from notifygate.cli.doctor.finding import CLOCK, PROXY, Finding
from notifygate.cli.doctor.proxy_client import NoAnswerError, ProxyAnswer, ProxyClient
from notifygate.protocol.request import MAX_BODY_BYTES
from notifygate.settings import Settings

CERTIFICATE_DAYS = 14
"""Automatic renewal happens a month before the end, so that less means that it has failed."""

MAX_CLOCK_SECONDS = 2.0
"""Date has whole seconds."""

BODY_SECONDS = 2.0
"""How long an answer is awaited while the body is incomplete. The gateway rejects a recipient's token at once."""

SPARE_SECONDS = 15
"""How much longer than the hold its answer may take."""


def check_proxy(client: ProxyClient, settings: Settings, hold_seconds: int) -> Iterator[Finding]:
    """Check the way to the gateway; yield the findings. The last check takes `hold_seconds`."""
    try:
        health = client.ask("GET", "/healthz")
    except NoAnswerError as error:
        yield PROXY.wrong(f"{error}: {error.remedy}")
        return
    if health.document.get("status") != "ok":
        yield PROXY.wrong(f"/healthz is answered with {health.status}, and not by a gateway: correct --url")
        return
    yield from _certificate(client, health)
    yield _clock(health)
    yield from _addresses(health, settings)
    try:
        credentials = _credentials(client)
    except NoAnswerError as error:
        credentials = PROXY.wrong(f"/v1/probe gets no answer ({error}): make the proxy forward everything under /v1")
    yield credentials
    if credentials.level != "ok":
        return  # the other checks need a token that is accepted
    checks: tuple[Callable[[ProxyClient], Iterator[Finding]], ...] = (
        _methods,
        _large_body,
        _entity_tags,
        *(() if client.is_at(settings.bind) else (_buffering, _closed_paths)),
        lambda client: _hold(client, hold_seconds),
    )
    for check in checks:
        try:
            yield from check(client)
        except NoAnswerError as error:
            yield PROXY.wrong(f"a request that the gateway would answer gets none: {error}")


def _certificate(client: ProxyClient, health: ProxyAnswer) -> Iterator[Finding]:
    if not client.is_https:
        if not client.is_on_this_machine:
            yield PROXY.warning("tokens travel in the clear: terminate HTTPS in the proxy")
        return
    days = ((health.not_after or time.time()) - time.time()) / 86400
    if days < CERTIFICATE_DAYS:
        yield PROXY.wrong(f"the certificate ends in {days:.0f} days: renew it")
    else:
        yield PROXY.ok(f"the certificate is trusted for {days:.0f} more days")
    if "Strict-Transport-Security" not in health.headers:
        yield PROXY.warning(
            "Strict-Transport-Security is missing: without it a browser's first request may go out unencrypted"
        )


def _clock(health: ProxyAnswer) -> Finding:
    try:
        there = parsedate_to_datetime(health.headers.get("Date", "")).timestamp()
    except ValueError:
        return CLOCK.warning("responses have no Date: make the proxy forward it")
    apart = abs(time.time() - there) - health.seconds
    if apart > MAX_CLOCK_SECONDS:
        return CLOCK.wrong(f"this machine and the one that answers are {apart:.0f} s apart: synchronise both (NTP)")
    return CLOCK.ok("this machine and the one that answers agree to within two seconds")


def _addresses(health: ProxyAnswer, settings: Settings) -> Iterator[Finding]:
    server = health.headers.get("Server", "")
    if (server != "notifygate" or "Via" in health.headers) and not settings.trusted_proxies:
        yield PROXY.warning(
            "a proxy answers, and NOTIFYGATE_TRUSTED_PROXIES is 0: every failed authentication counts against the"
            " proxy's address, and so against all clients. Set it to the number of proxies"
        )


def _credentials(client: ProxyClient) -> Finding:
    answer = client.ask("GET", "/v1/probe?hold=0")
    if answer.status == 200:
        return PROXY.ok("Authorization reaches the gateway")
    if answer.status == 401 and answer.is_of_the_gateway:
        return PROXY.wrong(
            "the gateway refuses the token: make the proxy forward Authorization unchanged, or run the doctor with the"
            " gateway's NOTIFYGATE_JWT_SECRETS, or give it a token as NOTIFYGATE_TOKEN"
        )
    return PROXY.wrong(f"/v1/probe is answered with {answer.status}: make the proxy forward everything under /v1")


def _methods(client: ProxyClient) -> Iterator[Finding]:
    """Send requests that the gateway rejects: each rejection of the gateway's own shows that the proxy forwarded it."""
    refused = [
        f"{method} ({answer.status})"
        for method, path in (
            ("PUT", "/v1/inbox/preferences"),
            ("DELETE", "/v1/notifications/x"),
            ("POST", "/v1/notify/all"),
        )
        if not (answer := client.ask(method, path, body=b"", headers={"Content-Type": "text/plain"})).is_of_the_gateway
    ]
    if refused:
        yield PROXY.wrong(f"the proxy itself answers {' and '.join(refused)}: make it forward these methods")
    else:
        yield PROXY.ok("GET, POST, PUT and DELETE reach the gateway")


def _large_body(client: ProxyClient) -> Iterator[Finding]:
    """Send the largest body, which the gateway refuses for its credential alone."""
    body = b"x" * MAX_BODY_BYTES
    answer = client.ask("POST", "/v1/notifications", body=body, headers={"Content-Type": "application/json"})
    if answer.is_of_the_gateway and answer.status != 413:
        yield PROXY.ok(f"bodies of {MAX_BODY_BYTES // 1024} KiB reach the gateway")
    else:
        yield PROXY.wrong(
            f"a body of {MAX_BODY_BYTES // 1024} KiB is answered with {answer.status} on the way: raise the proxy's"
            " limit (nginx: client_max_body_size 128k)"
        )


def _entity_tags(client: ProxyClient) -> Iterator[Finding]:
    first = client.ask("GET", "/v1/inbox/preferences", headers={"Accept-Encoding": "gzip"})
    tag = first.headers.get("ETag")
    if first.status != 200 or not tag:
        yield PROXY.wrong(
            "a response arrives without its ETag: make the proxy forward it; without it every poll is a full one"
        )
        return
    headers = {"Accept-Encoding": "gzip", "If-None-Match": tag}
    second = client.ask("GET", "/v1/inbox/preferences", headers=headers)
    if second.status == 304:
        yield PROXY.ok("ETag and If-None-Match survive: a poll without news is a 304")
    else:
        yield PROXY.wrong(
            f"If-None-Match does not reach the gateway (status {second.status}): switch off the proxy's cache for /v1"
            " (nginx: proxy_cache off)"
        )
    if "no-cache" not in first.headers.get("Cache-Control", ""):
        yield PROXY.wrong(
            "Cache-Control is changed on the way, so that caches may store inboxes: make the proxy forward it"
        )


def _buffering(client: ProxyClient) -> Iterator[Finding]:
    """Report where a slow body waits. Both ways work, so that neither is a fault, and the first needs no proxy."""
    if client.answers_before_body("/v1/notify/all", BODY_SECONDS):
        yield PROXY.ok("bodies reach the gateway as they arrive: a slow one takes a worker's greenlet, 90 s at most")
    else:
        yield PROXY.ok("the proxy collects bodies first: a slow one costs the gateway nothing")


def _closed_paths(client: ProxyClient) -> Iterator[Finding]:
    open_paths = [path for path in ("/metrics", "/openapi.json") if client.ask("GET", path).status == 200]
    if open_paths:
        yield PROXY.warning(
            f"open to all clients: {', '.join(open_paths)}. Close them in the proxy (deploy/nginx, deploy/haproxy)"
        )


def _hold(client: ProxyClient, seconds: int) -> Iterator[Finding]:
    """Hold a request for as long as polls are held, and check that the connection survives."""
    try:
        answer = client.ask("GET", f"/v1/probe?hold={seconds}", timeout_seconds=seconds + SPARE_SECONDS)
        held = answer.seconds
    except NoAnswerError as error:
        answer, held = None, error.seconds
    if answer is None or (answer.status != 200 and held < seconds):
        end = f"answered with {answer.status}" if answer else "cut"
        yield PROXY.wrong(
            f"a request that waits for {seconds} s is {end} after {held:.0f} s: raise the proxy's time-outs (nginx:"
            f" proxy_read_timeout 75s; HAProxy: timeout server 75s), or set NOTIFYGATE_MAX_WAIT below"
            f" {max(1, int(held))}"
        )
    elif answer.status == 200 and answer.document.get("held", 0) < seconds - 1:
        yield PROXY.warning(
            f"the gateway itself ended a hold of {seconds} s after {held:.0f} s: it was stopping, busy, or its"
            " NOTIFYGATE_MAX_WAIT is lower; try again"
        )
    else:
        yield PROXY.ok(f"a request may wait for {seconds} s")

"""`notifygate doctor`: the command."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from notifygate.auth.tokens import issue_token
from notifygate.cli.doctor.check_database import check_database
from notifygate.cli.doctor.check_machine import check_machine
from notifygate.cli.doctor.check_proxy import SPARE_SECONDS, check_proxy
from notifygate.cli.doctor.check_redis import check_redis
from notifygate.cli.doctor.check_settings import read_settings
from notifygate.cli.doctor.finding import PROXY, Finding
from notifygate.cli.doctor.proxy_client import ProxyClient
from notifygate.cli.gateway_http import read_credential
from notifygate.cli.one_line import one_line
from notifygate.errors import ConfigurationError
from notifygate.settings import Settings

RECIPIENT = "notifygate-doctor"
"""The recipient in the token of the requests. Its inbox is never polled, and so never begins."""


@click.command(name="doctor", epilog="\b\nExample:\n  notifygate doctor --url https://notify.example.org")
@click.option("--url", help="Also ask through this URL what becomes of a request on its way to the gateway.")
@click.option(
    "--hold",
    "hold_seconds",
    type=click.IntRange(0, 600),
    help="Seconds for which a request through --url waits; NOTIFYGATE_MAX_WAIT by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object per line.")
def command(url: str | None, hold_seconds: int | None, as_json: bool) -> None:
    """Find faults that keep a gateway from serving, with their remedies. Changes nothing.

    Run it as the gateway's user, with the gateway's environment. Ends with 1 if something is wrong.
    """
    faults = 0
    for finding in _check(url, hold_seconds):
        faults += finding.level == "wrong"
        message = one_line(finding.message)
        click.echo(json.dumps(asdict(finding)) if as_json else f"{finding.level:7}  {finding.topic:8}  {message}")
    if faults:
        raise click.ClickException(f"{faults} {'thing is' if faults == 1 else 'things are'} wrong")


def _check(url: str | None, hold_seconds: int | None) -> Iterator[Finding]:
    settings, findings = read_settings()
    yield from findings
    if settings is None:
        return  # where the rest is to be found is unknown
    yield from check_machine(settings)
    yield from check_database(settings)
    yield from check_redis(settings)
    if url is not None:
        seconds = settings.max_wait if hold_seconds is None else hold_seconds
        try:
            token = read_credential("NOTIFYGATE_TOKEN") or _issue_token(settings, seconds)
        except ConfigurationError as error:
            yield PROXY.wrong(str(error))
            return
        if token:
            yield from check_proxy(ProxyClient(url, token), settings, seconds)
        else:
            yield PROXY.wrong("tokens are signed elsewhere: give one of a recipient as NOTIFYGATE_TOKEN")


def _issue_token(settings: Settings, hold_seconds: int) -> str | None:
    """Return a token that outlives the checks, if the gateway accepts such a long life.

    None where only another program can sign one. Raises ConfigurationError for a key that can't.
    """
    if not settings.jwt_algorithms[0].startswith("HS"):
        return None
    seconds = hold_seconds + 4 * SPARE_SECONDS
    return issue_token(settings, RECIPIENT, [], min(seconds, settings.jwt_max_lifetime or seconds))

"""`notifygate send`: publish one notification, once, also over a bad network (docs/protocol.md section 3).

It posts JSON to /v1/notifications rather than text to /v1/notify/<audience>: proxies differ in their
treatment of `%2F` in a path, and log titles in a query. The conveniences of the other form are kept: a
default title from the text, and truncated text.

All tries of one run carry the same Idempotency-Key, so the gateway publishes once, for any number of them.
"""

import os
import re
import sys
from contextlib import closing
from typing import Any, cast

import click

from notifygate.cli.durations import Ttl
from notifygate.cli.gateway_http import Gateway, open_gateway
from notifygate.cli.http_answer import Answer, TransientError
from notifygate.cli.one_line import one_line
from notifygate.cli.pace import Pace

TIMEOUT_SECONDS = 10.0  # a publication waits for one commit; a gateway that needs longer has lost the request
MAX_TRIES = 6  # with the pauses below they span a restart and a short loss of the network
MAX_PAUSE_SECONDS = 16.0  # the fifth pause's natural bound
TOTAL_SECONDS = 120.0  # two windows of the rate limit; then cron should report the failure

# Maxima of docs/protocol.md section 3.
MAX_TITLE_LENGTH = 200  # characters
MAX_BODY_LENGTH = 4000  # characters
_MAX_STDIN_BYTES = 4 * (MAX_BODY_LENGTH + 1)  # one character more than fits, of four bytes in UTF-8

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?")


def publish(gateway: Gateway, fields: dict[str, object], idempotency_key: str, pace: Pace) -> str:
    """Post until the gateway has accepted the notification, and return its id.

    Retries transient errors (network errors, 408, 429, 5xx), at most MAX_TRIES times within
    TOTAL_SECONDS and never before the gateway's Retry-After. Raises `click.ClickException`.
    """
    give_up_at = pace.now() + TOTAL_SECONDS
    tries = 0
    while True:
        tries += 1
        try:
            answer = gateway.request(
                "POST",
                "/v1/notifications",
                timeout_seconds=TIMEOUT_SECONDS,
                fields=fields,
                headers={"Idempotency-Key": idempotency_key},
            )
            return _read_id(answer)
        except TransientError as error:
            pause = error.retry_after_seconds + pace.backoff_seconds(tries, MAX_PAUSE_SECONDS)
            if tries == MAX_TRIES or pace.now() + pause > give_up_at:
                raise click.ClickException(
                    f"gave up after {tries} {'try' if tries == 1 else 'tries'}: {error.message}"
                    f" (safe to repeat with --idempotency-key '{idempotency_key}')"
                ) from None
            pace.sleep(pause)


def _read_id(answer: Answer) -> str:
    """Return the id in the response to a publication. Raises `click.ClickException` for any other response."""
    created: Any = answer.json() if answer.status == 201 else None
    if not isinstance(created, dict) or "id" not in created:
        raise click.ClickException(f"the response {answer.status} has no id; check that NOTIFYGATE_URL is a gateway")
    return one_line(str(cast("dict[str, object]", created)["id"]))


def read_text(text: str) -> str:
    """Return the text to send: the argument, or for `-` all of stdin.

    Bytes that are not UTF-8 become U+FFFD, as does NUL, which the gateway rejects; white space at the
    end is removed; text beyond the maximum of a body is truncated, with an ellipsis at the end.
    Raises `click.ClickException` if stdin is closed.
    """
    if text == "-":
        if sys.stdin is None:
            raise click.ClickException("stdin is closed; give TEXT or redirect stdin")
        stdin = sys.stdin.buffer
        raw = stdin.read(_MAX_STDIN_BYTES)
        while stdin.read(1 << 16):  # else SIGPIPE would end the program that writes to the pipe
            pass
    else:
        raw = text.encode("utf-8", "surrogateescape")  # the argument's original bytes
    decoded = raw.decode("utf-8", "replace").replace("\0", "\ufffd").rstrip()
    return decoded if len(decoded) <= MAX_BODY_LENGTH else decoded[: MAX_BODY_LENGTH - 1] + "…"


def choose_title(text: str) -> str:
    """Return the default title: the first line of the text that is not blank, truncated to a title's length."""
    lines = (one_line(line) for line in text.splitlines())
    return next((line for line in lines if line), "")[:MAX_TITLE_LENGTH]


def _check_idempotency_key(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _IDEMPOTENCY_KEY.fullmatch(value):
        raise click.BadParameter("expected 1 to 128 printable ASCII characters without a space at either end")
    return value


@click.command(
    "send",
    epilog="""\b
Examples:
  notifygate send user:alice "Backup finished" --priority low
  make nightly 2>&1 | notifygate send role:ops - --title "Nightly build"
  notifygate send all "Down at 18:00" --ttl 2h --idempotency-key down-2026-11-20
""",
)
@click.argument("audience")
@click.argument("text", default="")
@click.option("--title", help="Default: the first line of TEXT.")
@click.option("--priority", type=click.Choice(["low", "normal", "high", "critical"]))
@click.option("--type", "type_name", metavar="TYPE", help="Notification type, for example deploy.finished.")
@click.option(
    "--ttl", type=Ttl(), metavar="DURATION", help="Time to live, e.g. 2h; default: the type's or the gateway's."
)
@click.option("--sender", help="Default: the name of the API key.")
@click.option("--icon", help="A short name or an https URL.")
@click.option("--action-url", metavar="URL", help="Target of a click: http, https or a path.")
@click.option(
    "--idempotency-key",
    metavar="KEY",
    callback=_check_idempotency_key,
    help="A later run with the same KEY and fields publishes nothing, for 24 hours. Default: a random KEY.",
)
@click.pass_context
def command(
    ctx: click.Context,
    audience: str,
    text: str,
    type_name: str | None,
    idempotency_key: str | None,
    title: str | None,
    **optional: str | int | None,
) -> None:
    """Publish a notification to AUDIENCE (user:ID, role:NAME, topic:NAME or all) and print its id.

    TEXT is the body, - reads it from stdin; text beyond 4000 characters is truncated. Network errors,
    rate limits and faults of the gateway are retried for up to two minutes, and the notification is
    still published once.

    The environment names the gateway, NOTIFYGATE_URL (default: http://127.0.0.1:8080), and the API key,
    NOTIFYGATE_KEY.
    """
    body = read_text(text)
    title = title or choose_title(body)
    if not title:
        raise click.ClickException("the notification is empty; give TEXT or --title")
    fields: dict[str, object] = {"to": audience, "title": title, "body": body, "type": type_name, **optional}
    given = {name: value for name, value in fields.items() if value is not None}
    with closing(open_gateway("NOTIFYGATE_KEY")) as gateway:
        click.echo(publish(gateway, given, idempotency_key or os.urandom(16).hex(), ctx.obj or Pace()))

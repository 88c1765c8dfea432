"""`notifygate watch`: follow an inbox and print new notifications (docs/protocol.md section 4).

Lines are printed and flushed before the cursor advances: a crash in between repeats lines and never
loses one. `notifygate.cli.inbox_follower` polls.
"""

import json
from contextlib import closing
from pathlib import Path

import click

from notifygate.cli.gateway_http import open_gateway
from notifygate.cli.inbox_follower import InboxFollower
from notifygate.cli.inbox_page import Notification, format_line
from notifygate.cli.pace import Pace
from notifygate.cli.watch_state import WatchState, load_state, save_state

DEFAULT_WAIT_SECONDS = 55  # the default maximum of a gateway


def print_lines(notifications: list[Notification], removed: list[str]) -> None:
    """Print each notification as a line of text; removed ids are not printed."""
    _print([format_line(notification) for notification in notifications])


def print_json_lines(notifications: list[Notification], removed: list[str]) -> None:
    """Print each notification as received and each removed id, one JSON object a line.

    The output is ASCII, with all other characters escaped, so that it is harmless on a terminal.
    """
    gone = [{"removed": notification_id} for notification_id in removed]
    _print([json.dumps(item) for item in [*notifications, *gone]])


def _print(lines: list[str]) -> None:
    if lines:
        click.echo("\n".join(lines))  # flushes


@click.command(
    "watch",
    epilog="""\b
Examples:
  NOTIFYGATE_TOKEN=$(notifygate token alice) notifygate watch
  notifygate watch --json --state ~/.notifygate-watch | while read -r line; do handle "$line"; done
""",
)
@click.option("--json", "as_json", is_flag=True, help='Print JSON lines; removed ids as {"removed": ID}.')
@click.option(
    "--state",
    "state_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Store the position in FILE and continue from there; one FILE for each running watch.",
)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(0, 3600),
    default=DEFAULT_WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Longest hold to ask for; less behind a proxy with short time-outs, 0 for short polls.",
)
@click.pass_context
def command(ctx: click.Context, as_json: bool, state_path: Path | None, wait_seconds: int) -> None:
    """Print notifications as they arrive, each once, until Ctrl-C or until the token is rejected.

    It begins with the unread ones among the newest 200, oldest first, or at the position in FILE. A line
    shows the time, a mark (- low, ! high, !! critical), title and body. Lost connections and restarts
    of the gateway are retried; a longer outage is reported on stderr. After a crash the last lines may repeat.

    The environment names the gateway, NOTIFYGATE_URL (default: http://127.0.0.1:8080), and the recipient's
    token, NOTIFYGATE_TOKEN.
    """
    with closing(open_gateway("NOTIFYGATE_TOKEN")) as gateway:
        state = load_state(state_path) if state_path else WatchState()

        def save() -> None:
            if state_path:
                save_state(state_path, state)

        save()  # an unwritable file must fail now, not after the first lines
        show = print_json_lines if as_json else print_lines
        InboxFollower(gateway, state, wait_seconds, ctx.obj or Pace(), show, save).follow()

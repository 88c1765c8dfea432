"""`notifygate log`: the state of the log, and new epochs."""

import json
from typing import Any

import click
from sqlalchemy import Connection, func, select

from notifygate.cli.database import GatewayDatabase
from notifygate.inbox.membership import INBOXES
from notifygate.log.reader import ENTRIES, NOTIFICATIONS, read_head
from notifygate.log.transaction import LogTransaction, other_epoch


@click.group(name="log", epilog="\b\nExample:\n  notifygate log status")
def command() -> None:
    """Show the log's state, or begin a new epoch."""


@command.command(epilog="\b\nExample:\n  notifygate log status --json")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def status(as_json: bool) -> None:
    """Show the epoch, the head, the floor, and the number of rows."""

    def work(connection: Connection) -> dict[str, Any]:
        head = read_head(connection)
        counted = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in (("entries", ENTRIES), ("notifications", NOTIFICATIONS), ("inboxes", INBOXES))
        }
        return {"epoch": head.epoch, "head": head.seq, "floor": head.floor, **counted}

    counts = GatewayDatabase().database.read(work)
    click.echo(json.dumps(counts) if as_json else "  ".join(f"{name} {value}" for name, value in counts.items()))


@command.command("new-epoch", epilog="\b\nExample, after restoring a backup:\n  notifygate log new-epoch")
def new_epoch() -> None:
    """Begin a new epoch, in which every cursor gets a reset. Run it after a restore from a backup."""

    def change(transaction: LogTransaction) -> int:
        transaction.begin_new_epoch(other_epoch(transaction.epoch))
        return transaction.epoch

    click.echo(f"new epoch {GatewayDatabase().commit(change)}")

"""`notifygate log`: the state of the log, and new epochs."""

import json

import click
from sqlalchemy import Connection

from notifygate.cli.database import GatewayDatabase
from notifygate.log.transaction import LogTransaction, other_epoch
from notifygate.storage.stores.head import count_rows, read_head


@click.group(name="log", epilog="\b\nExample:\n  notifygate log status")
def command() -> None:
    """Show the log's state, or begin a new epoch."""


@command.command(epilog="\b\nExample:\n  notifygate log status --json")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def status(as_json: bool) -> None:
    """Show the epoch, the head, the floor, and the number of rows."""

    def work(connection: Connection) -> dict[str, int]:
        head = read_head(connection)
        return {"epoch": head.epoch, "head": head.seq, "floor": head.floor, **count_rows(connection)}

    counts = GatewayDatabase().database.read(work)
    click.echo(json.dumps(counts) if as_json else "  ".join(f"{name} {value}" for name, value in counts.items()))


@command.command("new-epoch", epilog="\b\nExample, after restoring a backup:\n  notifygate log new-epoch")
def new_epoch() -> None:
    """Begin a new epoch, in which every cursor gets a reset. Run it after a restore from a backup."""

    def change(transaction: LogTransaction) -> int:
        transaction.begin_new_epoch(other_epoch(transaction.epoch))
        return transaction.epoch

    click.echo(f"new epoch {GatewayDatabase().commit(change)}")

"""`notifygate prune`: the job of retention, which workers run about every hour, at once."""

import click

from notifygate.cli.database import GatewayDatabase
from notifygate.publishing.retention import Retention


@click.command(name="prune", epilog="\b\nExample:\n  notifygate prune")
def command() -> None:
    """Delete rows past their retention."""
    gateway = GatewayDatabase()
    pruned = Retention(gateway.database, gateway.commit, gateway.settings.retention_days).prune()
    click.echo(
        f"pruned {pruned.entries} entries, {pruned.notifications} notifications, "
        f"{pruned.inboxes} inboxes, {pruned.idempotency_records} idempotency records"
    )

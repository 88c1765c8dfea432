"""`notifygate prune`: what retention does every hour, now."""

import click

from notifygate.cli.database import GatewayDatabase
from notifygate.publishing.retention import Retention


@click.command(name="prune", epilog="\b\nExample:\n  notifygate prune")
def command() -> None:
    """Delete what is past its retention."""
    gateway = GatewayDatabase()
    pruned = Retention(gateway.database, gateway.commit, gateway.settings.retention_days).prune()
    click.echo(
        f"pruned {pruned.entries} entries, {pruned.notifications} notifications, "
        f"{pruned.inboxes} inboxes, {pruned.idempotency_records} idempotency records"
    )

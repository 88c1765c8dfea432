"""`notifygate topic`: topics that are limited to roles."""

import json

import click

from notifygate.cli.database import GatewayDatabase
from notifygate.domain.audience import is_name, is_topic
from notifygate.publishing.registry import put_topic
from notifygate.storage.stores.catalog import read_catalog


@click.group(name="topic", epilog="\b\nExample:\n  notifygate topic set deploys --role developer")
def command() -> None:
    """Set and list topics."""


@command.command("set", epilog="\b\nExample:\n  notifygate topic set deploys --role developer --role ops")
@click.argument("topic")
@click.option("--role", "roles", multiple=True, help="A role that may follow it; without any, all recipients may.")
def set_one(topic: str, roles: tuple[str, ...]) -> None:
    """Register a topic, or replace its roles."""
    if not is_topic(topic):
        raise click.UsageError("Invalid topic; expected 1-64 letters, digits, dots, dashes and underscores.")
    if not all(map(is_name, roles)):
        raise click.UsageError("Invalid role; expected 1-128 characters without control characters.")
    GatewayDatabase().commit(put_topic(topic, tuple(dict.fromkeys(roles))))
    click.echo(f"set {topic}")


@command.command("list", epilog="\b\nExample:\n  notifygate topic list --json")
@click.option("--json", "as_json", is_flag=True, help="Print one object per line.")
def list_all(as_json: bool) -> None:
    """List the registered topics."""
    topics = GatewayDatabase().database.read(read_catalog).topic_roles
    for name in sorted(topics):
        roles = topics[name]
        click.echo(
            json.dumps({"topic": name, "roles": roles}) if as_json else f"{name}  {' '.join(roles) or 'all roles'}"
        )

"""`notifygate type`: the registry of notification types."""

import json
from typing import Any

import click

from notifygate.cli.database import GatewayDatabase
from notifygate.cli.durations import Ttl
from notifygate.endpoints.notification_types import TypeBody, TypePath, rule_as_json
from notifygate.publishing.registry import delete_type, put_type
from notifygate.storage.stores.catalog import read_catalog
from notifygate.validation import validate


@click.group(name="type", epilog="\b\nExample:\n  notifygate type set deploy.failed --priority high --role ops")
def command() -> None:
    """Set, list and delete notification types."""


@command.command("set", epilog="\b\nExample:\n  notifygate type set deploy.failed --priority high --role ops")
@click.argument("name")
@click.option("--title", default="", help="A name for people.")
@click.option("--icon", help="A short name or an https URL.")
@click.option("--priority", default="normal", show_default=True, help="low, normal, high or critical.")
@click.option("--display", default="toast", show_default=True, help="none, badge, toast, modal or browser.")
@click.option("--ttl", type=Ttl(), metavar="DURATION", help="Time to live of its notifications, for example 30d.")
@click.option("--role", "roles", multiple=True, help="A role that may see it; without any, all recipients may.")
@click.option("--mandatory", is_flag=True, help="Recipients can't mute it.")
def set_one(name: str, roles: tuple[str, ...], **fields: Any) -> None:
    """Register a type, or replace its registration."""
    validate(TypePath, {"type": name})
    body = validate(TypeBody, {**fields, "roles": list(roles)})
    GatewayDatabase().commit(put_type(name, body.to_rule()))
    click.echo(f"set {name}")


@command.command("list", epilog="\b\nExample:\n  notifygate type list --json")
@click.option("--json", "as_json", is_flag=True, help="Print one object per line.")
def list_all(as_json: bool) -> None:
    """List the registered types."""
    types = GatewayDatabase().database.read(read_catalog).types
    for name in sorted(types):
        rule = types[name]
        if as_json:
            click.echo(json.dumps({"type": name, **rule_as_json(rule)}))
        else:
            click.echo(f"{name}  {rule.priority}  {' '.join(rule.roles) or 'all roles'}")


@command.command("delete", epilog="\b\nExample:\n  notifygate type delete deploy.failed")
@click.argument("name")
def delete_one(name: str) -> None:
    """Delete the registration of a type, which then has the defaults."""
    GatewayDatabase().commit(delete_type(name))
    click.echo(f"deleted {name}")

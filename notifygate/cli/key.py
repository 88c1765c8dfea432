"""`notifygate key`: API keys of publishers."""

import json
import re
from typing import Any

import click

from notifygate.auth.keys import create_key, revoke_key, rotate_key
from notifygate.cli.database import GatewayDatabase
from notifygate.cli.durations import Duration
from notifygate.cli.one_line import one_line
from notifygate.domain.audience import may_match_audience
from notifygate.domain.principal import SCOPES
from notifygate.domain.times import now_ms, rfc3339_or_none
from notifygate.storage.stores.keys import StoredKey, read_keys

_TYPE = re.compile(r"[a-z0-9_.*\-]{1,64}")


@click.group(name="key", epilog="\b\nExample:\n  notifygate key create backups --audience 'user:*'")
def command() -> None:
    """Create, list, rotate and revoke API keys of publishers."""


@command.command(epilog="\b\nExample:\n  notifygate key create backups --audience 'user:*' --expires 90d")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="A permission; publish by default.")
@click.option("--audience", "audiences", multiple=True, help="Audiences it may publish to; * matches any characters.")
@click.option("--type", "types", multiple=True, help="Types it may use; * matches any characters.")
@click.option("--fixed-sender", "has_fixed_sender", is_flag=True, help="Reject any sender but the key's name.")
@click.option("--expires", type=Duration(), help="Time until it expires, for example 90d.")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of the key alone.")
def create(
    name: str,
    scopes: tuple[str, ...],
    audiences: tuple[str, ...],
    types: tuple[str, ...],
    has_fixed_sender: bool,
    expires: int | None,
    as_json: bool,
) -> None:
    """Create a key and print it, this once."""
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise click.BadParameter(f"{name!r} is invalid; expected 1-100 printable characters.", param_hint="NAME")
    for pattern in audiences:
        if not may_match_audience(pattern):
            raise click.BadParameter(
                f"{pattern!r} matches no audience; expected for example 'user:*'.", param_hint="--audience"
            )
    for pattern in types:
        if not _TYPE.fullmatch(pattern):
            raise click.BadParameter(
                f"{pattern!r} matches no type; expected for example 'backup.*'.", param_hint="--type"
            )
    expires_at = None if expires is None else now_ms() + expires * 1000
    change = create_key(
        name,
        scopes or ("publish",),
        audiences or ("*",),
        types or ("*",),
        expires_at,
        has_fixed_sender=has_fixed_sender,
    )
    text = GatewayDatabase().commit(change)
    click.echo(_created(text, name, expires_at) if as_json else text)


@command.command("list", epilog="\b\nExample:\n  notifygate key list --json")
@click.option("--json", "as_json", is_flag=True, help="Print one object per line.")
def list_all(as_json: bool) -> None:
    """List the keys, without their secrets."""
    for key in GatewayDatabase().database.read(read_keys):
        description = _describe(key)
        if as_json:
            click.echo(json.dumps(description))
        else:
            patterns = one_line(" ".join((*description["audiences"], "types:", *description["types"])))
            more = [
                *(["admin"] if "admin" in description["scopes"] else []),
                *([f"expires {description['expires_at']}"] if description["expires_at"] else []),
                *(["fixed sender"] if description["fixed_sender"] else []),
            ]
            line = f"{description['id']}  {description['state']:8} {description['name']}  {patterns}"
            click.echo("  ".join((line, *more)))


@command.command(epilog="\b\nExample:\n  notifygate key rotate 3f2a9c01d4e5 --grace 24h")
@click.argument("key_id", metavar="ID")
@click.option("--grace", type=Duration(), default="24h", show_default=True, help="How long the old secret stays valid.")
def rotate(key_id: str, grace: int) -> None:
    """Create a new secret for a key and print it, this once."""
    click.echo(GatewayDatabase().commit(rotate_key(key_id, grace)))


@command.command(epilog="\b\nExample:\n  notifygate key revoke 3f2a9c01d4e5")
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke a key at once."""
    GatewayDatabase().commit(revoke_key(key_id))
    click.echo(f"revoked {key_id}")


def _created(text: str, name: str, expires_at: int | None) -> str:
    key_id = text.split("_")[1]
    return json.dumps({"id": key_id, "name": name, "key": text, "expires_at": rfc3339_or_none(expires_at)})


def _describe(key: StoredKey) -> dict[str, Any]:
    expired = key.expires_at is not None and key.expires_at <= now_ms()
    return {
        "id": key.publisher.key_id,
        "name": key.publisher.name,
        "state": "revoked" if key.revoked_at is not None else "expired" if expired else "active",
        "scopes": sorted(key.publisher.scopes),
        "audiences": list(key.publisher.audience_patterns),
        "types": list(key.publisher.type_patterns),
        "fixed_sender": key.publisher.has_fixed_sender,
        "created_at": rfc3339_or_none(key.created_at),
        "expires_at": rfc3339_or_none(key.expires_at),
        "revoked_at": rfc3339_or_none(key.revoked_at),
    }

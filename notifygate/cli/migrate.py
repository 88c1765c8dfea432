"""`notifygate migrate`: the database's schema."""

import click

from notifygate.cli.database import open_for_command
from notifygate.settings_reader import load_settings
from notifygate.storage.migrate import migrate
from notifygate.storage.readiness import SCHEMA_REVISION


@click.command(name="migrate", epilog="\b\nExample:\n  notifygate migrate")
@click.option("--expand", "expand_only", is_flag=True, help="Only make it fit for both versions (PostgreSQL).")
def command(expand_only: bool) -> None:
    """Upgrade the database to this version's schema; safe to run twice and from several machines at once.

    A migration that is interrupted continues at the next run. For an upgrade without downtime on PostgreSQL, run it
    with --expand, replace the gateways one after the other, then run it without.
    """
    settings = load_settings()
    database = open_for_command(settings)
    if expand_only and database.is_sqlite:
        raise click.UsageError("--expand is for PostgreSQL. Stop the gateway and run 'notifygate migrate'.")
    if not settings.database_url:
        settings.make_data_dir()
    revision = migrate(database, expand_only=expand_only)
    expanded = "" if revision == SCHEMA_REVISION else ", expanded for this version"
    click.echo(f"the database is at migration {revision}{expanded}")

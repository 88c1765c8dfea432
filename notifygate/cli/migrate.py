"""`notifygate migrate`: the database's schema."""

import click

from notifygate.settings import load_settings
from notifygate.storage.database import open_database
from notifygate.storage.migrate import migrate, newest_revision


@click.command(name="migrate", epilog="\b\nExample:\n  notifygate migrate")
def command() -> None:
    """Upgrade the database to this version's schema; safe to run twice and from several machines at once."""
    settings = load_settings()
    if not settings.database_url:
        settings.make_data_dir()
    migrate(open_database(settings))
    click.echo(f"the database is at migration {newest_revision()}")

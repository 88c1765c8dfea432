"""`notifygate migrate`: the database's schema."""

import click

from notifygate.settings import load_settings
from notifygate.storage.database import Database, make_engine
from notifygate.storage.migrate import migrate, newest_revision


@click.command(name="migrate", epilog="\b\nExample:\n  notifygate migrate")
def command() -> None:
    """Bring the database to this version's schema; safe to run twice and from several places at once."""
    settings = load_settings()
    migrate(Database(make_engine(settings.effective_database_url)))
    click.echo(f"the database is at migration {newest_revision()}")

"""Alembic's environment: `notifygate migrate` hands it an open connection in the configuration's attributes."""

from alembic import context

from notifygate.storage.tables import METADATA


def run() -> None:
    """Run the migrations in the transaction of the connection that was handed over."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()

"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Say what changes and how long it locks a table with millions of rows."""
    ${upgrades if upgrades else "pass"}

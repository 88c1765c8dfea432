"""What fail-over, revoked tokens, fixed senders and inboxes that nobody reads need to have stored."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns with constant defaults, which rewrites no table, and a table.

    Inboxes that exist already count as polled, so that none of them is pruned by mistake.
    """
    op.add_column("log_head", sa.Column("timeline", sa.Text(), nullable=True))
    op.add_column("api_keys", sa.Column("fixed_sender", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("inboxes", sa.Column("is_polled", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index(
        "ix_inboxes_unpolled",
        "inboxes",
        ["recipient"],
        sqlite_where=sa.text("is_polled = 0"),
        postgresql_where=sa.text("NOT is_polled"),
    )
    op.create_table(
        "token_revocations",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("issued_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_token_revocations")),
    )

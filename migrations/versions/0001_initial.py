"""Everything that the gateway keeps."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; there is nothing to lock yet."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("audience_patterns", sa.Text(), nullable=False),
        sa.Column("type_patterns", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("previous_secret_hash", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "follows",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("since_seq", POSITION, nullable=False),
        sa.PrimaryKeyConstraint("recipient", "topic", name=op.f("pk_follows")),
    )
    op.create_table(
        "idempotency_records",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name=op.f("pk_idempotency_records")),
    )
    op.create_index(op.f("ix_idempotency_records_created_at"), "idempotency_records", ["created_at"])

    op.create_table(
        "inbox_states",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("seq", POSITION, autoincrement=False, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("dismissed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("recipient", "seq", name=op.f("pk_inbox_states")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_inbox_states_seq"), "inbox_states", ["seq"])

    op.create_table(
        "inboxes",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("started_seq", POSITION, nullable=False),
        sa.Column("seen_marks", sa.Text(), server_default="[]", nullable=False),
        sa.Column("read_marks", sa.Text(), server_default="[]", nullable=False),
        sa.Column("dismissed_up_to", POSITION, server_default="0", nullable=False),
        sa.Column("preferences", sa.Text(), server_default="{}", nullable=False),
        sa.Column("preferences_seq", POSITION, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_inboxes")),
    )
    op.create_table(
        "log_entries",
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("seq", POSITION, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("notification_seq", POSITION, nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("unread_delta", sa.Integer(), nullable=False),
        sa.Column("unseen_delta", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("audience", "seq", name=op.f("pk_log_entries")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_log_entries_seq"), "log_entries", ["seq"])

    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("head", POSITION, nullable=False),
        sa.Column("floor", POSITION, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    op.create_table(
        "notification_types",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("ttl_seconds", sa.BigInteger(), nullable=True),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_notification_types")),
    )
    op.create_table(
        "notifications",
        sa.Column("seq", POSITION, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("action_url", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("audiences", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_seq", POSITION, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notifications")),
        sa.UniqueConstraint("id", name=op.f("uq_notifications_id")),
    )
    op.create_index(
        "ix_notifications_expires_at",
        "notifications",
        ["expires_at"],
        sqlite_where=sa.text("expires_at IS NOT NULL AND removed_seq IS NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL AND removed_seq IS NULL"),
    )
    op.create_index(
        "ix_notifications_removed_seq",
        "notifications",
        ["removed_seq"],
        sqlite_where=sa.text("removed_seq IS NOT NULL"),
        postgresql_where=sa.text("removed_seq IS NOT NULL"),
    )

    op.create_table(
        "topics",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_topics")),
    )
    # History begins: a random epoch of 20 bits, and the name that tells this gateway from others in a shared Redis.
    log_head = sa.table("log_head", *(sa.column(name) for name in ("id", "epoch", "head", "floor", "namespace")))
    op.execute(
        log_head.insert().values(id=1, epoch=secrets.randbits(20), head=0, floor=0, namespace=secrets.token_hex(8))
    )

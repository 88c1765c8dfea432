"""One JSON document a notification, and what fail-over, revoked tokens, fixed senders and unread inboxes need.

The expansion leaves a database that version 0.1 can use as before, and that version 0.2 can use too: on PostgreSQL a
trigger fills the columns of the one from what the other writes. The revision itself removes the old columns.
"""

import time
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from alembic import op

from notifygate.errors import ConfigurationError

revision = "0002"
down_revision = "0001"

ROWS_PER_BATCH = 2000
"""Notifications that are converted in one transaction, some 8 MB at the most; it takes some 30 ms."""
SECONDS_BETWEEN_PASSES = 0.2
"""When rows that another transaction had locked are tried again."""

OLD_COLUMNS = ("title", "body", "priority", "sender", "icon", "action_url", "data")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def expansion() -> Iterator[Callable[[sa.Connection], None]]:
    """Yield the steps of the expansion, each for a transaction of its own, and each good for a second time.

    A step locks one table at most, so that it can't be in a deadlock with a transaction of the gateway.
    """
    yield _extend_head
    yield _extend_keys
    yield _extend_inboxes
    yield _create_revocations
    yield _extend_notifications
    conversion = _Conversion()
    while not conversion.is_complete:
        yield conversion.convert_batch
    yield _add_check
    yield _validate_check
    yield _require_documents


def upgrade() -> None:
    """Remove what only version 0.1 uses. Raises ConfigurationError while sessions of it are open (PostgreSQL)."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _rebuild_notifications()
        return
    if sessions := connection.execute(sa.text(_OLD_SESSIONS)).scalar_one():
        raise ConfigurationError(
            f"Sessions of version 0.1 are open ({sessions}). The database serves both versions now: stop the gateways "
            "of 0.1 when those of this version have taken over, and run 'notifygate migrate' again."
        )
    op.execute("DROP TRIGGER IF EXISTS notifygate_convert ON notifications")
    op.execute("DROP FUNCTION IF EXISTS notifygate_convert()")
    op.execute("DROP FUNCTION IF EXISTS notifygate_document(notifications)")
    for name in OLD_COLUMNS:
        op.drop_column("notifications", name)


_OLD_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'notifygate'
"""


def _has_column(connection: sa.Connection, table: str, column: str) -> bool:
    return column in {known["name"] for known in sa.inspect(connection).get_columns(table)}


def _extend_head(connection: sa.Connection) -> None:
    if not _has_column(connection, "log_head", "timeline"):
        op.add_column("log_head", sa.Column("timeline", sa.Text(), nullable=True))


def _extend_keys(connection: sa.Connection) -> None:
    if not _has_column(connection, "api_keys", "fixed_sender"):
        op.add_column("api_keys", sa.Column("fixed_sender", sa.Boolean(), server_default=sa.false(), nullable=False))


def _extend_inboxes(connection: sa.Connection) -> None:
    """Inboxes that exist already count as polled, so that none of them is pruned by mistake."""
    if _has_column(connection, "inboxes", "is_polled"):
        return
    op.add_column("inboxes", sa.Column("is_polled", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index(
        "ix_inboxes_unpolled",
        "inboxes",
        ["recipient"],
        sqlite_where=sa.text("is_polled = 0"),
        postgresql_where=sa.text("NOT is_polled"),
    )


def _create_revocations(connection: sa.Connection) -> None:
    if not sa.inspect(connection).has_table("token_revocations"):
        op.create_table(
            "token_revocations",
            sa.Column("recipient", sa.Text(), nullable=False),
            sa.Column("issued_before", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("recipient", name=op.f("pk_token_revocations")),
        )


_POSTGRESQL_TIME = """
    to_char(to_timestamp({0} / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || '.' || lpad(({0} % 1000)::text, 3, '0') || 'Z'
"""
_POSTGRESQL_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION notifygate_document(n notifications) RETURNS text LANGUAGE sql AS $$
    SELECT json_build_object(
        'id', n.id, 'type', n.type, 'title', n.title, 'body', n.body, 'priority', n.priority, 'sender', n.sender,
        'icon', n.icon, 'action_url', n.action_url, 'data', n.data::json,
        'created_at', {_POSTGRESQL_TIME.format("n.created_at")},
        'expires_at', {_POSTGRESQL_TIME.format("n.expires_at")}
    )::text
$$;
CREATE OR REPLACE FUNCTION notifygate_convert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    content json;
BEGIN
    IF NEW.document IS NULL THEN
        NEW.document := notifygate_document(NEW);
    ELSE
        content := NEW.document::json;
        NEW.title := content ->> 'title';
        NEW.body := content ->> 'body';
        NEW.priority := content ->> 'priority';
        NEW.sender := content ->> 'sender';
        NEW.icon := content ->> 'icon';
        NEW.action_url := content ->> 'action_url';
        NEW.data := (content -> 'data')::text;
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER IF EXISTS notifygate_convert ON notifications;
CREATE TRIGGER notifygate_convert BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION notifygate_convert();
"""


def _extend_notifications(connection: sa.Connection) -> None:
    if not _has_column(connection, "notifications", "document"):
        op.add_column("notifications", sa.Column("document", sa.Text(), nullable=True))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_POSTGRESQL_FUNCTIONS.replace("%", "%%"))


# A colon would begin a parameter.
_SQLITE_TIME = r"strftime('%Y-%m-%dT%H\:%M\:%S', {0} / 1000, 'unixepoch') || printf('.%03dZ', {0} % 1000)"
_SQLITE_DOCUMENT = f"""
    json_object(
        'id', id, 'type', type, 'title', title, 'body', body, 'priority', priority, 'sender', sender, 'icon', icon,
        'action_url', action_url, 'data', json(data), 'created_at', {_SQLITE_TIME.format("created_at")},
        'expires_at', {_SQLITE_TIME.format("expires_at")}
    )
"""
_LAST_OF_BATCH = """
    SELECT max(seq) FROM (SELECT seq FROM notifications WHERE seq > :after ORDER BY seq LIMIT :at_most) AS batch
"""
_CONVERT = {
    "sqlite": f"""
        UPDATE notifications SET document = {_SQLITE_DOCUMENT}
        WHERE seq > :after AND seq <= :until AND document IS NULL
    """,  # noqa: S608 - constants
    # It waits for no lock of a row while it has others, so that it can't be in a deadlock with a change of several.
    "postgresql": """
        UPDATE notifications AS n SET document = notifygate_document(n) WHERE seq IN (
            SELECT seq FROM notifications WHERE seq > :after AND seq <= :until AND document IS NULL
            FOR NO KEY UPDATE SKIP LOCKED
        )
    """,
}
_ANY_LEFT = "SELECT seq FROM notifications WHERE document IS NULL LIMIT 1"


class _Conversion:
    """Gives every notification its document, batch by batch in order of position."""

    def __init__(self) -> None:
        self._after = 0
        self.is_complete = False

    def convert_batch(self, connection: sa.Connection) -> None:
        """Convert the next batch; at the end, begin again if any were left out."""
        values = {"after": self._after, "at_most": ROWS_PER_BATCH}
        until = connection.execute(sa.text(_LAST_OF_BATCH), values).scalar_one()
        if until is not None:
            statement = sa.text(_CONVERT[connection.dialect.name])
            connection.execute(statement, {"after": self._after, "until": until})
            self._after = until
        elif connection.execute(sa.text(_ANY_LEFT)).first() is None:
            self.is_complete = True
        else:
            self._after = 0
            time.sleep(SECONDS_BETWEEN_PASSES)


# A column can be made NOT NULL without a scan under an exclusive lock where a valid constraint says so already
# (https://www.postgresql.org/docs/current/sql-altertable.html, SET NOT NULL). SQLite's is made with the new table.
_CHECK = "ck_notifications_document"


def _is_checked(connection: sa.Connection) -> bool:
    """Return whether nothing is to be done: on SQLite, or where the column is NOT NULL."""
    columns = sa.inspect(connection).get_columns("notifications")
    is_required = any(column["name"] == "document" and not column["nullable"] for column in columns)
    return is_required or connection.dialect.name == "sqlite"


def _add_check(connection: sa.Connection) -> None:
    if not _is_checked(connection):
        op.execute(f"ALTER TABLE notifications DROP CONSTRAINT IF EXISTS {_CHECK}")
        op.execute(f"ALTER TABLE notifications ADD CONSTRAINT {_CHECK} CHECK (document IS NOT NULL) NOT VALID")


def _validate_check(connection: sa.Connection) -> None:
    if not _is_checked(connection):
        op.execute(f"ALTER TABLE notifications VALIDATE CONSTRAINT {_CHECK}")


def _require_documents(connection: sa.Connection) -> None:
    if not _is_checked(connection):
        op.execute("ALTER TABLE notifications ALTER COLUMN document SET NOT NULL")
        op.execute(f"ALTER TABLE notifications DROP CONSTRAINT {_CHECK}")


def _rebuild_notifications() -> None:
    """Copy SQLite's table without the old columns: dropping them one by one would write it seven times."""
    op.drop_index("ix_notifications_expires_at", "notifications")
    op.drop_index("ix_notifications_removed_seq", "notifications")
    op.rename_table("notifications", "notifications_old")
    op.create_table(
        "notifications",
        sa.Column("seq", POSITION, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("audiences", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_seq", POSITION, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notifications")),
        sa.UniqueConstraint("id", name=op.f("uq_notifications_id")),
    )
    # A gateway of version 0.1 that was not stopped may have published something since the last batch.
    op.execute(
        "INSERT INTO notifications SELECT seq, id, type, COALESCE(document, "  # noqa: S608 - constants
        + _SQLITE_DOCUMENT
        + "), audiences, key_id, created_at, expires_at, removed_seq FROM notifications_old ORDER BY seq"
    )
    op.drop_table("notifications_old")
    op.create_index(
        "ix_notifications_expires_at",
        "notifications",
        ["expires_at"],
        sqlite_where=sa.text("expires_at IS NOT NULL AND removed_seq IS NULL"),
    )
    op.create_index(
        "ix_notifications_removed_seq",
        "notifications",
        ["removed_seq"],
        sqlite_where=sa.text("removed_seq IS NOT NULL"),
    )

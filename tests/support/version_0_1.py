"""A database of version 0.1: its migration, and rows as it wrote them."""

import json
from typing import Any

from alembic import command
from sqlalchemy import Connection, Engine, text

from notifygate.domain.times import rfc3339, rfc3339_or_none
from notifygate.storage.migrate import alembic_config

COLUMNS = (
    "seq", "id", "type", "title", "body", "priority", "sender", "icon", "action_url", "data", "audiences", "key_id",
    "created_at", "expires_at",
)  # fmt: skip
INSERT = text(f"INSERT INTO notifications ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{n}' for n in COLUMNS)})")
COPY = text("""
    INSERT INTO notifications (seq, id, created_at, expires_at, type, title, body, priority, sender, icon, action_url,
        data, audiences, key_id)
    SELECT seq + CAST(:further AS bigint), 'id-' || (seq + CAST(:further AS bigint)), created_at + :further,
        CASE WHEN expires_at < 253402300799999 THEN expires_at + :further ELSE expires_at END, type, title, body,
        priority, sender, icon, action_url, data, audiences, key_id
    FROM notifications WHERE seq + CAST(:further AS bigint) <= :count
""")
"""Inserts copies of all notifications so many positions further. With thousands this is far faster than one by one."""
PERIOD = 12
"""Notifications so far apart have the same content, except for values that depend on the position."""
BEGAN = 1_700_000_000_123
"""The time of the first publication, in Unix milliseconds; each other one follows a millisecond later."""

CONTENTS: tuple[dict[str, Any], ...] = (
    {"title": "A title", "body": "", "sender": "shop", "icon": None, "action_url": None, "data": "{}"},
    {
        "title": "Quotes \" and \\ backslashes, <tags>, %s, :colons, {braces} and 'apostrophes'",
        "body": "lines\nand\ttabs\r\nand \u2028 separators, \x01 and \x7f",
        "sender": "Grüße 🎉",
        "icon": "https://example.com/a.png",
        "action_url": "/orders?id=1&x=%20#top",
        "data": '{"a":[1,2.50,-1e-7,12345678901234567890],"b":{"c":null,"d":"\\u0001\\n\\"é"},"":true}',
    },
)
"""The contents of the notifications, in turn."""


def make_database(engine: Engine, count: int) -> None:
    """Make the tables of version 0.1 in an empty database, and `count` notifications with their entries."""
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(INSERT, [notification(seq) for seq in range(1, min(count, PERIOD) + 1)])
        copied = PERIOD
        while copied < count:
            connection.execute(COPY, {"further": copied, "count": count})
            copied *= 2
        connection.execute(
            text(
                "INSERT INTO log_entries (audience, seq, kind, notification_seq, unread_delta, unseen_delta, created_at)"
                " SELECT 'all', seq, 'published', seq, 0, 0, created_at FROM notifications"
            )
        )
        connection.execute(text("UPDATE log_head SET head = :head"), {"head": count})
        connection.execute(text("INSERT INTO inboxes (recipient, started_seq) VALUES ('alice', 0)"))
        connection.execute(text("UPDATE notifications SET removed_seq = seq WHERE seq % 1000 = 7"))


def notification(seq: int) -> dict[str, Any]:
    """Return the row of the notification at a position, by column."""
    created_at = BEGAN + seq
    return {
        **CONTENTS[seq % len(CONTENTS)],
        "seq": seq,
        "id": f"id-{seq}",
        "type": "order.shipped",
        "priority": ("low", "normal", "high", "critical")[seq % 4],
        "audiences": '["all"]',
        "key_id": "key",
        "created_at": created_at,
        "expires_at": (None, created_at + 60_000, 253_402_300_799_999)[seq % 3],
    }


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return version 0.1's JSON of a notification, except for the audience and the state of a recipient."""
    names = ("id", "type", "title", "body", "priority", "sender", "icon", "action_url")
    return {
        **{name: row[name] for name in names},
        "data": json.loads(row["data"]),
        "created_at": rfc3339(row["created_at"]),
        "expires_at": rfc3339_or_none(row["expires_at"]),
    }


def read_documents(connection: Connection) -> dict[int, str | None]:
    """Read all documents by position; None for a notification that has none yet."""
    rows = connection.execute(text("SELECT seq, document FROM notifications ORDER BY seq"))
    return {row.seq: row.document for row in rows}

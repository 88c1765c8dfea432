"""The tables. Times are Unix milliseconds, sequences positions in the log, lists and objects JSON text."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, false, true
from sqlalchemy.types import TypeEngine

SEQUENCE: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both databases; SQLite makes a primary key the row id only when it is spelt INTEGER."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)
"""The catalogue of tables; constraints and indexes are named, so that migrations can name them too."""

HEAD = Table(
    "log_head",
    METADATA,
    Column("id", Integer, primary_key=True),  # always 1
    Column("epoch", Integer, nullable=False),  # random, changed when history is restarted; 20 bits
    Column("head", SEQUENCE, nullable=False),  # sequence of the newest entry, 0 before the first
    Column("floor", SEQUENCE, nullable=False),  # entries up to here may be pruned: a cursor below it gets a reset
    # Random and fixed: separates this gateway's channel and keys in a shared Redis from another's.
    Column("namespace", Text, nullable=False),
    # Fingerprint of the secret that cursors are made with; NULL until the first gateway starts.
    Column("key_fingerprint", Text),
    # PostgreSQL's timeline (8 hex digits) that the log was last written on; NULL until it is first known.
    Column("timeline", Text),
)
"""The one row that hands out sequence numbers; updating it is the lock on the log."""

ENTRIES = Table(
    "log_entries",
    METADATA,
    # `user:<id>`, `role:<name>`, `topic:<name>`, `all`, or `gateway` for the workers themselves.
    Column("audience", Text, primary_key=True),
    Column("seq", SEQUENCE, primary_key=True),  # position in the log, in commit order, without gaps
    Column("kind", Text, nullable=False),  # an EntryKind
    Column("notification_seq", SEQUENCE),  # the notification it is about
    Column("seen_at", BigInteger),  # kind `state`: the state after the change
    Column("read_at", BigInteger),  # likewise
    # Kinds `state` and `dismissed`: by how much the recipient's counts moved.
    Column("unread_delta", Integer, nullable=False),
    Column("unseen_delta", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # when it was appended; retention counts from here
    Index(None, "seq"),
    sqlite_with_rowid=False,
)
"""An entry, one row per audience. Rows of one entry share everything but the audience."""

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),  # position of its `published` entry
    Column("id", Text, nullable=False, unique=True),  # UUIDv7
    Column("type", Text, nullable=False),
    # The content for all recipients, as it is sent: a JSON object, with `id`, `type` and the times.
    Column("document", Text, nullable=False),
    Column("audiences", Text, nullable=False),  # a JSON list, in the order in which the publisher gave them
    Column("key_id", Text, nullable=False),  # the API key that published it
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    # The entry by which it left every inbox (retracted or expired), NULL while it is in them.
    Column("removed_seq", SEQUENCE),
)
"""A notification, immutable but for `removed_seq`."""

# Partial: a notification that has expired leaves the first index for the second, so both stay small.
_EXPIRES = NOTIFICATIONS.c.expires_at.is_not(None) & NOTIFICATIONS.c.removed_seq.is_(None)
_REMOVED = NOTIFICATIONS.c.removed_seq.is_not(None)
Index(None, NOTIFICATIONS.c.expires_at, sqlite_where=_EXPIRES, postgresql_where=_EXPIRES)
Index(None, NOTIFICATIONS.c.removed_seq, sqlite_where=_REMOVED, postgresql_where=_REMOVED)

INBOXES = Table(
    "inboxes",
    METADATA,
    Column("recipient", Text, primary_key=True),
    Column("started_seq", SEQUENCE, nullable=False),  # the inbox holds only what lies after this position
    # JSON lists of [sequence, time]: everything up to there was seen, or read, then.
    Column("seen_marks", Text, nullable=False, server_default="[]"),
    Column("read_marks", Text, nullable=False, server_default="[]"),
    Column("dismissed_up_to", SEQUENCE, nullable=False, server_default="0"),  # everything up to here was dismissed
    Column("preferences", Text, nullable=False, server_default="{}"),  # JSON object: type -> {"muted", "display"}
    # The entry by which the preferences were last changed: their version.
    Column("preferences_seq", SEQUENCE, nullable=False, server_default="0"),
    # Whether the recipient has ever made a request. Retention removes an inbox that no recipient has polled together
    # with its last notification.
    Column("is_polled", Boolean, nullable=False, server_default=true()),
)
"""A recipient. The row is created by the first poll or by the first notification to `user:<id>`."""

IS_UNPOLLED = ~INBOXES.c.is_polled
"""The condition of the index below, in the words that let a query use it."""

Index("ix_inboxes_unpolled", INBOXES.c.recipient, sqlite_where=IS_UNPOLLED, postgresql_where=IS_UNPOLLED)

STATES = Table(
    "inbox_states",
    METADATA,
    Column("recipient", Text, primary_key=True),
    Column("seq", SEQUENCE, primary_key=True, autoincrement=False),  # the notification's sequence
    Column("seen_at", BigInteger),
    Column("read_at", BigInteger),
    Column("dismissed_at", BigInteger),
    Index(None, "seq"),
    sqlite_with_rowid=False,
)
"""One recipient's state of one notification. A row takes precedence over marks."""

FOLLOWS = Table(
    "follows",
    METADATA,
    Column("recipient", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("since_seq", SEQUENCE, nullable=False),  # notifications to the topic up to here are not in the inbox
)
"""A recipient who follows a topic."""

TYPES = Table(
    "notification_types",
    METADATA,
    Column("type", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("icon", Text),
    Column("priority", Text, nullable=False),
    Column("display", Text, nullable=False),
    Column("ttl_seconds", BigInteger),
    Column("roles", Text, nullable=False),  # JSON list of the roles that may see it; empty: all
    Column("mandatory", Boolean, nullable=False),
)
"""A registered type: docs/protocol.md section 5."""

TOPICS = Table(
    "topics",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("roles", Text, nullable=False),  # JSON list of the roles that may follow it; empty: all
)
"""A registered topic; an unregistered one is open to all recipients."""

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # JSON list: publish, admin
    Column("audience_patterns", Text, nullable=False),  # JSON list of globs
    Column("type_patterns", Text, nullable=False),  # JSON list of globs
    # SHA-256 in hex of a secret of 256 random bits, which needs no slow hash.
    Column("secret_hash", Text, nullable=False),
    Column("previous_secret_hash", Text),  # the secret before the last rotation, which counts until `previous_until`
    Column("previous_until", BigInteger),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    # Whether notifications of this key always carry its name as their sender.
    Column("fixed_sender", Boolean, nullable=False, server_default=false()),
)
"""A publisher's credential. Its secret is not here, only a hash of it."""

REVOCATIONS = Table(
    "token_revocations",
    METADATA,
    Column("recipient", Text, primary_key=True),
    Column("issued_before", BigInteger, nullable=False),  # a token with an earlier `iat`, or without `iat`, is refused
)
"""A recipient whose older tokens are refused."""

RECORDS = Table(
    "idempotency_records",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    # SHA-256 of what was asked for: the same key with another request is refused.
    Column("request_hash", Text, nullable=False),
    # JSON object: the `Outcome` of `notifygate.publishing.publish`; version 0.1 stored the whole first answer.
    Column("answer", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "created_at"),
)
"""The outcome of the first request with an Idempotency-Key."""

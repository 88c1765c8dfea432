"""The tables. Times are Unix milliseconds, sequences positions in the log, lists and objects JSON text."""

from typing import Any, cast

from sqlalchemy import BigInteger, Boolean, Index, Integer, MetaData, Table, Text, and_, false, not_, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

Sequence: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both databases; SQLite makes a primary key the row id only when it is spelt INTEGER."""


class Base(DeclarativeBase):
    """The catalogue of tables; constraints and indexes are named, so that migrations can name them too."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )


class LogHead(Base):
    """The one row that hands out sequence numbers; updating it is the lock on the log."""

    __tablename__ = "log_head"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Always 1."""
    epoch: Mapped[int] = mapped_column(Integer)
    """Random, changed when history is restarted; 20 bits."""
    head: Mapped[int] = mapped_column(Sequence)
    """Sequence of the newest entry, 0 before the first."""
    floor: Mapped[int] = mapped_column(Sequence)
    """Entries up to here may be pruned: a cursor below it gets a reset."""
    namespace: Mapped[str] = mapped_column(Text)
    """Random and fixed: separates this gateway's channel and keys in a shared Redis from another's."""
    key_fingerprint: Mapped[str | None] = mapped_column(Text)
    """Fingerprint of the secret that cursors are made with; None until the first gateway starts."""
    timeline: Mapped[str | None] = mapped_column(Text)
    """PostgreSQL's timeline (8 hex digits) that the log was last written on; None until it is first known."""


class LogEntry(Base):
    """An entry, one row per audience. Rows of one entry share everything but the audience."""

    __tablename__ = "log_entries"
    audience: Mapped[str] = mapped_column(Text, primary_key=True)
    """`user:<id>`, `role:<name>`, `topic:<name>`, `all`, or `gateway` for the workers themselves."""
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True)
    """Position in the log, in commit order, without gaps."""
    kind: Mapped[str] = mapped_column(Text)
    """An EntryKind."""
    notification_seq: Mapped[int | None] = mapped_column(Sequence)
    """The notification it is about."""
    seen_at: Mapped[int | None] = mapped_column(BigInteger)
    """Kind `state`: the state after the change."""
    read_at: Mapped[int | None] = mapped_column(BigInteger)
    """Kind `state`: the state after the change."""
    unread_delta: Mapped[int] = mapped_column(Integer)
    """Kinds `state` and `dismissed`: by how much the recipient's unread count moved."""
    unseen_delta: Mapped[int] = mapped_column(Integer)
    """Kinds `state` and `dismissed`: by how much the recipient's unseen count moved."""
    created_at: Mapped[int] = mapped_column(BigInteger)
    """When it was appended; retention counts from here."""
    __table_args__ = (Index(None, "seq"), {"sqlite_with_rowid": False})


class NotificationRow(Base):
    """A notification, immutable but for `removed_seq`."""

    __tablename__ = "notifications"
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    """Position of its `published` entry."""
    id: Mapped[str] = mapped_column(Text, unique=True)
    """UUIDv7."""
    type: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    """The content for all recipients, as it is sent: a JSON object, with `id`, `type` and the times."""
    audiences: Mapped[str] = mapped_column(Text)
    """A JSON list, in the order in which the publisher gave them."""
    key_id: Mapped[str] = mapped_column(Text)
    """The API key that published it."""
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    removed_seq: Mapped[int | None] = mapped_column(Sequence)
    """The entry by which it left every inbox (retracted or expired), None while it is in them."""
    __table_args__ = (
        # Partial: a notification that has expired leaves the first for the second, so both stay small.
        Index(
            "ix_notifications_expires_at",
            "expires_at",
            sqlite_where=and_(expires_at.is_not(None), removed_seq.is_(None)),
            postgresql_where=and_(expires_at.is_not(None), removed_seq.is_(None)),
        ),
        Index(
            "ix_notifications_removed_seq",
            "removed_seq",
            sqlite_where=removed_seq.is_not(None),
            postgresql_where=removed_seq.is_not(None),
        ),
    )


class Inbox(Base):
    """A recipient. The row is created by the first poll or by the first notification to `user:<id>`."""

    __tablename__ = "inboxes"
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    started_seq: Mapped[int] = mapped_column(Sequence)
    """The inbox holds only what lies after this position."""
    seen_marks: Mapped[str] = mapped_column(Text, server_default="[]")
    """JSON list of [sequence, time]: everything up to there was seen then."""
    read_marks: Mapped[str] = mapped_column(Text, server_default="[]")
    """JSON list of [sequence, time]: everything up to there was read then."""
    dismissed_up_to: Mapped[int] = mapped_column(Sequence, server_default="0")
    """Everything up to here was dismissed."""
    preferences: Mapped[str] = mapped_column(Text, server_default="{}")
    """JSON object: type -> {"muted", "display"}."""
    preferences_seq: Mapped[int] = mapped_column(Sequence, server_default="0")
    """The entry by which the preferences were last changed: their version."""
    is_polled: Mapped[bool] = mapped_column(Boolean, server_default=true())
    """Whether the recipient has ever made a request. Retention removes an inbox that no recipient has polled together
    with its last notification."""
    __table_args__ = (
        Index(
            "ix_inboxes_unpolled",
            "recipient",
            sqlite_where=not_(is_polled),
            postgresql_where=not_(is_polled),
        ),
    )


class InboxState(Base):
    """One recipient's state of one notification. A row takes precedence over marks."""

    __tablename__ = "inbox_states"
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    """The notification's sequence."""
    seen_at: Mapped[int | None] = mapped_column(BigInteger)
    read_at: Mapped[int | None] = mapped_column(BigInteger)
    dismissed_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "seq"), {"sqlite_with_rowid": False})


class Follow(Base):
    """A recipient who follows a topic."""

    __tablename__ = "follows"
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    since_seq: Mapped[int] = mapped_column(Sequence)
    """Notifications to the topic up to here are not in the inbox."""


class NotificationType(Base):
    """A registered type: PROTOCOL section 5."""

    __tablename__ = "notification_types"
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    icon: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(Text)
    display: Mapped[str] = mapped_column(Text)
    ttl_seconds: Mapped[int | None] = mapped_column(BigInteger)
    roles: Mapped[str] = mapped_column(Text)
    """JSON list of the roles that may see it; empty: all."""
    mandatory: Mapped[bool] = mapped_column(Boolean)


class TopicRow(Base):
    """A registered topic; an unregistered one is open to all recipients."""

    __tablename__ = "topics"
    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    roles: Mapped[str] = mapped_column(Text)
    """JSON list of the roles that may follow it; empty: all."""


class ApiKey(Base):
    """A publisher's credential. Its secret is not here, only a hash of it."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(Text)
    """JSON list: publish, admin."""
    audience_patterns: Mapped[str] = mapped_column(Text)
    """JSON list of globs."""
    type_patterns: Mapped[str] = mapped_column(Text)
    """JSON list of globs."""
    secret_hash: Mapped[str] = mapped_column(Text)
    """SHA-256 in hex of a secret of 256 random bits, which needs no slow hash."""
    previous_secret_hash: Mapped[str | None] = mapped_column(Text)
    """The secret before the last rotation, which counts until `previous_until`."""
    previous_until: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    fixed_sender: Mapped[bool] = mapped_column(Boolean, server_default=false())
    """Whether notifications of this key always carry its name as their sender."""


class TokenRevocation(Base):
    """A recipient whose older tokens are refused."""

    __tablename__ = "token_revocations"
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    issued_before: Mapped[int] = mapped_column(BigInteger)
    """Unix milliseconds: a token with an earlier `iat`, or without `iat`, is refused."""


class IdempotencyRecord(Base):
    """The outcome of the first request with an Idempotency-Key."""

    __tablename__ = "idempotency_records"
    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[str] = mapped_column(Text)
    """SHA-256 of what was asked for: the same key with another request is refused."""
    answer: Mapped[str] = mapped_column(Text)
    """JSON object: the `Outcome` of `notifygate.publishing.publish`; version 0.1 stored the whole first answer."""
    created_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "created_at"),)


def table(model: type[Base]) -> "Table[Any]":
    """Return the Core table of a model: hot paths use Core, whose statements cost a fraction of the ORM's."""
    return cast("Table[Any]", model.__table__)

"""Reading what an inbox is: when it began, what it follows, has muted and has marked, and how much in it is unread."""

import json
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    text,
    union,
    union_all,
)

from notifygate.domain.cursor import CursorCodec
from notifygate.domain.marks import Marks, highest
from notifygate.domain.principal import Recipient
from notifygate.inbox.view import View
from notifygate.log.catalog import read_catalog
from notifygate.log.reader import ENTRIES, NOTIFICATIONS
from notifygate.log.transaction import LogTransaction
from notifygate.storage.tables import Follow, Inbox, InboxState, table

INBOXES = table(Inbox)
STATES = table(InboxState)
FOLLOWS = table(Follow)


def ensure_inbox(transaction: LogTransaction, recipient: str) -> None:
    """Begin an inbox at the present end of the log, unless it has begun already."""
    transaction.connection.execute(
        text("INSERT INTO inboxes (recipient, started_seq) VALUES (:recipient, :seq) ON CONFLICT DO NOTHING"),
        {"recipient": recipient, "seq": transaction.head},
    )


def marks_from_json(document: str) -> Marks:
    """Read marks from their column."""
    return tuple((seq, at) for seq, at in json.loads(document))


def read_view(connection: Connection, principal: Recipient, codec: CursorCodec) -> View | None:
    """Read a recipient's view, without its counts; None where the inbox has not begun.

    The types and topics are read in the same transaction: with an older copy of them the view would be wrong until
    their next change.
    """
    inbox = connection.execute(select(INBOXES).where(INBOXES.c.recipient == principal.id)).one_or_none()
    if inbox is None:
        return None
    rows = connection.execute(select(FOLLOWS.c.topic, FOLLOWS.c.since_seq).where(FOLLOWS.c.recipient == principal.id))
    followed = {row.topic: row.since_seq for row in rows}
    catalog = read_catalog(connection)
    preferences: dict[str, dict[str, Any]] = json.loads(inbox.preferences)
    muted = frozenset(name for name, preference in preferences.items() if preference.get("muted"))
    return View(
        principal,
        tag=codec.tag(principal.id, principal.roles),
        started_seq=inbox.started_seq,
        followed_since=followed,
        forbidden_topics=frozenset(name for name in followed if not catalog.may_follow(name, principal.roles)),
        hidden_types=catalog.hidden_types(principal.roles, muted),
        seen_marks=marks_from_json(inbox.seen_marks),
        read_marks=marks_from_json(inbox.read_marks),
        dismissed_up_to=inbox.dismissed_up_to,
    )


def _visible_to(view: View, audience: str, *conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select the positions, and the states where there are any, of what a view holds through one audience.

    Joining notifications on the position leaves just the `published` entries, since a notification's position is
    that of its `published` entry.
    """
    joined = ENTRIES.join(NOTIFICATIONS, NOTIFICATIONS.c.seq == ENTRIES.c.seq).outerjoin(
        STATES, and_(STATES.c.recipient == view.recipient, STATES.c.seq == ENTRIES.c.seq)
    )
    statement = (
        select(
            ENTRIES.c.seq.label("seq"),
            STATES.c.seq.label("state_seq"),
            STATES.c.seen_at.label("seen_at"),
            STATES.c.read_at.label("read_at"),
        )
        .select_from(joined)
        .where(ENTRIES.c.audience == audience, ENTRIES.c.seq > view.since(audience), *conditions)
        .where(NOTIFICATIONS.c.removed_seq.is_(None), STATES.c.dismissed_at.is_(None))
    )
    if view.hidden_types:
        statement = statement.where(NOTIFICATIONS.c.type.not_in(sorted(view.hidden_types)))
    return statement


def read_counts(connection: Connection, view: View, up_to: int | None = None) -> tuple[int, int, int]:
    """Count what is unread, unseen and there at all in a view, of all of it or of what lies up to a position."""
    conditions = () if up_to is None else (ENTRIES.c.seq <= up_to,)
    found = union(*(_visible_to(view, audience, *conditions) for audience in view.audiences)).subquery()

    def missing(column: ColumnElement[Any], marks: Marks) -> ColumnElement[int]:
        unmarked = and_(found.c.state_seq.is_(None), found.c.seq > highest(marks))
        without = or_(unmarked, and_(found.c.state_seq.is_not(None), column.is_(None)))
        return func.coalesce(func.sum(case((without, 1), else_=0)), 0)

    row = connection.execute(
        select(missing(found.c.read_at, view.read_marks), missing(found.c.seen_at, view.seen_marks), func.count())
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def read_newest(connection: Connection, view: View, limit: int, before: int | None = None) -> list[int]:
    """Read the positions of the newest notifications in a view (before a position), newest first.

    Each audience is read backwards along its index and only as far as the limit, however much lies behind.
    """
    conditions = () if before is None else (ENTRIES.c.seq < before,)
    parts = [
        select(_visible_to(view, audience, *conditions).order_by(ENTRIES.c.seq.desc()).limit(limit).subquery().c.seq)
        for audience in view.audiences
    ]
    merged = union_all(*parts).subquery()
    statement = select(merged.c.seq).distinct().order_by(merged.c.seq.desc()).limit(limit)
    return list(connection.execute(statement).scalars())

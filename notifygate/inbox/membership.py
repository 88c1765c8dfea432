"""Reading what an inbox is: when it began, what it follows, has muted and has marked, and how much in it is unread."""

import functools
import json
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, select, text

from notifygate.domain.cursor import MAX_SEQUENCE, CursorCodec
from notifygate.domain.marks import Marks, highest
from notifygate.domain.principal import Recipient
from notifygate.inbox.view import View
from notifygate.log.catalog import read_catalog
from notifygate.log.transaction import LogTransaction
from notifygate.storage.tables import Follow, Inbox, InboxState, table

INBOXES = table(Inbox)
STATES = table(InboxState)
FOLLOWS = table(Follow)

# Made once: putting a statement together costs more than running it.
_INBOX = select(INBOXES).where(INBOXES.c.recipient == bindparam("recipient"))
_FOLLOWED = (
    select(FOLLOWS.c.topic, FOLLOWS.c.since_seq)
    .where(FOLLOWS.c.recipient == bindparam("recipient"))
    .order_by(FOLLOWS.c.topic)  # so that every worker names the same topic where two match
)


_ENSURE_INBOX = text(
    "INSERT INTO inboxes (recipient, started_seq) VALUES (:recipient, :seq)"
    " ON CONFLICT (recipient) DO UPDATE SET is_polled = true WHERE NOT inboxes.is_polled"
)


def ensure_inbox(transaction: LogTransaction, recipient: str) -> None:
    """Keep a recipient's inbox from now on: this is a request of theirs. Begin it at the log's end if there is none."""
    transaction.connection.execute(_ENSURE_INBOX, {"recipient": recipient, "seq": transaction.head})


def marks_from_json(document: str) -> Marks:
    """Read marks from their column."""
    return tuple((seq, at) for seq, at in json.loads(document))


def read_view(connection: Connection, principal: Recipient, codec: CursorCodec) -> View | None:
    """Read a recipient's view, without its counts; None before their first request (`ensure_inbox`).

    An inbox that only a publication has begun gives None too: retention may remove it (`publishing.retention`).
    The types and topics are read in the same transaction: with an older copy of them the view would be wrong until
    their next change.
    """
    inbox = connection.execute(_INBOX, {"recipient": principal.id}).one_or_none()
    if inbox is None or not inbox.is_polled:
        return None
    rows = connection.execute(_FOLLOWED, {"recipient": principal.id})
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


_VISIBLE = """
    SELECT e.seq, s.seq AS state_seq, s.seen_at, s.read_at
    FROM log_entries e
    JOIN notifications n ON n.seq = e.seq
    LEFT JOIN inbox_states s ON s.recipient = :recipient AND s.seq = e.seq
    WHERE e.audience = :audience_{index} AND e.seq > :since_{index} AND e.seq {bound}
      AND n.removed_seq IS NULL AND s.dismissed_at IS NULL {hidden}
"""
"""What a view holds through one audience. Joining notifications on the position leaves just the `published` entries,
since a notification's position is that of its `published` entry."""


def _parts(audiences: int, hidden_types: int, bound: str) -> list[str]:
    hidden = "AND n.type NOT IN (SELECT type FROM hidden)" if hidden_types else ""
    return [_VISIBLE.format(index=index, bound=bound, hidden=hidden) for index in range(audiences)]


def _with_hidden(hidden_types: int, statement: str) -> TextClause:
    """Put the hidden types in front, once: naming them in every part would multiply the two numbers."""
    if not hidden_types:
        return text(statement)
    rows = ", ".join(f"(CAST(:hidden_{index} AS TEXT))" for index in range(hidden_types))
    return text(f"WITH hidden (type) AS (VALUES {rows}) {statement}")


@functools.lru_cache(maxsize=256)
def _counts_statement(audiences: int, hidden_types: int) -> TextClause:
    # UNION, not UNION ALL: one that reaches the recipient through two audiences counts once.
    found = " UNION ".join(_parts(audiences, hidden_types, "<= :up_to"))
    return _with_hidden(
        hidden_types,
        f"""
        SELECT
            COUNT(CASE WHEN read_at IS NULL AND (state_seq IS NOT NULL OR seq > :read_up_to) THEN 1 END),
            COUNT(CASE WHEN seen_at IS NULL AND (state_seq IS NOT NULL OR seq > :seen_up_to) THEN 1 END),
            COUNT(*)
        FROM ({found}) AS found
    """,
    )


@functools.lru_cache(maxsize=256)
def _newest_statement(audiences: int, hidden_types: int) -> TextClause:
    # Each audience is read backwards along its index and only as far as the limit, however much lies behind.
    parts = (
        f"SELECT seq FROM ({part} ORDER BY e.seq DESC LIMIT :limit) AS part_{index}"
        for index, part in enumerate(_parts(audiences, hidden_types, "< :before"))
    )
    return _with_hidden(
        hidden_types, f"SELECT DISTINCT seq FROM ({' UNION ALL '.join(parts)}) AS found ORDER BY seq DESC LIMIT :limit"
    )


def _parameters(view: View) -> dict[str, Any]:
    values: dict[str, Any] = {"recipient": view.recipient}
    for index, audience in enumerate(view.audiences):
        values[f"audience_{index}"] = audience
        values[f"since_{index}"] = view.since(audience)
    for index, name in enumerate(view.hidden_types):
        values[f"hidden_{index}"] = name
    return values


def read_counts(connection: Connection, view: View, up_to: int = MAX_SEQUENCE) -> tuple[int, int, int]:
    """Count what is unread, unseen and there at all in a view, of all of it or of what lies up to a position."""
    marks = {"read_up_to": highest(view.read_marks), "seen_up_to": highest(view.seen_marks), "up_to": up_to}
    statement = _counts_statement(len(view.audiences), len(view.hidden_types))
    unread, unseen, everything = connection.execute(statement, _parameters(view) | marks).one()
    return unread, unseen, everything


def read_newest(connection: Connection, view: View, limit: int, before: int = MAX_SEQUENCE) -> list[int]:
    """Read the positions of the newest notifications in a view (before a position), newest first."""
    statement = _newest_statement(len(view.audiences), len(view.hidden_types))
    return list(connection.execute(statement, _parameters(view) | {"limit": limit, "before": before}).scalars())

"""Seen, read, unread, dismissed: what a recipient does with notifications, by id or up to a cursor.

Each change is an entry for `user:<recipient>`, by which the recipient's other devices learn of it; it carries the new
state and what it does to the counts, so that no one has to look it up. The log's lock is held meanwhile: a
notification can't leave the inboxes between the look at its state and the change.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import orjson
from sqlalchemy import select, text, update

from notifygate.domain.audience import user
from notifygate.domain.cursor import CursorCodec
from notifygate.domain.entry import EntryKind, ItemState
from notifygate.domain.marks import add_mark
from notifygate.domain.principal import Recipient
from notifygate.errors import InvalidCursorError
from notifygate.inbox.items import in_parts, read_states
from notifygate.inbox.membership import INBOXES, ensure_inbox, read_counts, read_view
from notifygate.inbox.view import CountsAt, View
from notifygate.inbox.views import Views
from notifygate.log.follower import Follower
from notifygate.log.reader import NOTIFICATION_COLUMNS, NOTIFICATIONS, notification_from_row
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter

Operation = Literal["seen", "read", "unread", "dismiss"]
Change = Callable[[LogTransaction, View], int]

_UPSERT = text(
    "INSERT INTO inbox_states (recipient, seq, seen_at, read_at, dismissed_at)"
    " VALUES (:recipient, :seq, :seen_at, :read_at, :dismissed_at)"
    " ON CONFLICT (recipient, seq) DO UPDATE SET seen_at = excluded.seen_at, read_at = excluded.read_at,"
    " dismissed_at = excluded.dismissed_at"
)
# Entry.last_states rests on it: the state of what has left the inboxes never changes again.
_STILL_THERE = " AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.seq = inbox_states.seq AND n.removed_seq > 0)"
_ROWS_SEEN = text(
    "UPDATE inbox_states SET seen_at = COALESCE(seen_at, :now) WHERE recipient = :recipient AND seq <= :seq"
    + _STILL_THERE
)
_ROWS_READ = text(
    "UPDATE inbox_states SET seen_at = COALESCE(seen_at, :now), read_at = COALESCE(read_at, :now)"
    " WHERE recipient = :recipient AND seq <= :seq" + _STILL_THERE
)


def after_operation(state: ItemState, operation: Operation, now: int) -> ItemState:
    """Return the state that an operation leads to; reading implies seeing, and what is dismissed stays so."""
    if state.dismissed_at is not None:
        return state
    seen_at = now if state.seen_at is None else state.seen_at
    match operation:
        case "seen":
            return replace(state, seen_at=seen_at)
        case "read":
            return replace(state, seen_at=seen_at, read_at=now if state.read_at is None else state.read_at)
        case "unread":
            return replace(state, read_at=None)
        case "dismiss":
            return replace(state, dismissed_at=now)


def counts_of(state: ItemState) -> tuple[int, int]:
    """Return what a notification in this state adds to `unread` and `unseen`."""
    if state.dismissed_at is not None:
        return 0, 0
    return int(state.read_at is None), int(state.seen_at is None)


class InboxStates:
    """Carries out state changes."""

    def __init__(self, writer: LogWriter, follower: Follower, views: Views, codec: CursorCodec) -> None:
        self._writer = writer
        self._follower = follower
        self._views = views
        self._codec = codec

    def change(self, principal: Recipient, operation: Operation, ids: Sequence[str]) -> tuple[int, CountsAt]:
        """Change the state of notifications by id; ids that are not in the inbox are ignored.

        Returns how many changed, and the recipient's counts afterwards. The same again changes nothing.
        """
        return self._run(principal, lambda tx, view: self._change(tx, view, operation, ids))

    def change_up_to(self, principal: Recipient, operation: Operation, cursor: str) -> tuple[int, CountsAt]:
        """Change the state of everything that the client can have seen when it got a cursor (see `change`).

        Raises InvalidCursorError for a cursor that is not of this recipient, these roles and this epoch.
        """

        def change(transaction: LogTransaction, view: View) -> int:
            seq = self._codec.decode(cursor, transaction.epoch, principal.id, principal.roles, view.tag)
            if seq is None or seq > transaction.head:
                raise InvalidCursorError("up_to is not a cursor of this recipient, with these roles, of this epoch.")
            return self._change_up_to(transaction, view, operation, seq)

        return self._run(principal, change)

    def _run(self, principal: Recipient, change: Change) -> tuple[int, CountsAt]:
        def work(transaction: LogTransaction) -> tuple[int, int, int]:
            ensure_inbox(transaction, principal.id)
            view = read_view(transaction.connection, principal, self._codec)
            assert view is not None  # begun a line above  # noqa: S101
            return change(transaction, view), transaction.epoch, transaction.head

        changed, epoch, head = self._writer.transact(work)
        self._follower.reach(epoch, head)
        return changed, self._views.current(principal).at

    def _change(self, transaction: LogTransaction, view: View, operation: Operation, ids: Sequence[str]) -> int:
        connection, changed = transaction.connection, 0
        for some in in_parts(dict.fromkeys(ids)):
            rows = connection.execute(
                select(NOTIFICATIONS.c.seq, *NOTIFICATION_COLUMNS)
                .where(NOTIFICATIONS.c.id.in_(some), NOTIFICATIONS.c.removed_seq.is_(None))
                .order_by(NOTIFICATIONS.c.seq)
            ).all()
            states = read_states(connection, view.recipient, [row.seq for row in rows])
            for row in rows:
                notification = notification_from_row(row, row.seq)
                old = view.state_of(row.seq, states.get(row.seq))
                new = after_operation(old, operation, transaction.now)
                if new == old or view.shown_as(notification) is None:
                    continue
                unread, unseen = counts_of(new)
                had_unread, had_unseen = counts_of(old)
                connection.execute(
                    _UPSERT,
                    {
                        "recipient": view.recipient,
                        "seq": row.seq,
                        "seen_at": new.seen_at,
                        "read_at": new.read_at,
                        "dismissed_at": new.dismissed_at,
                    },
                )
                transaction.append(
                    EntryKind.DISMISSED if operation == "dismiss" else EntryKind.STATE,
                    (user(view.recipient),),
                    notification,
                    seen_at=new.seen_at,
                    read_at=new.read_at,
                    unread_delta=unread - had_unread,
                    unseen_delta=unseen - had_unseen,
                )
                changed += 1
        return changed

    def _change_up_to(self, transaction: LogTransaction, view: View, operation: Operation, seq: int) -> int:
        """Move a watermark. The rows below it follow, since a row says more than a mark."""
        unread, unseen, everything = read_counts(transaction.connection, view, up_to=seq)
        changed = {"seen": unseen, "read": unread, "dismiss": everything}[operation]
        if changed == 0:
            return 0
        now, position = transaction.now, {"recipient": view.recipient, "seq": seq, "now": transaction.now}
        values: dict[str, str | int] = {}
        if operation == "dismiss":
            values["dismissed_up_to"] = seq
        else:
            values["seen_marks"] = orjson.dumps(add_mark(view.seen_marks, seq, now)).decode()
            transaction.connection.execute(_ROWS_SEEN if operation == "seen" else _ROWS_READ, position)
        if operation == "read":
            values["read_marks"] = orjson.dumps(add_mark(view.read_marks, seq, now)).decode()
        transaction.connection.execute(update(INBOXES).where(INBOXES.c.recipient == view.recipient).values(**values))
        transaction.append(EntryKind.VIEW, (user(view.recipient),))
        return changed

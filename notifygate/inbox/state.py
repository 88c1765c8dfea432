"""Changes of state: seen, read, unread, dismissed, by id or up to a cursor.

Each change is an entry for `user:<recipient>`, for the recipient's other devices; it contains the new state and the
change of the counts, so that no reader needs the database. The log's lock is held meanwhile: a notification can't leave
the inboxes between reading its state and the change.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from notifygate.domain.audience import user
from notifygate.domain.cursor import CursorCodec
from notifygate.domain.entry import EntryKind, ItemState
from notifygate.domain.marks import add_mark
from notifygate.domain.principal import Recipient
from notifygate.errors import InvalidCursorError
from notifygate.inbox.view import CountsAt, View
from notifygate.inbox.view_reader import read_view
from notifygate.inbox.views import Views
from notifygate.log.follower import Follower
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.stores.contents import read_counts
from notifygate.storage.stores.inboxes import ensure_inbox, store_dismissed_up_to, store_marks
from notifygate.storage.stores.notifications import read_present
from notifygate.storage.stores.states import mark_states_up_to, read_states, store_states

Operation = Literal["seen", "read", "unread", "dismiss"]
"""Operations of `POST /v1/inbox/state` (docs/protocol.md section 4)."""

Change = Callable[[LogTransaction, View], int]
"""Makes a change of a recipient's view, and returns the number of changed notifications."""


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
                raise InvalidCursorError(
                    "up_to is not a cursor of this recipient with these roles; send the cursor of a poll."
                )
            return self._change_up_to(transaction, view, operation, seq)

        return self._run(principal, change)

    def _run(self, principal: Recipient, change: Change) -> tuple[int, CountsAt]:
        def work(transaction: LogTransaction) -> tuple[int, int, int]:
            ensure_inbox(transaction.connection, principal.id, transaction.head)
            view = read_view(transaction.connection, principal, self._codec)
            assert view is not None  # begun a line above  # noqa: S101
            return change(transaction, view), transaction.epoch, transaction.head

        changed, epoch, head = self._writer.transact(work)
        self._follower.reach(epoch, head)
        return changed, self._views.current(principal).at

    def _change(self, transaction: LogTransaction, view: View, operation: Operation, ids: Sequence[str]) -> int:
        connection, changed = transaction.connection, 0
        for notifications in read_present(connection, dict.fromkeys(ids)):
            states = read_states(connection, view.recipient, [notification.seq for notification in notifications])
            changes: dict[int, ItemState] = {}
            for notification in notifications:
                old = view.state_of(notification.seq, states.get(notification.seq))
                new = after_operation(old, operation, transaction.now)
                if new == old or view.shown_as(notification) is None:
                    continue
                unread, unseen = counts_of(new)
                had_unread, had_unseen = counts_of(old)
                changes[notification.seq] = new
                transaction.append(
                    EntryKind.DISMISSED if operation == "dismiss" else EntryKind.STATE,
                    (user(view.recipient),),
                    notification,
                    seen_at=new.seen_at,
                    read_at=new.read_at,
                    unread_delta=unread - had_unread,
                    unseen_delta=unseen - had_unseen,
                )
            store_states(connection, view.recipient, changes)
            changed += len(changes)
        return changed

    def _change_up_to(self, transaction: LogTransaction, view: View, operation: Operation, seq: int) -> int:
        """Move a watermark, and update the rows below it, since a row takes precedence over a mark."""
        unread, unseen, everything = read_counts(transaction.connection, view, up_to=seq)
        changed = {"seen": unseen, "read": unread, "dismiss": everything}[operation]
        if changed == 0:
            return 0
        connection, now = transaction.connection, transaction.now
        if operation == "dismiss":
            store_dismissed_up_to(connection, view.recipient, seq)
        else:
            is_read = operation == "read"
            mark_states_up_to(connection, view.recipient, seq, now, read=is_read)
            read_marks = add_mark(view.read_marks, seq, now) if is_read else None
            store_marks(connection, view.recipient, seen=add_mark(view.seen_marks, seq, now), read=read_marks)
        transaction.append(EntryKind.VIEW, (user(view.recipient),))
        return changed

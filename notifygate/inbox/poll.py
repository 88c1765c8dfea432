"""Polls: the changes after a cursor, from the tail and the recipient's view, and rarely from the database.

The order of decisions is that of docs/protocol.md section 4: an unusable cursor gives a reset, an old one is read from
the database, the others are answered from memory. `notifygate.delivery` waits for changes.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from notifygate import metrics
from notifygate.domain.cursor import MAX_SEQUENCE, CursorCodec
from notifygate.domain.entry import Entry
from notifygate.domain.principal import Recipient
from notifygate.errors import NotifygateError
from notifygate.inbox.answer import InboxUpdate, Unchanged
from notifygate.inbox.backlog import Backlog
from notifygate.inbox.changes import NO_CHANGES, Changes
from notifygate.inbox.page import read_page
from notifygate.inbox.view import CountsAt, View, has_view_entry
from notifygate.inbox.views import Views
from notifygate.log.follower import Follower
from notifygate.log.tail import Tail
from notifygate.storage.database import Database
from notifygate.storage.stores.head import read_head
from notifygate.waiting import WouldWaitError

logger = logging.getLogger(__name__)


class HasCursor(Protocol):
    """The part of a client's poll that this module reads."""

    cursor: str | None


class HeldPoll(Protocol):
    """A poll that waits for changes."""

    view: View

    @property
    def poll(self) -> HasCursor:
        """The client's."""
        ...


W = TypeVar("W", bound=HeldPoll)


class Polls:
    """Answers polls."""

    def __init__(self, database: Database, follower: Follower, tail: Tail, views: Views, codec: CursorCodec) -> None:
        self._database = database
        self._follower = follower
        self._tail = tail
        self._views = views
        self._codec = codec
        self._backlog = Backlog(database)
        self._tail_hits = metrics.Tally(metrics.tail_hits)

    def poll(
        self, principal: Recipient, cursor: str | None, etags: Sequence[str], limit: int
    ) -> InboxUpdate | Unchanged:
        """Answer a poll of the inbox now.

        `etags` are the cursors of If-None-Match, `limit` (1-200) bounds the notifications and removals returned. Raises
        InvalidCursorError for a cursor that never was one, UnavailableError if the log can't be read.
        """
        if cursor is None:
            view = self._view_for(principal, etags)
            etag, since = self._matching(principal, view, etags)
            at = view.at
            return self._snapshot(principal, view, at, limit) if etag is None else Unchanged(view, at, etag, since)
        view = self._views.current(principal)
        at = view.at
        position = self._position(principal, view, cursor)
        if position is None or position > at.seq:
            # Another worker may be ahead of this one, or in an epoch that this one has not noticed: the database knows.
            if position is None:
                self._follower.catch_up()
            else:
                self._follower.reach(at.epoch, position)
            view = self._views.current(principal)
            at = view.at
            position = self._position(principal, view, cursor)  # the epoch may have changed
        # Reading may wait, and meanwhile another poll of the recipient may advance the view: from here on only `at`
        # counts. The changes returned and the cursor have to end at the same position.
        try:
            return self._changes_after(principal, view, at, position, etags, limit)
        except (NotifygateError, WouldWaitError):
            raise
        except Exception:  # a defect, in an entry or in its rendering
            logger.exception("Encoding an entry in memory failed; the tail is dropped and read from the database")
            self._tail.forget()
            return self._changes_after(principal, view, at, position, etags, limit)

    def _changes_after(
        self, principal: Recipient, view: View, at: CountsAt, position: int | None, etags: Sequence[str], limit: int
    ) -> InboxUpdate | Unchanged:
        """Return what a view has between a position and `at`; a reset where that can't be known."""
        changes = None
        if position is not None and position <= at.seq:  # else it is from before a restore
            entries = self._tail.after(view.audiences, position)
            if entries is None:
                changes = self._backlog.read(view, at, position, limit)
            else:
                changes = self._fold(view, entries, limit) if entries else NO_CHANGES
                if changes is not None:  # not before, since `_fold` may move to a greenlet
                    self._tail_hits.inc()
        if position is None or changes is None or at.epoch != self._tail.epoch:
            return self._snapshot(principal, view, at, limit, reset=True)
        if changes.by_notification:
            return self._page(view, at, changes)
        etag, since = self._matching(principal, view, etags, position)
        unchanged = Unchanged(view, at, etag, min(since, position))
        return self.as_update(unchanged) if self._tail.is_ageing(position) else unchanged

    def is_at_head(self, view: View, cursor: str | None) -> bool:
        """Return whether the cursor is at the log head, as far as memory knows. If False, call `poll`.

        For a `current` view. Nearly every poll after a wake-up is at the head.
        """
        tail = self._tail
        return cursor == view.cursor and view.cursor_seq == view.seq == tail.end and view.epoch == tail.epoch

    def answer_single(self, holds: Iterable[W]) -> list[tuple[W, bytes]]:
        """Answer the polls with exactly one entry after their cursor, a published notification; skip the others.

        The response is that of `poll`. Nearly every woken poll is such a poll, and many at once cost little. Returns
        each hold with its notification as JSON; the view then has the new counts and cursor (`unread`, `unseen`,
        `cursor`).
        """
        epoch, end, newest = self._tail.epoch, self._tail.end, self._tail.newest
        answered: list[tuple[W, bytes]] = []
        tags: list[bytes] = []
        for hold in holds:
            view = hold.view
            if hold.poll.cursor != view.cursor or view.epoch != epoch or view.cursor_seq > view.seq:
                continue
            # A poll waiting at the head was woken by the newest entry.
            entry = newest if view.cursor_seq == end - 1 else self._only_entry_after(view)
            if entry and entry.is_published and entry.notification and (audience := view.shows(entry)):
                answered.append((hold, entry.notification.json_for(audience, None, None)))
                tags.append(view.tag)
                if view.seq < entry.seq:
                    view.move_to(epoch, end, view.unread + 1, view.unseen + 1)
        cursors = self._codec.encode_for_all(epoch, end, tags)
        for (hold, _), cursor in zip(answered, cursors, strict=True):
            view = hold.view
            view.cursor, view.cursor_seq = cursor, end
        return answered

    def _only_entry_after(self, view: View) -> Entry | None:
        """Return the entry that lies after the position of a view's cursor, if memory knows that it is just one."""
        entries = self._tail.after(view.audiences, view.cursor_seq)
        return entries[0] if entries is not None and len(entries) == 1 else None

    def as_update(self, unchanged: Unchanged) -> InboxUpdate:
        """Return "nothing new" for a client that has no matching ETag: empty lists, the counts and a fresh cursor."""
        view, at = unchanged.view, unchanged.at
        return InboxUpdate((), (), at.unread, at.unseen, self._cursor(view, at.epoch, at.seq), has_changes=False)

    def poll_counts(self, principal: Recipient, etags: Sequence[str]) -> InboxUpdate | Unchanged:
        """Answer a poll of the counts now; `InboxUpdate` carries no notifications."""
        view = self._view_for(principal, etags)
        at = view.at
        etag, since = self._matching(principal, view, etags)
        if etag is not None:
            return Unchanged(view, at, etag, since)
        return InboxUpdate((), (), at.unread, at.unseen, self._cursor(view, at.epoch, at.seq))

    def _view_for(self, principal: Recipient, etags: Sequence[str]) -> View:
        """Return the current view, not before the positions of the entity tags: counts must not go back."""
        view = self._views.current(principal)
        for etag in etags:
            position = self._position(principal, view, etag)
            if position is not None and position > view.seq:  # of another worker, which was ahead of this one
                self._follower.reach(view.epoch, position)
                view = self._views.current(principal)
        return view

    def _cursor(self, view: View, epoch: int, seq: int) -> str:
        """Return the cursor of a position; the last one of each view is kept, for when the client brings it back."""
        if view.cursor_seq != seq:
            view.cursor, view.cursor_seq = self._codec.encode(epoch, seq, view.tag), seq
        return view.cursor

    def _position(self, principal: Recipient, view: View, cursor: str) -> int | None:
        if cursor == view.cursor:
            return view.cursor_seq
        position = self._codec.decode(cursor, view.epoch, principal.id, principal.roles, view.tag)
        if position is not None and self._codec.has_one_secret:
            view.cursor, view.cursor_seq = cursor, position
        return position

    def _matching(
        self, principal: Recipient, view: View, etags: Sequence[str], unchanged_since: int = MAX_SEQUENCE
    ) -> tuple[str | None, int]:
        """Return the first entity tag without later visible changes that is not about to age out, and its position.

        Without one, None and MAX_SEQUENCE. `unchanged_since`: a position that is known to have no visible changes
        after it, as that of the poll's cursor, which is its entity tag, too.
        """
        for etag in etags:
            position = self._position(principal, view, etag)
            if position is None or position > view.seq or self._tail.is_ageing(position):
                continue
            if position >= unchanged_since:
                return etag, position
            entries = self._tail.after(view.audiences, position)
            if entries is not None and not any(view.affects(entry) for entry in entries):
                return etag, position
        return None, MAX_SEQUENCE

    def _fold(self, view: View, entries: Sequence[Entry], limit: int) -> Changes | None:
        """Fold entries of the tail into a page; None calls for a reset."""
        if has_view_entry(entries):
            return None
        unknown = [entry for entry in entries if view.needs_last_state(entry)]
        if unknown and not self._views.learn_last_states(view, entries):
            return None
        changes = Changes()
        changes.add(view, entries, limit)
        return changes

    def _page(self, view: View, at: CountsAt, changes: Changes) -> InboxUpdate:
        """Return a page of changes, with the counts and the cursor of its end."""
        notifications, removed = changes.render()
        has_more = changes.until is not None
        epoch, seq, unread, unseen = changes.counts_at_end(at) if has_more else at
        return InboxUpdate(notifications, removed, unread, unseen, self._cursor(view, epoch, seq), has_more)

    def _snapshot(
        self, principal: Recipient, known: View, at: CountsAt, limit: int, *, reset: bool = False
    ) -> InboxUpdate:
        """Read the newest notifications, the counts and the head of one moment.

        `known` is a view of the recipient in memory, and `at` its counts. Where the head is still theirs, they are not
        counted again, which would take time that grows with the inbox.
        """

        def work(connection: Connection) -> tuple[View | None, list[bytes]]:
            head = read_head(connection)
            is_known = (head.epoch, head.seq) == (at.epoch, at.seq)
            view = known if is_known else self._views.read(connection, principal, head)
            return view, [] if view is None else read_page(connection, view, limit + 1)

        view, items = self._database.read_in_turn(work)
        if view is None:  # the inbox was begun by `current`, so this is a restore under our feet
            self._views.begin(principal.id)
            return self._snapshot(principal, known, at, limit, reset=reset)
        if view is not known:
            self._views.keep(principal, view)
            at = view.at
        cursor = self._cursor(view, at.epoch, at.seq)
        return InboxUpdate(items[:limit], (), at.unread, at.unseen, cursor, has_more=len(items) > limit, reset=reset)

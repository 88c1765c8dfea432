"""The backlog of a recipient who was away: changes that memory no longer has, read from the database for one page.

There may be thousands of entries behind a page. The counts at its end need them and the page does not, so entries are
read without documents, and in parts, between which the hub does other work. The next pages need none of them: their
counts follow from those at the end of the page before (`View.page_end`).
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from notifygate import metrics
from notifygate.domain.entry import Entry, EntryKind
from notifygate.inbox.changes import Changes
from notifygate.inbox.view import CountsAt, PageEnd, View, has_view_entry
from notifygate.inbox.view_reader import read_last_states
from notifygate.storage.database import Database
from notifygate.storage.stores.entries import read_entries_for
from notifygate.storage.stores.head import read_head
from notifygate.storage.stores.notifications import read_present_at
from notifygate.storage.stores.states import read_states
from notifygate.waiting import require_greenlet

T = TypeVar("T")

MAX_CHANGES = 10_000
"""A recipient who has more changes than this behind a cursor gets a reset: a snapshot and the history serve them
better than two hundred pages, and it bounds what one poll may read."""

ENTRIES_PER_READ = 500
"""Entries that are read, and then folded, in one go: some milliseconds' worth."""


class Backlog:
    """Reads changes from the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, view: View, at: CountsAt, position: int, limit: int) -> Changes | None:
        """Return the changes of a view in (position, at.seq] as a page; None calls for a reset.

        Entries never change, and those after the position are there as long as the floor is not above it. So the parts
        add up to what one read would give.
        """
        require_greenlet()
        metrics.tail_misses.inc()
        begin = view.page_end
        if begin and ((begin.at.epoch, begin.at.seq) != (at.epoch, position) or at.seq > begin.valid_up_to):
            begin = None
        changes = Changes()
        count = unread = unseen = 0
        size = ENTRIES_PER_READ if begin is None else min(limit + 1, ENTRIES_PER_READ)
        after = position
        while after < at.seq and (begin is None or changes.until is None):
            entries = self._read(at, position, partial(_read_part, view, after, at.seq, size))
            if entries is None or has_view_entry(entries):
                return None
            count += len(entries)
            if count > MAX_CHANGES:
                return None
            changes.add(view, entries, limit)
            for entry in entries if begin else ():
                unread_delta, unseen_delta = view.deltas(entry)
                unread += unread_delta
                unseen += unseen_delta
            after = entries[-1].seq if len(entries) == size else at.seq
        if changes.until is not None:
            if begin:  # entries behind the page were not read: their sum is the rest of the difference
                changes.unread_behind += at.unread - begin.at.unread - unread
                changes.unseen_behind += at.unseen - begin.at.unseen - unseen
            valid_up_to = begin.valid_up_to if begin else at.seq + MAX_CHANGES - count
            view.page_end = PageEnd(changes.counts_at_end(at), valid_up_to + len(changes.by_notification))
        is_known = not changes.by_notification or self._read(at, position, partial(_read_present, view, changes))
        return changes if is_known else None

    def _read(self, at: CountsAt, position: int, work: Callable[[Connection], T]) -> T | None:
        """Run work in a transaction that sees all entries after a position; None if there is none any more."""

        def work_above_floor(connection: Connection) -> T | None:
            head = read_head(connection)
            return work(connection) if head.epoch == at.epoch and position >= head.floor else None

        return self._database.read_in_turn(work_above_floor)


def _read_part(view: View, after: int, until: int, size: int, connection: Connection) -> list[Entry]:
    """Read the next entries, each removal with the final state for the recipient."""
    entries = read_entries_for(connection, view.audiences, after, until, size)
    removals = [entry for entry in entries if entry.is_removal]
    for entry, state in read_last_states(connection, view.recipient, removals).items():
        entry.last_states[view.recipient] = state
    return entries


def _read_present(view: View, changes: Changes, connection: Connection) -> bool:
    """Give the page's entries the present state of their notifications, with the documents of those in the inbox."""
    page = changes.by_notification
    states = read_states(connection, view.recipient, page)
    present = {notification.seq: notification for notification in read_present_at(connection, page)}
    for seq, (entry, audience) in page.items():
        state = view.state_of(seq, states.get(seq))
        kind = EntryKind.STATE if seq in present and state.dismissed_at is None else EntryKind.DISMISSED
        notification = present.get(seq, entry.notification)
        page[seq] = Entry(entry.seq, kind, entry.audiences, notification, state.seen_at, state.read_at), audience
    return True

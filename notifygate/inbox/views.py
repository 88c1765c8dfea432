"""The views that this worker keeps in memory, each brought up to the tail's end before it is used.

A view is read from the database once; after that its counts are advanced by what the tail brings, so that a broadcast
to ten thousand recipients does not read the database ten thousand times.
"""

import logging
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from notifygate import metrics
from notifygate.domain.cursor import CursorCodec
from notifygate.domain.entry import Entry, ItemState
from notifygate.domain.principal import Recipient
from notifygate.errors import NotifygateError, UnavailableError
from notifygate.inbox.view import View, has_view_entry
from notifygate.inbox.view_reader import read_last_states, read_view
from notifygate.log.follower import Follower
from notifygate.log.tail import Tail
from notifygate.log.writer import LogWriter
from notifygate.recent import Recent
from notifygate.storage.database import Database
from notifygate.storage.stores.contents import read_counts
from notifygate.storage.stores.head import Head, read_head
from notifygate.storage.stores.inboxes import ensure_inbox
from notifygate.waiting import WouldWaitError

logger = logging.getLogger(__name__)

ViewKey = tuple[str, tuple[str, ...]]
"""`Recipient.key`: the id and the sorted roles."""


class Views:
    """The views that were used lately."""

    def __init__(
        self,
        database: Database,
        writer: LogWriter,
        follower: Follower,
        tail: Tail,
        codec: CursorCodec,
        capacity: int,
    ) -> None:
        self._database = database
        self._writer = writer
        self._follower = follower
        self._tail = tail
        self._codec = codec
        self._cache: Recent[ViewKey, View] = Recent(capacity)

    def clear(self) -> None:
        """Drop all views, after a new epoch."""
        self._cache.clear()

    def current(self, principal: Recipient) -> View:
        """Return the recipient's view with its counts true at the tail's end. Raises UnavailableError."""
        self._follower.ensure_fed()
        while True:
            view = self._cache.get(principal.key)
            if view is None:
                view = self._load(principal)
            if view.seq > self._tail.end or view.epoch != self._tail.epoch:
                self._follower.reach(view.epoch, view.seq)
            if self._can_advance(view):
                return view
            self._cache.drop(principal.key, view)

    def _load(self, principal: Recipient) -> View:
        """Read a view from the database and keep it. Raises UnavailableError."""

        def work(connection: Connection) -> View | None:
            return self.read(connection, principal, read_head(connection))

        epoch, end = self._tail.epoch, self._tail.end
        view = self._database.read_in_turn(work)
        if view is None:
            self.begin(principal.id)
            view = self._database.read_in_turn(work)
        if view is None:
            raise UnavailableError("The database lost an inbox that was just begun.")
        if view.epoch == epoch and view.seq < end:
            # The database lacks entries of the tail: it is a standby, which the follower refuses, or a restored backup,
            # with which the tail restarts. A read from a copy that is behind is repeated by the client.
            self._follower.catch_up()
            if self._tail.epoch == epoch and self._tail.end >= end:
                raise UnavailableError("The database that was read lacks recent commits.")
        self.keep(principal, view)
        return view

    def begin(self, recipient: str) -> None:
        """Begin or keep a recipient's inbox: this is their first request."""
        self._writer.transact(lambda transaction: ensure_inbox(transaction.connection, recipient, transaction.head))

    def read(self, connection: Connection, principal: Recipient, head: Head) -> View | None:
        """Read a view with its counts, `head` being of the same transaction; None before the recipient's first
        request."""
        view = read_view(connection, principal, self._codec)
        if view is not None:
            unread, unseen, _ = read_counts(connection, view)
            view.move_to(head.epoch, head.seq, unread, unseen)
        return view

    def keep(self, principal: Recipient, view: View) -> None:
        """Put a view that was just read into the cache."""
        metrics.view_loads.inc()  # here and not in `read`, which may run in a thread: its locks are greenlets'
        self._cache.put(principal.key, view)

    def learn_last_states(self, view: View, entries: Sequence[Entry]) -> bool:
        """Read the final states of the removals among entries of the tail. Return False if they may be deleted.

        Also those that are known, since the tail may drop them meanwhile. Afterwards each is there until the caller
        waits.
        """
        removals = [entry for entry in entries if entry.is_removal and view.shows(entry)]

        def work(connection: Connection) -> Mapping[Entry, ItemState | None] | None:
            floor = read_head(connection).floor
            if any(entry.seq <= floor for entry in removals):
                return None
            return read_last_states(connection, view.recipient, removals)

        states = self._database.read_in_turn(work)
        if states is None:
            return False
        self._tail.keep_states(view.recipient, states)
        return True

    def _can_advance(self, view: View) -> bool:
        """Advance a view to the end of the tail. Return False if it must be read from the database.

        It must also be read if an entry in memory is invalid; the tail drops such an entry.
        """
        try:
            return self._advance(view)
        except (NotifygateError, WouldWaitError):
            raise
        except Exception:  # a defect, in the entry or in counting it
            logger.exception("Advancing a view failed; it is read from the database")
            self._tail.forget()
            return False

    def _advance(self, view: View) -> bool:
        """Advance a view to the end of the tail. Return False if it must be read again."""
        if view.seq == self._tail.end and view.epoch == self._tail.epoch:
            return True
        while True:
            entries = self._tail.after(view.audiences, view.seq) if view.epoch == self._tail.epoch else None
            if entries is None or has_view_entry(entries):
                return False
            if not [entry for entry in entries if view.needs_last_state(entry)]:
                break
            if not self.learn_last_states(view, entries):
                return False
        # From here to the end nothing waits, so no other greenlet can advance the view twice.
        unread, unseen = view.unread, view.unseen
        for entry in entries:
            unread_delta, unseen_delta = view.deltas(entry)
            unread += unread_delta
            unseen += unseen_delta
        # The tail's own numbers: thousands of views share them.
        view.move_to(self._tail.epoch, self._tail.end, unread, unseen)
        return True

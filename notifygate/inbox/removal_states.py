"""The final states of removed notifications, for the recipients whose holds their removal ends."""

from collections.abc import Callable, Sequence

from notifygate.domain.entry import Entry
from notifygate.log.tail import MAX_LAST_STATES, Tail
from notifygate.storage.database import Database
from notifygate.storage.stores.states import read_states_of


class RemovalStates:
    """Reads them in a few queries for each removal; otherwise each hold would read its own when it ends.

    `recipients_waiting` returns the recipients with holds for one of some audiences.
    """

    def __init__(self, database: Database, tail: Tail, recipients_waiting: Callable[[Sequence[str]], set[str]]) -> None:
        self._database = database
        self._tail = tail
        self._recipients_waiting = recipients_waiting

    def read(self, entries: Sequence[Entry]) -> None:
        """Complete those of the new entries that are removals. Raises UnavailableError.

        None of them if together they need more states than the tail keeps: it would drop them at once, and nothing is
        published or followed until they are read. Then each hold reads its own, of all removals in one query.
        """
        waiting: list[tuple[Entry, set[str]]] = []
        count = 0
        for entry in entries:
            if entry.is_removal and (recipients := self._recipients_waiting(entry.audiences)):
                waiting.append((entry, recipients))
                count += len(recipients)
                if count > MAX_LAST_STATES // 2:
                    return
        for entry, recipients in waiting:
            self._complete(entry, recipients)
        self._tail.evict_states_for(count)  # the tail has the entries before anything else runs

    def _complete(self, entry: Entry, recipients: set[str]) -> None:
        notification = entry.notification
        if notification:
            states = self._database.read(lambda connection: read_states_of(connection, notification.seq, recipients))
            entry.last_states.update(states)

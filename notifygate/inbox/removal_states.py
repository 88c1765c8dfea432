"""The final states of removed notifications, for the recipients whose holds their removal ends."""

from collections.abc import Callable, Sequence

from notifygate.domain.entry import Entry
from notifygate.storage.database import Database
from notifygate.storage.stores.states import read_states_of


class RemovalStates:
    """Reads them in a query for each removal; otherwise each hold would read its own when it ends.

    `recipients_waiting` returns the recipients with holds for one of some audiences.
    """

    def __init__(self, database: Database, recipients_waiting: Callable[[Sequence[str]], set[str]]) -> None:
        self._database = database
        self._recipients_waiting = recipients_waiting

    def read(self, entries: Sequence[Entry]) -> None:
        """Complete those of the new entries that are removals. Raises UnavailableError."""
        for entry in entries:
            if entry.is_removal and entry.notification:
                self._complete(entry, entry.notification.seq)

    def _complete(self, entry: Entry, seq: int) -> None:
        waiting = self._recipients_waiting(entry.audiences)
        if waiting:
            entry.last_states.update(self._database.read(lambda connection: read_states_of(connection, seq, waiting)))

"""Preferences: which types a recipient has muted, and how clients should show the others."""

from dataclasses import dataclass

from sqlalchemy import Connection

from notifygate.domain.audience import user
from notifygate.domain.cursor import CursorCodec
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Recipient
from notifygate.errors import PreconditionFailedError
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database
from notifygate.storage.stores.head import read_head
from notifygate.storage.stores.inboxes import TypePreferences, ensure_inbox, read_preferences, store_preferences


@dataclass(frozen=True, slots=True)
class Preferences:
    """A recipient's preferences and the token of their version, which is bound to the recipient like a cursor."""

    types: TypePreferences
    version: str


class PreferenceStore:
    """Reads and replaces preferences."""

    def __init__(self, database: Database, writer: LogWriter, codec: CursorCodec) -> None:
        self._database = database
        self._writer = writer
        self._codec = codec

    def get(self, principal: Recipient) -> Preferences:
        """Return a recipient's preferences, empty ones for a recipient without an inbox."""

        def work(connection: Connection) -> Preferences:
            return self._read(connection, principal, read_head(connection).epoch)

        return self._database.read_in_turn(work)

    def replace(self, principal: Recipient, types: TypePreferences, only_if: list[str] | None) -> Preferences:
        """Replace the preferences and return the new ones; replacing them with the same changes nothing.

        With `only_if` (tokens of If-Match) the present version must be among them. Raises PreconditionFailedError.
        """

        def change(transaction: LogTransaction) -> Preferences:
            ensure_inbox(transaction.connection, principal.id, transaction.head)
            present = self._read(transaction.connection, principal, transaction.epoch)
            if only_if is not None and present.version not in only_if:
                raise PreconditionFailedError("Another device changed the preferences; read them again.")
            if present.types == types:
                return present
            entry = transaction.append(EntryKind.VIEW, (user(principal.id),))
            store_preferences(transaction.connection, principal.id, types, entry.seq)
            return Preferences(types, self._version(principal, transaction.epoch, entry.seq))

        return self._writer.transact(change)

    def _read(self, connection: Connection, principal: Recipient, epoch: int) -> Preferences:
        types, seq = read_preferences(connection, principal.id)
        return Preferences(types, self._version(principal, epoch, seq))

    def _version(self, principal: Recipient, epoch: int, seq: int) -> str:
        return self._codec.encode(epoch, seq, self._codec.tag(principal.id, ()))

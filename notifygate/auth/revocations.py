"""Revoked tokens: "no token of this recipient that was issued before then".

One row for each recipient, all of them in memory. A revocation is an entry of the log for the workers, as a change of a
key is. A principal outlives the verification of its token where a request waits and where answers are repeated; each
such place asks `accepts` or `check` again after the wait, or compares `generation`.
"""

from collections.abc import Callable, Container

from notifygate.domain.audience import GATEWAY
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Recipient
from notifygate.errors import UnauthorizedError
from notifygate.log.transaction import LogTransaction
from notifygate.storage.database import Database
from notifygate.storage.stores.revocations import read_revocations, store_revocation


def revoke_tokens(recipient: str) -> Callable[[LogTransaction], int]:
    """Return the change that revokes a recipient's tokens of before now; its result is that time in Unix milliseconds.

    `iat` counts whole seconds, so a token issued within the same second is revoked, too.
    """

    def change(transaction: LogTransaction) -> int:
        store_revocation(transaction.connection, recipient, transaction.now)
        transaction.append(EntryKind.CONFIG, (GATEWAY,))
        return transaction.now

    return change


class Revocations:
    """The revocations as this worker knows them. `on_revoked` is called with each recipient of a new one."""

    def __init__(self, database: Database, on_revoked: Callable[[str], None]) -> None:
        self._database = database
        self._on_revoked = on_revoked
        self._issued_before: dict[str, int] = {}
        self.generation = 0
        """Rises with each revocation, before `on_revoked`: while it is the same, no verified token was revoked."""

    def load(self) -> None:
        """Read the revocations from the database and act on the new ones. Raises UnavailableError."""
        known, self._issued_before = self._issued_before, self._database.read(read_revocations)
        revoked = [name for name, before in self._issued_before.items() if before > known.get(name, 0)]
        self.generation += len(revoked)
        for recipient in revoked:
            self._on_revoked(recipient)

    @property
    def recipients(self) -> Container[str]:
        """The recipients with a revocation: only their tokens need a check."""
        return self._issued_before

    def accepts(self, principal: Recipient) -> bool:
        """Return whether the token of a principal is not revoked; where there is a revocation it needs an `iat`."""
        issued_before = self._issued_before.get(principal.id)
        if issued_before is None:
            return True
        return principal.issued_at is not None and principal.issued_at >= issued_before

    def check(self, principal: Recipient) -> None:
        """Raise UnauthorizedError if the token of a principal is revoked."""
        if not self.accepts(principal):
            raise UnauthorizedError

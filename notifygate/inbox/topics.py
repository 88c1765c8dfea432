"""Topics: those that a recipient follows, and those that are open to the recipient."""

from sqlalchemy import Connection

from notifygate.domain.audience import user
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Recipient
from notifygate.errors import ForbiddenError, InvalidRequestError
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database
from notifygate.storage.stores.catalog import read_catalog
from notifygate.storage.stores.inboxes import delete_follow, ensure_inbox, insert_follow, read_followed

MAX_FOLLOWED = 200
"""Maximum of topics of one recipient. Each is one more audience that a poll reads."""


class Topics:
    """Follows, unfollows and lists."""

    def __init__(self, database: Database, writer: LogWriter) -> None:
        self._database = database
        self._writer = writer

    def list(self, principal: Recipient) -> list[tuple[str, bool]]:
        """Return the topics that a recipient follows or could follow, by name, and whether they follow each."""

        def work(connection: Connection) -> list[tuple[str, bool]]:
            catalog = read_catalog(connection)
            followed = read_followed(connection, principal.id)
            names = {name for name in {*followed, *catalog.topic_roles} if catalog.may_follow(name, principal.roles)}
            return [(name, name in followed) for name in sorted(names)]

        return self._database.read_in_turn(work)

    def follow(self, principal: Recipient, topic: str) -> None:
        """Follow a topic from now on; following it already changes nothing.

        Raises ForbiddenError for a topic that is limited to other roles, InvalidRequestError past MAX_FOLLOWED.
        """

        def change(transaction: LogTransaction) -> None:
            connection = transaction.connection
            if not read_catalog(connection).may_follow(topic, principal.roles):
                raise ForbiddenError("The topic is limited to other roles.")
            followed = read_followed(connection, principal.id)
            if topic in followed:
                return
            if len(followed) >= MAX_FOLLOWED:
                raise InvalidRequestError.of("topic", f"is one too many; the maximum is {MAX_FOLLOWED} followed topics")
            ensure_inbox(connection, principal.id, transaction.head)
            entry = transaction.append(EntryKind.VIEW, (user(principal.id),))
            insert_follow(connection, principal.id, topic, entry.seq)

        self._writer.transact(change)

    def unfollow(self, principal: Recipient, topic: str) -> None:
        """Stop following a topic; what it brought leaves the inbox. Not following it changes nothing."""

        def change(transaction: LogTransaction) -> None:
            if delete_follow(transaction.connection, principal.id, topic):
                transaction.append(EntryKind.VIEW, (user(principal.id),))

        self._writer.transact(change)

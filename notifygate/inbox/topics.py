"""Topics: what a recipient follows, and could follow."""

from sqlalchemy import Connection, delete, func, insert, select

from notifygate.domain.audience import user
from notifygate.domain.entry import EntryKind
from notifygate.domain.principal import Recipient
from notifygate.errors import ForbiddenError, InvalidRequestError
from notifygate.inbox.membership import FOLLOWS, ensure_inbox
from notifygate.log.catalog import read_catalog
from notifygate.log.transaction import LogTransaction
from notifygate.log.writer import LogWriter
from notifygate.storage.database import Database

MAX_FOLLOWED = 200
"""Topics of one recipient. Each is one more audience that a poll looks at."""


class Topics:
    """Follows, unfollows and lists."""

    def __init__(self, database: Database, writer: LogWriter) -> None:
        self._database = database
        self._writer = writer

    def list(self, principal: Recipient) -> list[tuple[str, bool]]:
        """Return the topics that a recipient follows or could follow, by name, and whether they follow each."""

        def work(connection: Connection) -> list[tuple[str, bool]]:
            catalog = read_catalog(connection)
            followed = set(
                connection.execute(select(FOLLOWS.c.topic).where(FOLLOWS.c.recipient == principal.id)).scalars()
            )
            names = {name for name in followed.union(catalog.topic_roles) if catalog.may_follow(name, principal.roles)}
            return [(name, name in followed) for name in sorted(names)]

        return self._database.read_in_turn(work)

    def follow(self, principal: Recipient, topic: str) -> None:
        """Follow a topic from now on; following it already changes nothing.

        Raises ForbiddenError for a topic that is limited to other roles, InvalidRequestError past MAX_FOLLOWED.
        """

        def change(transaction: LogTransaction) -> None:
            connection = transaction.connection
            if not read_catalog(connection).may_follow(topic, principal.roles):
                raise ForbiddenError("This topic is limited to other roles.")
            mine = FOLLOWS.c.recipient == principal.id
            if connection.execute(select(FOLLOWS.c.topic).where(mine, FOLLOWS.c.topic == topic)).first():
                return
            if connection.execute(select(func.count()).where(mine)).scalar_one() >= MAX_FOLLOWED:
                raise InvalidRequestError.of("topic", f"A recipient can follow at most {MAX_FOLLOWED} topics.")
            ensure_inbox(transaction, principal.id)
            entry = transaction.append(EntryKind.VIEW, (user(principal.id),))
            connection.execute(insert(FOLLOWS).values(recipient=principal.id, topic=topic, since_seq=entry.seq))

        self._writer.transact(change)

    def unfollow(self, principal: Recipient, topic: str) -> None:
        """Stop following a topic; what it brought leaves the inbox. Not following it changes nothing."""

        def change(transaction: LogTransaction) -> None:
            removed = transaction.connection.execute(
                delete(FOLLOWS).where(FOLLOWS.c.recipient == principal.id, FOLLOWS.c.topic == topic)
            )
            if removed.rowcount:
                transaction.append(EntryKind.VIEW, (user(principal.id),))

        self._writer.transact(change)

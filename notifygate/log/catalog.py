"""The registered types and topics, kept in memory and read again when an entry says that they have changed."""

import json

from sqlalchemy import Connection, select

from notifygate.domain.visibility import Catalog, TypeRule
from notifygate.storage.database import Database
from notifygate.storage.tables import NotificationType, TopicRow, table

TYPES = table(NotificationType)
TOPICS = table(TopicRow)


def read_catalog(connection: Connection) -> Catalog:
    """Read all types and topics."""
    types = {
        row.type: TypeRule(
            title=row.title,
            icon=row.icon,
            priority=row.priority,
            display=row.display,
            ttl_seconds=row.ttl_seconds,
            roles=tuple(json.loads(row.roles)),
            mandatory=bool(row.mandatory),
        )
        for row in connection.execute(select(TYPES))
    }
    topics = {row.topic: tuple(json.loads(row.roles)) for row in connection.execute(select(TOPICS))}
    return Catalog(types, topics)


class CatalogCache:
    """The catalog as this worker knows it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.current = Catalog()

    def load(self) -> None:
        """Read the catalog from the database. Raises UnavailableError."""
        self.current = self._database.read(read_catalog)

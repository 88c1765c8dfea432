"""The registered types and topics, cached in memory and read again after an entry about them."""

from notifygate.domain.visibility import Catalog
from notifygate.storage.database import Database
from notifygate.storage.stores.catalog import read_catalog


class CatalogCache:
    """The catalog as this worker knows it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.current = Catalog()

    def load(self) -> None:
        """Read the catalog from the database. Raises UnavailableError."""
        self.current = self._database.read(read_catalog)

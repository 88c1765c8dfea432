"""The gateway of the state machines: one or more nodes on one database, emptied before each example."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, update

from notifygate.auth.tokens import issue_token
from notifygate.recent import Recent
from notifygate.storage.database import Database, make_engine
from notifygate.storage.stores.head import Head, read_head
from notifygate.storage.tables import ENTRIES, FOLLOWS, HEAD, INBOXES, NOTIFICATIONS, RECORDS, STATES, TOPICS, TYPES
from tests.model.inbox_model import View
from tests.support.in_process import InProcessGateway, PublisherActor, RecipientActor
from tests.support.waiting import eventually

NEVER_SECONDS = 3600.0


class Nodes:
    """Nodes of one gateway, and a connection to their database."""

    def __init__(self, url: str, count: int, *, cached_views: int | None = None, **settings: Any) -> None:
        """`cached_views` may be less than the settings allow."""
        self.cached_views = cached_views
        # Nodes read the head and run their jobs only when the machine has them do it.
        self.gateways = [InProcessGateway(url, head_check_interval=NEVER_SECONDS, **settings) for _ in range(count)]
        self.database = Database(make_engine(url))
        self._admin = self.gateways[0].admin()
        self._tokens: dict[View, str] = {}
        for gateway in self.gateways:
            self._configure(gateway)

    def empty(self) -> None:
        """Remove everything but the keys and start the nodes again."""

        def work(connection: Connection) -> None:
            for table in (ENTRIES, NOTIFICATIONS, INBOXES, STATES, FOLLOWS, TYPES, TOPICS, RECORDS):
                connection.execute(delete(table))
            connection.execute(update(HEAD).values(head=0, floor=0))

        for gateway in self.gateways:
            gateway.stop()
        self.database.write(work)
        for number in range(len(self.gateways)):
            self.start(number)

    def start(self, number: int) -> None:
        """Start a node that was stopped: its memory is empty."""
        self.gateways[number].start()
        self._configure(self.gateways[number])

    def _configure(self, gateway: InProcessGateway) -> None:
        gateway.stop_jobs()
        if self.cached_views is not None:
            gateway.services.views._cache = Recent(self.cached_views)

    @property
    def head(self) -> Head:
        """The head of the log."""
        return self.database.read(read_head)

    def settle(self) -> Head:
        """Bring every node to the log's head and wait until each affected hold was woken."""
        head = self.head
        for gateway in self.gateways:
            gateway.services.follower.reach(head.epoch, head.seq)
            holds = gateway.services.holds
            eventually(lambda holds=holds: not holds._calls, "each hold is checked")
        return head

    def recipient(self, view: View, number: int) -> RecipientActor:
        """Return a recipient that calls one of the nodes."""
        settings = self.gateways[number].services.settings
        if view not in self._tokens:
            self._tokens[view] = issue_token(settings, view.recipient, list(view.roles), 86400)
        return RecipientActor(self.gateways[number].app.test_client(), self._tokens[view])

    def publisher(self, number: int) -> PublisherActor:
        """Return the admin's key as a publisher that calls one of the nodes."""
        return PublisherActor(self.gateways[number].app.test_client(), self._admin.credential)

    def holds(self, number: int) -> int:
        """Return the number of requests that wait in a node."""
        by_recipient = self.gateways[number].services.holds._by_recipient
        return sum(hold.state == "waiting" for holds in by_recipient.values() for hold in holds)

    def age(self, up_to: int) -> None:
        """Make the log up to a position older than any retention, and the dismissals in it."""

        def work(connection: Connection) -> None:
            connection.execute(update(ENTRIES).where(ENTRIES.c.seq <= up_to).values(created_at=1))
            dismissals = ENTRIES.select().where(ENTRIES.c.kind == "dismissed", ENTRIES.c.seq <= up_to)
            for row in connection.execute(dismissals).all():
                recipient = row.audience.removeprefix("user:")
                mine = (STATES.c.recipient == recipient, STATES.c.seq == row.notification_seq)
                connection.execute(update(STATES).where(*mine).values(dismissed_at=1))

        self.database.write(work)

    def expire(self, ids: Sequence[str], number: int) -> int:
        """Make some notifications expire and have a node remove them from the inboxes."""
        past = update(NOTIFICATIONS).where(NOTIFICATIONS.c.id.in_(ids)).values(expires_at=1)
        self.database.write(lambda connection: connection.execute(past))
        return self.gateways[number].services.removal.expire_due()

    def close(self) -> None:
        """Stop all nodes."""
        for gateway in self.gateways:
            gateway.stop()
        self.database.engine.dispose()

"""The services of one worker, assembled by `notifygate.app`."""

from dataclasses import dataclass

from notifygate.announcements.announcer import Announcer
from notifygate.auth.keys import KeyVerifier
from notifygate.auth.revocations import Revocations
from notifygate.auth.tokens import TokenVerifier
from notifygate.delivery.pacing import PollPacing
from notifygate.delivery.registry import HoldRegistry
from notifygate.domain.cursor import CursorCodec
from notifygate.inbox.history import History
from notifygate.inbox.poll import Polls
from notifygate.inbox.preferences import PreferenceStore
from notifygate.inbox.state import InboxStates
from notifygate.inbox.topics import Topics
from notifygate.inbox.views import Views
from notifygate.limits.rate_limits import RateLimits
from notifygate.log.catalog import CatalogCache
from notifygate.log.follower import Follower
from notifygate.log.tail import Tail
from notifygate.log.writer import LogWriter
from notifygate.publishing.housekeeping import Housekeeping
from notifygate.publishing.publish import Publishing
from notifygate.publishing.removal import Removal
from notifygate.settings import Settings
from notifygate.storage.database import Database

EXTENSION = "notifygate"
"""Key of the services in `Flask.extensions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One worker's services."""

    settings: Settings
    database: Database
    codec: CursorCodec
    tail: Tail
    follower: Follower
    writer: LogWriter
    announcer: Announcer
    catalog: CatalogCache
    views: Views
    polls: Polls
    history: History
    states: InboxStates
    preferences: PreferenceStore
    topics: Topics
    publishing: Publishing
    removal: Removal
    housekeeping: Housekeeping
    holds: HoldRegistry
    pacing: PollPacing
    tokens: TokenVerifier
    revocations: Revocations
    keys: KeyVerifier
    limits: RateLimits

    def start(self) -> None:
        """Begin to follow, write and keep house. Raises UnavailableError if the database can't be read."""
        self.catalog.load()
        self.keys.load()
        self.revocations.load()
        self.follower.start()
        self.writer.start()
        self.announcer.start()
        self.housekeeping.start()
        self.limits.start()
        self.pacing.start()

    def stop(self) -> None:
        """Stop everything that runs in the background and close the connections."""
        self.holds.drain()
        self.pacing.stop()
        self.housekeeping.stop()
        self.announcer.stop()
        self.writer.stop()
        self.follower.stop()
        self.limits.stop()
        self.database.engine.dispose()

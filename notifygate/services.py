"""The services of one worker, assembled by `notifygate.app`."""

from dataclasses import dataclass, field

from notifygate.announcements.announcer import Announcer
from notifygate.auth.keys import KeyVerifier
from notifygate.auth.revocations import Revocations
from notifygate.auth.tokens import TokenVerifier
from notifygate.clock import Clock
from notifygate.components import Components
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
from notifygate.publishing.publish import Publishing
from notifygate.publishing.removal import Removal
from notifygate.publishing.retention import Retention
from notifygate.settings import Settings
from notifygate.storage.database import Database

EXTENSION = "notifygate"
"""Key of the services in `Flask.extensions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One worker's services."""

    settings: Settings
    clock: Clock
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
    retention: Retention
    holds: HoldRegistry
    pacing: PollPacing
    tokens: TokenVerifier
    revocations: Revocations
    keys: KeyVerifier
    limits: RateLimits

    components: Components = field(default_factory=Components)
    """The background parts, in the order in which they start."""

"""The order of the parts: how they are made, connected and started."""

from collections.abc import Mapping
from typing import Any

from notifygate.announcements.announcer import make_announcer
from notifygate.api.demo import demo
from notifygate.api.flask_database import open_flask_database
from notifygate.api.static_files import static_files
from notifygate.api.wsgi import GatewayApp
from notifygate.auth.keys import KeyVerifier
from notifygate.auth.revocations import Revocations
from notifygate.auth.tokens import TokenVerifier
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.delivery.pacing import PollPacing
from notifygate.delivery.registry import HoldRegistry
from notifygate.domain.cursor import CursorCodec
from notifygate.endpoints import ENDPOINTS
from notifygate.errors import NotifygateError
from notifygate.inbox.history import History
from notifygate.inbox.poll import Polls
from notifygate.inbox.preferences import PreferenceStore
from notifygate.inbox.removal_states import RemovalStates
from notifygate.inbox.state import InboxStates
from notifygate.inbox.topics import Topics
from notifygate.inbox.views import Views
from notifygate.jobs import JOBS
from notifygate.jobs.runner import JobRunner
from notifygate.limits.rate_limits import RateLimits
from notifygate.log.catalog import CatalogCache
from notifygate.log.config_caches import ConfigCaches
from notifygate.log.follower import Follower
from notifygate.log.tail import Tail
from notifygate.log.writer import LogWriter
from notifygate.publishing.publish import Publishing
from notifygate.publishing.removal import Removal
from notifygate.publishing.retention import Retention
from notifygate.services import Services
from notifygate.settings import Settings
from notifygate.settings_reader import load_settings
from notifygate.storage.database import Database
from notifygate.storage.readiness import check_database, namespace_of


def create_app(config: Mapping[str, Any] | None = None, clock: Clock = SYSTEM_CLOCK) -> GatewayApp:
    """Make the application and start the components that work beside requests.

    `config` holds settings by field name; they win over the environment. Raises ConfigurationError if a setting is
    bad, the database is not migrated, or it belongs to a gateway with another secret.
    """
    settings = load_settings(config)
    app = GatewayApp(settings.trusted_proxies)
    database = open_flask_database(app, settings)
    try:
        check_database(database, settings.secret_key)
        services = _make_services(app, settings, database, clock)
        app.serve(services, (*ENDPOINTS, static_files(), *demo(settings)))
        services.components.start()
    except NotifygateError:
        database.stop()  # leave no connection behind
        raise
    return app


def _make_services(app: GatewayApp, settings: Settings, database: Database, clock: Clock) -> Services:
    namespace = namespace_of(database)
    codec = CursorCodec(settings.secret_key)
    holds = HoldRegistry(settings.holds_per_recipient, settings.holds_per_worker, clock)
    catalog, keys = CatalogCache(database), KeyVerifier(database)
    revocations = Revocations(database, on_revoked=holds.wake_recipient)
    caches = ConfigCaches(catalog, keys, revocations)

    tail = Tail(settings.tail_entries, clock)
    follower = Follower(database, tail, settings.tail_entries, settings.head_check_interval, clock)
    announcer = make_announcer(
        settings, namespace, on_announcement=follower.follow_announcement, on_connected=follower.check_soon
    )
    follower.lost.are_counted = announcer.has_channel
    writer = LogWriter(
        database, announcer.announce, follower.follow_commit
    )  # other workers first: they are further away

    views = Views(database, writer, follower, tail, codec, settings.cached_views)
    follower.before_entries += [caches.reload_if_changed, RemovalStates(database, tail, holds.recipients_of).read]
    follower.after_entries += [holds.wake]
    follower.on_restart += [caches.load, views.clear, holds.wake_all]

    services = Services(
        settings=settings,
        clock=clock,
        database=database,
        codec=codec,
        tail=tail,
        follower=follower,
        writer=writer,
        announcer=announcer,
        catalog=catalog,
        views=views,
        polls=Polls(database, follower, tail, views, codec),
        history=History(database, views, codec),
        states=InboxStates(writer, follower, views, codec),
        preferences=PreferenceStore(database, writer, codec),
        topics=Topics(database, writer),
        publishing=Publishing(database, writer, catalog, settings.default_ttl, clock),
        removal=Removal(database, writer, clock),
        retention=Retention(database, writer.transact, settings.retention_days, clock),
        holds=holds,
        pacing=PollPacing(holds, settings.poll_after, settings.max_wait, clock),
        tokens=TokenVerifier(settings, revocations, clock),
        revocations=revocations,
        keys=keys,
        limits=RateLimits(app, settings, namespace, clock),
    )
    jobs, limits, pacing = JobRunner(JOBS, services), services.limits, services.pacing
    services.components.extend([database, caches, follower, writer, announcer, jobs, limits, pacing, holds])
    return services

"""The application: every part made and put together, in an order that can be read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

from notifygate.announcements.announcement import Announcement
from notifygate.announcements.announcer import make_announcer
from notifygate.api.demo import demo
from notifygate.api.static_files import static_files
from notifygate.api.wsgi import GatewayApp
from notifygate.auth.keys import KeyVerifier
from notifygate.auth.revocations import Revocations
from notifygate.auth.tokens import TokenVerifier
from notifygate.delivery.pacing import PollPacing
from notifygate.delivery.registry import HoldRegistry
from notifygate.domain.audience import GATEWAY
from notifygate.domain.cursor import CursorCodec
from notifygate.domain.entry import Entry
from notifygate.endpoints import ENDPOINTS
from notifygate.errors import NotifygateError
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
from notifygate.publishing.retention import Retention
from notifygate.services import Services
from notifygate.settings import Settings, load_settings
from notifygate.storage.database import Database, engine_options, prepare_engine
from notifygate.storage.readiness import check_database, namespace_of
from notifygate.storage.stores.states import read_states_of
from notifygate.storage.tables import Base
from notifygate.storage.timeline import policy_of_settings


def create_app(config: Mapping[str, Any] | None = None) -> GatewayApp:
    """Make the application and start what runs beside it.

    `config` holds settings by field name; they win over the environment. Raises ConfigurationError if a setting is
    bad, the database is not migrated, or it belongs to a gateway with another secret.
    """
    settings = load_settings(config)
    app = GatewayApp()
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=0)
    database = _make_database(app, settings)
    try:
        _put_together(app, settings, database)
    except NotifygateError:
        database.engine.dispose()  # who refuses to start leaves no connection behind
        raise
    return app


def _put_together(app: GatewayApp, settings: Settings, database: Database) -> None:
    services = _make_services(app, settings, database)
    app.serve(services, (*ENDPOINTS, static_files(), *demo(settings)))
    services.start()


def _make_database(app: GatewayApp, settings: Settings) -> Database:
    url = settings.effective_database_url
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(
        url, settings.database_pool, prepares=settings.database_prepare
    )
    extension = SQLAlchemy(app, metadata=Base.metadata)
    with app.app_context():
        engine = extension.engine
    prepare_engine(engine)
    return Database(engine, policy_of_settings(settings))


def _make_follower(
    settings: Settings,
    database: Database,
    tail: Tail,
    catalog: CatalogCache,
    keys: KeyVerifier,
    revocations: Revocations,
    holds: HoldRegistry,
    forget_views: Callable[[], None],
) -> Follower:
    def prepare(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if GATEWAY in entry.audiences:
                catalog.load()
                keys.load()
                revocations.load()
                break
        for entry in entries:
            # Who waits for a removal is looked up in a few queries here, not in one query each when they wake.
            if entry.is_removal and entry.notification and (waiting := holds.recipients_of(entry.audiences)):
                seq = entry.notification.seq
                entry.last_states.update(database.read(lambda c: read_states_of(c, seq, waiting)))  # noqa: B023

    def restart() -> None:
        catalog.load()
        keys.load()
        revocations.load()
        forget_views()
        holds.wake_all()

    return Follower(
        database,
        tail,
        capacity=settings.tail_entries,
        check_interval_seconds=settings.head_check_interval,
        prepare=prepare,
        on_entries=holds.wake,
        on_restart=restart,
    )


def _make_services(app: GatewayApp, settings: Settings, database: Database) -> Services:
    check_database(database, settings.secret_key)
    namespace = namespace_of(database)
    codec = CursorCodec(settings.secret_key)

    # The log, from the database up to this worker's memory of it.
    catalog = CatalogCache(database)
    keys = KeyVerifier(database)
    holds = HoldRegistry(settings.holds_per_recipient, settings.holds_per_worker)
    revocations = Revocations(database, on_revoked=holds.wake_recipient)
    tail = Tail(settings.tail_entries)

    follower = _make_follower(
        settings, database, tail, catalog, keys, revocations, holds, forget_views=lambda: views.clear()
    )
    announcer = make_announcer(
        settings, namespace, on_announcement=follower.take_hint, on_connected=follower.check_soon
    )
    follower.counts_rescues = announcer.has_channel

    def committed(announcement: Announcement) -> None:
        announcer.announce(announcement)
        follower.take_in(announcement)

    writer = LogWriter(database, committed)

    # What is built on it.
    views = Views(database, writer, follower, tail, codec, settings.cached_views)
    removal = Removal(database, writer)
    return Services(
        settings=settings,
        database=database,
        codec=codec,
        tail=tail,
        follower=follower,
        writer=writer,
        announcer=announcer,
        catalog=catalog,
        views=views,
        polls=Polls(database, follower, tail, views, codec),
        history=History(database, views),
        states=InboxStates(writer, follower, views, codec),
        preferences=PreferenceStore(database, writer, codec),
        topics=Topics(database, writer),
        publishing=Publishing(database, writer, catalog, settings.default_ttl),
        removal=removal,
        housekeeping=Housekeeping(
            database, writer, removal, Retention(database, writer.transact, settings.retention_days)
        ),
        holds=holds,
        pacing=PollPacing(holds, settings.poll_after, settings.max_wait),
        tokens=TokenVerifier(settings, revocations),
        revocations=revocations,
        keys=keys,
        limits=RateLimits(app, settings, namespace),
    )

"""Settings: each is declared once, with its type, default, unit and help.

The name of a variable is `NOTIFYGATE_` and the field's name in capitals. Secrets have a `_FILE` variant that names a
file to read instead. `notifygate.settings_reader` reads them at the start; `notifygate.settings_checks` checks them.
docs/settings.md repeats the declarations; a test compares them.
"""

import re
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

from notifygate.errors import ConfigurationError
from notifygate.private_files import make_private_folder

PREFIX = "NOTIFYGATE_"
"""First part of the names of all environment variables."""

MIN_SECRET_BYTES = 32
"""256 bits: out of reach of guessing, and the minimum for HS256 (RFC 7518 section 3.2)."""

MAX_TTL_SECONDS = 31_536_000
"""Longest time to live that the protocol allows (section 3)."""

MAX_NUMBER = 10**9
"""Maximum of a number without one of its own, 31 years in seconds: sums with it fit into the database's integers and
Redis' times."""

_RELATIVE_FILE = re.compile(r"sqlite:///(?:file:)?+(?!/|:memory:|\?|$)")
"""The part before a relative path in the URL of a SQLite file, also of one with `uri=true`."""


def _setting(
    default: Any,
    help_text: str,
    *,
    unit: str = "",
    secret: bool = False,
    least: float | None = None,
    most: float = MAX_NUMBER,
) -> Any:
    metadata = {"help": help_text, "unit": unit, "secret": secret, "least": least, "most": most}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The validated settings of a gateway, made by `load_settings`."""

    bind: str = _setting("127.0.0.1:8080", "Address and port to listen on.")
    workers: int = _setting(
        1, "Worker processes. Use PostgreSQL with more than one, and Redis for fast wake-ups.", least=1
    )
    data_dir: Path = _setting(Path("var"), "Folder for the SQLite file and the generated secrets.")
    database_url: str = _setting(
        "",
        "SQLAlchemy URL: sqlite or postgresql+psycopg. A relative SQLite path starts in the working directory. Empty: a SQLite file in the data folder.",
        secret=True,
    )
    database_pool: int = _setting(10, "Maximum of database connections per worker.", least=3)
    database_prepare: bool = _setting(
        True,
        "Prepare statements and send time-outs when connecting. False: for PgBouncer in transaction mode; set the time-outs on the role then.",
    )
    database_timeline: bool = _setting(
        True, "Detect a promoted PostgreSQL standby by its timeline. False: for providers that hide `pg_walfile_name`."
    )
    database_synchronous: bool = _setting(
        False, "Replication is synchronous: a promoted standby has every acknowledged commit, so the epoch stays."
    )
    redis_url: str = _setting(
        "",
        "URL of a Redis for wake-ups and shared rate limits: `redis://`, `rediss://`, or `redis+sentinel://` for the master that Sentinels name. Empty: no Redis.",
        secret=True,
    )
    secret_key: tuple[str, ...] = _setting(
        (), "Secrets that protect cursors, newest first. Empty: generated in the data folder.", secret=True
    )
    jwt_secrets: tuple[str, ...] = _setting(
        (),
        "Keys that verify recipients' tokens (secrets, or public keys in PEM), newest first. Empty: generated in the data folder.",
        secret=True,
    )
    jwt_algorithms: tuple[str, ...] = _setting(("HS256",), "Accepted signature algorithms.")
    jwt_audience: str = _setting("", "Required `aud` claim. Empty: not checked.")
    jwt_issuer: str = _setting("", "Required `iss` claim. Empty: not checked.")
    jwt_roles_claim: str = _setting("roles", "Name of the claim with the recipient's roles.")
    jwt_max_lifetime: int = _setting(
        2_592_000,
        "Longest life of a recipient's token: `exp` minus `iat`, or minus the present time. 0: no limit.",
        unit="s",
        least=0,
    )
    max_wait: int = _setting(
        55,
        "Longest hold. The default is below the 60 s after which many proxies close a connection.",
        unit="s",
        least=0,
    )
    poll_after: int = _setting(15, "Interval that the gateway asks of clients that short-poll.", unit="s", least=1)
    holds_per_recipient: int = _setting(
        6, "Maximum of holds of one recipient in a worker; one more ends the oldest.", least=1
    )
    holds_per_worker: int = _setting(
        10_000, "Maximum of holds in a worker; above it, polls are answered at once.", least=0
    )
    detached: bool = _setting(
        True,
        "Park held polls without a greenlet, and answer plain requests before they reach Flask. False: gunicorn's plain gevent worker.",
    )
    tail_entries: int = _setting(10_000, "Newest log entries that each worker keeps in memory.", least=10)
    cached_views: int = _setting(
        100_000, "Maximum of recipients whose tokens and counts each worker keeps in memory.", least=10
    )
    head_check_interval: float = _setting(
        1.0, "How often each worker reads the head of the log as a fallback for wake-ups.", unit="s", least=0.05
    )
    default_ttl: int = _setting(
        90 * 24 * 3600,
        "Time to live of a notification whose publisher and type give none. 0: it never expires.",
        unit="s",
        least=0,
        most=MAX_TTL_SECONDS,
    )
    retention_days: int = _setting(
        30,
        "How long entries of the log are kept, and notifications that were retracted, expired or dismissed by their only recipient.",
        unit="days",
        least=1,
    )
    limit_publish: str = _setting("1200/minute", "Publications per API key. Empty: no limit.")
    limit_audiences: str = _setting("60000/minute", "Audiences of publications, per API key. Empty: no limit.")
    limit_poll: str = _setting("300/minute", "Polls that return changes, per recipient. Empty: no limit.")
    limit_state: str = _setting(
        "300/minute", "Changes of state, topics and preferences, per recipient. Empty: no limit."
    )
    limit_failed_auth: str = _setting("30/minute", "Failed authentications per address. Empty: no limit.")
    limit_guard: str = _setting("6000/minute", "All requests per principal and worker. Empty: no limit.")
    cors_origins: tuple[str, ...] = _setting((), "Origins whose scripts may call the gateway. Empty: CORS is off.")
    trusted_proxies: int = _setting(0, "Number of proxies in front whose X-Forwarded-For is trusted.", least=0)
    demo: bool = _setting(
        False, "Serve a demo page at /demo that gives credentials to every visitor. Never on a public network."
    )
    log_level: str = _setting("info", "debug, info, warning or error.")
    log_format: str = _setting("json", "json or text.")

    def make_data_dir(self) -> None:
        """Create the data folder, with mode 0700. Raises ConfigurationError."""
        try:
            make_private_folder(self.data_dir)
        except OSError as error:
            raise ConfigurationError(f"Can't create the folder {self.data_dir}: {error.strerror}.") from error

    @property
    def effective_database_url(self) -> str:
        """The database to use: the one given, else the SQLite file in the data folder.

        The path of a SQLite file is absolute: Flask-SQLAlchemy would resolve a relative one in its instance folder,
        SQLAlchemy in the working directory.
        """
        if relative := _RELATIVE_FILE.match(self.database_url):
            return f"{relative[0]}{Path.cwd()}/{self.database_url[relative.end() :]}"
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'notifygate.db'}"

    @property
    def sqlite_file(self) -> Path | None:
        """The SQLite file to use, None with PostgreSQL."""
        scheme, _, path = self.effective_database_url.partition(":///")
        return Path(path.partition("?")[0].removeprefix("file:")) if scheme == "sqlite" else None


def variable(setting: Field[Any]) -> str:
    """Return the environment variable of a field of `Settings`."""
    return PREFIX + setting.name.upper()

"""Settings: each is declared once, with its type, default, unit and help, and read from the environment at the start.

The name of a variable is `NOTIFYGATE_` and the field's name in capitals. Secrets have a `_FILE` variant that names a
file to read instead. An invalid value stops the start with an error that names the variable. docs/settings.md repeats
the declarations; a test compares them.
"""

import math
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_origin

from notifygate.errors import ConfigurationError
from notifygate.private_files import make_private_folder, write_private_file

PREFIX = "NOTIFYGATE_"
"""First part of the names of all environment variables."""

JWT_ALGORITHMS = frozenset(kind + size for kind in ("HS", "RS", "ES", "PS") for size in ("256", "384", "512")) | {
    "EdDSA"
}
"""The signatures of RFC 7518 and RFC 8037; `none` is not among them."""

MIN_SECRET_BYTES = 32
"""256 bits: out of reach of guessing, and the minimum for HS256 (RFC 7518 section 3.2)."""

GENERATED_SECRETS = {"secret_key": "secret_key", "jwt_secrets": "jwt_secret"}
"""Settings that are generated if they are not set -> their files in the data folder."""

MAX_TTL_SECONDS = 31_536_000
"""Longest time to live that the protocol allows (section 3)."""

_RELATIVE_FILE = re.compile(r"sqlite:///(?:file:)?+(?!/|:memory:|\?|$)")
"""The part before a relative path in the URL of a SQLite file, also of one with `uri=true`."""

_PEM_BLOCK = re.compile(r"(-----BEGIN [^-\n]+-----.*?-----END [^-\n]+-----)", re.DOTALL)
"""A block of RFC 7468."""

_PUBLIC_KEY = re.compile(r"-----BEGIN |ssh-|ecdsa-sha2-")
"""Beginning of a public key, as PyJWT reads them: in PEM or in the format of OpenSSH."""

_RATE_LIMIT = re.compile(r"\d+\s*(/|per)\s*\d*\s*(second|minute|hour|day|month|year)s?", re.ASCII | re.IGNORECASE)
"""One limit, in the notation of the library `limits`. It reads several from a text, but the gateway uses one."""


def _setting(
    default: Any,
    help_text: str,
    *,
    unit: str = "",
    secret: bool = False,
    least: float | None = None,
    most: float | None = None,
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
        30, "How long changes and dismissed or expired notifications are kept.", unit="days", least=1
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


def load_settings(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as `given_settings` does, and generate missing secrets.

    They are generated once, into the data folder, with mode 0600. Raises ConfigurationError.
    """
    return _with_secrets(given_settings(overrides, environ))


def given_settings(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment (`environ`, by default the process's). Secrets not given stay empty.

    `overrides` are field values that take precedence, so that tests need not patch the environment. Raises
    ConfigurationError for a value that can't be parsed or is out of range.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name = variable(setting)
        text = _text_of(name, environ, allow_file=setting.metadata["secret"])
        if text is not None:
            values[setting.name] = _parse(name, text, setting.type)
    settings = Settings(**{**values, **(overrides or {})})
    _check(settings)
    return settings


def _text_of(name: str, environ: Mapping[str, str], *, allow_file: bool) -> str | None:
    path = environ.get(f"{name}_FILE") if allow_file else None
    if path:
        if environ.get(name):
            raise ConfigurationError(f"{name} and {name}_FILE are both set; give one of them.")
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}_FILE: can't read {path}.") from error
        if not text.replace(",", "").strip():
            raise ConfigurationError(f"{name}_FILE: {path} is empty; expected the value of {name}.")
        return text
    text = environ.get(name)
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} is not UTF-8.") from None  # the error quotes a part of it
    return text


def _parse(name: str, text: str, hint: Any) -> Any:
    if get_origin(hint) is tuple:
        return _split(text)
    parse: Callable[[str], Any] = _truth if hint is bool else hint
    try:
        return parse(text.strip())
    except ValueError as error:
        raise ConfigurationError(f"{name}: {text!r} is not a valid {hint.__name__}.") from error


def _truth(text: str) -> bool:
    truth = {"1": True, "true": True, "yes": True, "": False, "0": False, "false": False, "no": False}.get(text.lower())
    if truth is None:
        raise ValueError(text)
    return truth


def _split(text: str) -> tuple[str, ...]:
    """Split a list at commas and line ends; blocks in PEM stay whole."""
    parts: list[str] = []
    for part in _PEM_BLOCK.split("\n".join(text.splitlines())):
        parts += [part] if _PEM_BLOCK.fullmatch(part) else part.replace("\n", ",").split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _check(settings: Settings) -> None:
    for setting in fields(settings):
        least, most, value = setting.metadata["least"], setting.metadata["most"], getattr(settings, setting.name)
        if least is not None and not math.isfinite(value):
            raise ConfigurationError(f"{variable(setting)}: {value} is not a finite number.")
        if least is not None and value < least:
            raise ConfigurationError(f"{variable(setting)}: {value} is too small; the minimum is {least}.")
        if most is not None and value > most:
            raise ConfigurationError(f"{variable(setting)}: {value} is too large; the maximum is {most}.")
    host, separator, port = settings.bind.rpartition(":")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(
            f"{PREFIX}BIND: {settings.bind!r} is invalid; expected an address and a port, for example 127.0.0.1:8080."
        )
    if not settings.effective_database_url.startswith(("sqlite:", "postgresql+psycopg:")):
        raise ConfigurationError(f"{PREFIX}DATABASE_URL: unknown scheme; use sqlite: or postgresql+psycopg:.")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise ConfigurationError(
            f"{PREFIX}LOG_LEVEL: {settings.log_level!r} is unknown; expected debug, info, warning or error."
        )
    if settings.log_format not in ("json", "text"):
        raise ConfigurationError(f"{PREFIX}LOG_FORMAT: {settings.log_format!r} is unknown; expected json or text.")
    _check_limits_and_origins(settings)
    _check_keys(settings)


def _check_limits_and_origins(settings: Settings) -> None:
    for setting in fields(settings):
        if setting.name.startswith("limit_"):
            text: str = getattr(settings, setting.name).strip()
            if text and not _RATE_LIMIT.fullmatch(text):
                raise ConfigurationError(
                    f"{variable(setting)}: {text!r} is invalid; expected one limit, for example 300/minute."
                )
    for origin in settings.cors_origins:
        if not (origin.isascii() and origin.isprintable()):
            raise ConfigurationError(
                f"{PREFIX}CORS_ORIGINS: {origin!a} has characters outside ASCII; expected an origin as browsers send it,"
                " for example https://xn--fsq.example."
            )


def _check_keys(settings: Settings) -> None:
    if not settings.jwt_algorithms or not set(settings.jwt_algorithms) <= JWT_ALGORITHMS:
        raise ConfigurationError(
            f"{PREFIX}JWT_ALGORITHMS is empty or has an unknown name; expected a list of "
            f"{', '.join(sorted(JWT_ALGORITHMS))}."
        )
    # RFC 7518 section 3.2: an HMAC key has at least as many bits as the hash.
    hmac_bytes = [int(name[2:]) // 8 for name in settings.jwt_algorithms if name.startswith("HS")]
    for name, given, least in (
        ("SECRET_KEY", settings.secret_key, MIN_SECRET_BYTES),
        ("JWT_SECRETS", settings.jwt_secrets, max(hmac_bytes, default=MIN_SECRET_BYTES)),
    ):
        if any(len(secret.encode()) < least for secret in given):
            raise ConfigurationError(f"{PREFIX}{name}: a secret is too short; the minimum is {least} bytes.")
    are_public = {bool(_PUBLIC_KEY.match(key)) for key in settings.jwt_secrets} or {False}  # a secret is generated
    if not any((not name.startswith("HS")) in are_public for name in settings.jwt_algorithms):
        raise ConfigurationError(
            f"{PREFIX}JWT_SECRETS has no key for {PREFIX}JWT_ALGORITHMS={','.join(settings.jwt_algorithms)}; expected a"
            " secret for HS256, HS384 and HS512, a public key in PEM for the others."
        )


def _with_secrets(settings: Settings) -> Settings:
    missing = {name: file for name, file in GENERATED_SECRETS.items() if not getattr(settings, name)}
    return replace(settings, **{name: (_secret_in(settings.data_dir / file),) for name, file in missing.items()})


def _secret_in(path: Path) -> str:
    """Return the secret in a file; create the file if it does not exist.

    The file is written under another name and linked into place: of several processes that start at once exactly one
    wins, and a crash leaves no half-written secret.
    """
    try:
        make_private_folder(path.parent)
        if not path.exists():
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            write_private_file(draft, secrets.token_urlsafe(48) + "\n")
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # another process was first: use its secret
            finally:
                draft.unlink()
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"Can't read or create a secret in {path.parent}: {error.strerror}.") from error
    if len(text.encode()) < MIN_SECRET_BYTES:
        raise ConfigurationError(
            f"The secret in {path} is shorter than {MIN_SECRET_BYTES} bytes; delete the file to generate a new one."
        )
    return text

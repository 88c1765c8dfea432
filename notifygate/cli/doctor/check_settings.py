"""The settings: whether they can be read, and whether they make sense together."""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from notifygate.cli.doctor.finding import SETTINGS, Finding
from notifygate.errors import ConfigurationError
from notifygate.settings import PREFIX, Settings, variable
from notifygate.settings_reader import GENERATED_SECRETS, find_unknown_variables, given_settings, load_settings

_LOOPBACK = ("127.", "localhost:", "[::1]:", "::1:")


def read_settings(environ: Mapping[str, str] = os.environ) -> tuple[Settings | None, list[Finding]]:
    """Return the settings, None if they can't be read, and the findings.

    Secrets that the first start would generate are made up, and not stored: where they lie and which user they belong
    to is left to that start.
    """
    findings = [
        SETTINGS.wrong(
            f"{name} is not a setting and has no effect: {f'did you mean {close}?' if close else 'remove it'}"
        )
        for name, close in find_unknown_variables(environ).items()
    ]
    try:
        given = given_settings(environ=environ)
        missing = [name for name in GENERATED_SECRETS if not getattr(given, name)]
        unmade = [name for name in missing if not (given.data_dir / GENERATED_SECRETS[name]).exists()]
        settings = load_settings({name: (secrets.token_urlsafe(48),) for name in unmade}, environ)
    except ConfigurationError as error:
        return None, [*findings, SETTINGS.wrong(str(error))]
    named = ", ".join(sorted(name for name in environ if name.startswith(PREFIX)))
    findings.append(SETTINGS.ok(f"all can be read; set in the environment: {named or 'none'}"))
    findings += _secret_files(environ)
    findings += _generated(settings, missing)
    return settings, [*findings, *_combinations(settings), *_data_folder(settings)]


def _secret_files(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Report files of secrets that others may read. A warning: those of a container are often mounted like that."""
    for setting in fields(Settings):
        name = f"{variable(setting)}_FILE"
        path = Path(environ.get(name, ""))  # empty: the working directory, which is not a file
        if setting.metadata["secret"] and _is_open_to_others(path.resolve()):
            yield SETTINGS.warning(
                f"every user of this machine may open {path} (mode {stat.S_IMODE(path.stat().st_mode):04o}), which"
                f" {name} names: run 'chmod o= {path}', except in a container without other users"
            )


def _is_open_to_others(path: Path) -> bool:
    """Return whether every user of the machine may open a file, by its mode and those of the folders above it."""
    may_enter = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return path.is_file() and may_enter and bool(path.stat().st_mode & stat.S_IRWXO)


def _generated(settings: Settings, missing: list[str]) -> Iterator[Finding]:
    """Report where secrets come from that are given nowhere."""
    names = " and ".join(f"{PREFIX}{name.upper()}" for name in missing)
    if names and settings.database_url.startswith("postgresql"):
        yield SETTINGS.warning(
            f"{names} come from the data folder of this machine: a second gateway on the same database would not"
            " start, or refuse the first one's tokens. Set them, the same everywhere, as NAME_FILE"
        )
    elif names:
        yield SETTINGS.ok(f"{names}: generated in {settings.data_dir} at the first start")


def _combinations(settings: Settings) -> Iterator[Finding]:
    is_local = settings.bind.startswith(_LOOPBACK)
    if settings.demo and not is_local:
        yield SETTINGS.wrong(f"{PREFIX}DEMO gives credentials to every client that reaches {settings.bind}: unset it")
    if settings.workers > 1 and not settings.database_url.startswith("postgresql"):
        yield SETTINGS.warning(
            f"{PREFIX}WORKERS is {settings.workers} on one SQLite file, which one process at a time can write: set"
            f" {PREFIX}WORKERS=1, or {PREFIX}DATABASE_URL to a PostgreSQL"
        )
    if settings.workers > 1 and not settings.redis_url:
        yield SETTINGS.warning(
            f"without {PREFIX}REDIS_URL a worker learns of another's notifications after up to"
            f" {settings.head_check_interval:g} s: set it"
        )
    if settings.max_wait > 59:
        yield SETTINGS.warning(
            f"{PREFIX}MAX_WAIT is {settings.max_wait} s; many proxies cut at 60 s: set 55, or check the way with --url"
        )


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield SETTINGS.ok(
            f"the data folder {folder} does not exist yet: 'notifygate serve' makes it, for its user alone"
        )
        return
    state = folder.stat()
    if state.st_mode & stat.S_IRWXO:
        yield SETTINGS.wrong(
            f"every user of this machine may enter {folder} (mode {stat.S_IMODE(state.st_mode):04o}), which holds"
            f" secrets: run 'chmod -R go= {folder}'"
        )
    elif state.st_uid != os.geteuid():
        yield SETTINGS.warning(
            f"{folder} belongs to user {state.st_uid}, and this is user {os.geteuid()}: run the doctor as the"
            " gateway's user to see what the gateway sees"
        )
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield SETTINGS.wrong(f"{folder} can't be written: run 'chmod u+rwx {folder}', or mount it for writing")
    else:
        yield SETTINGS.ok(f"the data folder {folder} belongs to this user alone")

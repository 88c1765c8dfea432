"""Reading of the settings from the environment, and the secrets that are generated where none are given."""

import difflib
import logging
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_origin

from notifygate.errors import ConfigurationError
from notifygate.private_files import make_private_folder, write_private_file
from notifygate.settings import MIN_SECRET_BYTES, PREFIX, Settings, variable
from notifygate.settings_checks import check_settings

logger = logging.getLogger(__name__)

GENERATED_SECRETS = {"secret_key": "secret_key", "jwt_secrets": "jwt_secret"}
"""Settings that are generated if they are not set -> their files in the data folder."""

OTHER_VARIABLES = frozenset({f"{PREFIX}URL", f"{PREFIX}KEY", f"{PREFIX}TOKEN"})
"""Variables of the command line."""

_EXPECTED = {
    int: "a whole number without a unit",
    float: "a number without a unit",
    bool: "1, true, yes, 0, false or no",
}
"""Types of settings that not every text can be parsed as -> what is expected."""

_PEM_BLOCK = re.compile(r"(-----BEGIN [^-\n]+-----.*?-----END [^-\n]+-----)", re.DOTALL)
"""A block of RFC 7468."""


def load_settings(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as `given_settings` does, and generate missing secrets.

    They are generated once, into the data folder, with mode 0600. Raises ConfigurationError.
    """
    settings = given_settings(overrides, environ)
    missing = {name: file for name, file in GENERATED_SECRETS.items() if not getattr(settings, name)}
    return replace(settings, **{name: (_secret_in(settings.data_dir / file),) for name, file in missing.items()})


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
    check_settings(settings)
    return settings


def find_unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that look like a setting but are not -> the closest setting, else ""."""
    known = {variable(setting) for setting in fields(Settings)}
    known |= {f"{variable(setting)}_FILE" for setting in fields(Settings) if setting.metadata["secret"]}
    unknown = {name for name in environ if name.startswith(PREFIX)} - known - OTHER_VARIABLES
    names = [name.removeprefix(PREFIX) for name in known]  # with the prefix all are alike
    close = {name: difflib.get_close_matches(name.removeprefix(PREFIX), names, n=1) for name in sorted(unknown)}
    return {name: f"{PREFIX}{matches[0]}" if matches else "" for name, matches in close.items()}


def warn_of_unknown_variables(environ: Mapping[str, str]) -> None:
    """Log a warning for each variable that looks like a setting but is not."""
    for name, close in find_unknown_variables(environ).items():
        logger.warning("%s is not a setting and has no effect%s", name, f": did you mean {close}?" if close else "")


def _text_of(name: str, environ: Mapping[str, str], *, allow_file: bool) -> str | None:
    path = environ.get(f"{name}_FILE") if allow_file else None
    if path:
        if environ.get(name):
            raise ConfigurationError(f"{name} and {name}_FILE are both set; give one of them.")
        try:
            text = Path(path).read_text(encoding="utf-8-sig").strip()  # some editors begin a file with a mark
        except OSError as error:
            raise ConfigurationError(f"{name}_FILE: can't read {path}: {error.strerror}.") from error
        except UnicodeDecodeError:
            raise ConfigurationError(f"{name}_FILE: {path} is not UTF-8.") from None  # the error quotes a part of it
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
    parse: Callable[[str], Any] = _parse_bool if hint is bool else hint
    try:
        return parse(text.strip())
    except ValueError as error:
        raise ConfigurationError(f"{name}: {text!r} is invalid; expected {_EXPECTED[hint]}.") from error


def _parse_bool(text: str) -> bool:
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

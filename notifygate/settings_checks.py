"""Checks of the settings: an invalid value stops the start with an error that names the variable."""

import re
from dataclasses import fields

from notifygate.errors import ConfigurationError
from notifygate.settings import MIN_SECRET_BYTES, PREFIX, Settings, variable

JWT_ALGORITHMS = frozenset(kind + size for kind in ("HS", "RS", "ES", "PS") for size in ("256", "384", "512")) | {
    "EdDSA"
}
"""The signatures of RFC 7518 and RFC 8037; `none` is not among them."""

_PUBLIC_KEY = re.compile(r"-----BEGIN |ssh-|ecdsa-sha2-")
"""Beginning of a public key, as PyJWT reads them: in PEM or in the format of OpenSSH."""

_PORT = re.compile(r"[0-9]{1,5}")

_RATE_LIMIT = re.compile(
    r"0{0,9}[1-9]\d{0,8}\s*(/|per)\s*(0{0,9}[1-9]\d{0,7})?\s*(second|minute|hour|day|month|year)s?",
    re.ASCII | re.IGNORECASE,
)
"""One limit, in the notation of the library `limits`. It reads several from a text, but the gateway uses one. A limit
of 0 would reject every request for ever, with a promise of an end in Retry-After; 0 units are 1 for the library. Eight
digits of years are the longest window that Redis can expire."""


def check_settings(settings: Settings) -> None:
    """Raise ConfigurationError for a value that is out of range or unusable."""
    for setting in fields(settings):
        least, most, value = setting.metadata["least"], setting.metadata["most"], getattr(settings, setting.name)
        if least is not None and not value >= least:  # NaN too
            raise ConfigurationError(f"{variable(setting)}: {value} is too small; the minimum is {least}.")
        if least is not None and value > most:
            raise ConfigurationError(f"{variable(setting)}: {value} is too large; the maximum is {most}.")
    host, _, port = settings.bind.rpartition(":")
    if not host or not _PORT.fullmatch(port) or int(port) > 65535:
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
                    f"{variable(setting)}: {text!r} is invalid; expected one limit of at least 1, for example"
                    " 300/minute, or an empty value for no limit."
                )
    for origin in settings.cors_origins:
        if not (origin.isascii() and origin.isprintable()):
            raise ConfigurationError(
                f"{PREFIX}CORS_ORIGINS: {origin!a} has characters outside ASCII; expected an origin as browsers send"
                " it, for example https://xn--fsq.example."
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

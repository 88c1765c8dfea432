"""The declarations of settings; test_docs.py compares docs/settings.md with them."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from limits import parse_many

from notifygate.errors import ConfigurationError
from notifygate.settings import MAX_TTL_SECONDS, Settings, variable
from notifygate.settings_reader import find_unknown_variables, load_settings
from tests.support.in_process import JWT_SECRET, SECRET_KEY

SECRETS = {  # a comma would separate two
    "NOTIFYGATE_SECRET_KEY": SECRET_KEY.replace(",", ""),
    "NOTIFYGATE_JWT_SECRETS": JWT_SECRET.replace(",", ""),
}
ALL = {setting.name: setting for setting in fields(Settings)}
NUMBERS = [name for name, setting in ALL.items() if setting.type in (int, float)]
ABSURD = "9" * (sys.get_int_max_str_digits() + 1)
"""More digits than `int` reads."""


def test_settings_have_a_help_text_and_numbers_a_bound() -> None:
    for name, setting in ALL.items():
        text, least = setting.metadata["help"], setting.metadata["least"]
        assert len(text) > 10, name
        assert text[0].isupper() or text.startswith(("debug", "json")), name
        assert text.endswith("."), name
        assert "|" not in text, f"{name}: it is in a table"
        assert variable(setting) == f"NOTIFYGATE_{name.upper()}"
        if isinstance(setting.default, int | float) and not isinstance(setting.default, bool):
            assert least is not None, f"{name}: a number that may be anything"
            assert setting.default >= least, name


def test_default_time_to_live_has_the_limit_of_a_publishers() -> None:
    secrets = {"secret_key": (SECRET_KEY,), "jwt_secrets": (JWT_SECRET,)}
    assert load_settings({**secrets, "default_ttl": MAX_TTL_SECONDS}, environ={}).default_ttl == MAX_TTL_SECONDS
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_DEFAULT_TTL: 31536001 is too large"):
        load_settings({**secrets, "default_ttl": MAX_TTL_SECONDS + 1}, environ={})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["1000000001", ABSURD[1:], ABSURD])
def test_absurd_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"NOTIFYGATE_{name.upper()}: .* (is too large|is invalid)"):
        load_settings(environ={**SECRETS, f"NOTIFYGATE_{name.upper()}": value})


def test_settings_that_may_contain_a_password_are_secret() -> None:
    secrets = {"database_url", "redis_url", "secret_key", "jwt_secrets"}
    assert {name for name, setting in ALL.items() if setting.metadata["secret"]} == secrets
    assert not any(ALL[name].default for name in secrets)


def test_secrets_are_not_shown_when_settings_are_printed() -> None:
    settings = load_settings(
        {"secret_key": (SECRET_KEY,), "jwt_secrets": (JWT_SECRET,), "redis_url": "redis://:pass-word@cache"}, environ={}
    )
    shown = repr(settings)
    for secret in (SECRET_KEY, JWT_SECRET, "pass-word"):
        assert secret not in shown


def test_documented_settings_exist() -> None:
    assert set(ALL) >= {
        "bind", "workers", "data_dir", "database_url", "redis_url", "secret_key", "jwt_secrets", "max_wait",
        "jwt_algorithms", "jwt_audience", "jwt_issuer", "jwt_roles_claim", "holds_per_recipient", "holds_per_worker",
        "retention_days", "default_ttl", "tail_entries", "head_check_interval", "limit_publish", "limit_audiences",
        "limit_poll", "limit_state", "limit_failed_auth", "limit_guard", "cors_origins", "trusted_proxies", "log_level", "log_format",
    }  # fmt: skip


def test_explicit_defaults_equal_the_defaults(tmp_path: Path) -> None:
    """The defaults in docs/settings.md can be copied into the environment."""
    for name, setting in ALL.items():
        text = ",".join(setting.default) if isinstance(setting.default, tuple) else str(setting.default)
        given = dict(SECRETS)
        given[variable(setting)] = text or given.get(variable(setting), "")
        loaded = load_settings(environ={"NOTIFYGATE_DATA_DIR": str(tmp_path), **given})
        if not setting.metadata["secret"]:
            assert getattr(loaded, name) == (tmp_path if name == "data_dir" and not text else setting.default), name


PEM = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize("order", ["secret first", "key first"])
def test_secrets_and_public_keys_may_stand_in_one_list(order: str) -> None:
    secret = SECRETS["NOTIFYGATE_JWT_SECRETS"]
    parts = (secret, PEM) if order == "secret first" else (PEM, secret)
    given = {"NOTIFYGATE_JWT_SECRETS": "\n".join(parts), "NOTIFYGATE_JWT_ALGORITHMS": "HS256,RS256"}
    assert load_settings(environ={**SECRETS, **given}).jwt_secrets == parts


@pytest.mark.parametrize("encode", ["\ufeff{}\r\n", "{}\n", "{}"], ids=["byte order mark", "line end", "plain"])
def test_file_of_a_secret_may_be_written_by_any_editor(tmp_path: Any, encode: str) -> None:
    file = tmp_path / "jwt_secrets"
    secret = SECRETS["NOTIFYGATE_JWT_SECRETS"]
    file.write_bytes(encode.format(secret).encode())
    given = {"NOTIFYGATE_JWT_SECRETS_FILE": str(file), "NOTIFYGATE_DATA_DIR": str(tmp_path)}
    assert load_settings(environ=given).jwt_secrets == (secret,)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("SECRET_KEY_FILE", "/no/such/file", "can't read /no/such/file: No such file or directory"),
        ("SECRET_KEY_FILE", "/", "can't read /: Is a directory"),
        ("MAX_WAIT", "55s", "'55s' is invalid; expected a whole number without a unit"),
        ("HEAD_CHECK_INTERVAL", "1s", "'1s' is invalid; expected a number without a unit"),
        ("DEMO", "on", "'on' is invalid; expected 1, true, yes, 0, false or no"),
    ],
)
def test_error_names_the_fault_and_what_is_expected(name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_settings(environ={f"NOTIFYGATE_{name}": value})
    assert str(error.value) == f"NOTIFYGATE_{name}: {fault}."


def test_unknown_variables_are_listed_with_the_closest_setting() -> None:
    given = ("WORKER", "DATABASE_URL_FILE", "SERVICE_HOST", "WORKERS", "KEY", "BIND_FILE")
    assert find_unknown_variables({f"NOTIFYGATE_{name}": "" for name in given}) == {
        "NOTIFYGATE_BIND_FILE": "NOTIFYGATE_BIND",
        "NOTIFYGATE_SERVICE_HOST": "",
        "NOTIFYGATE_WORKER": "NOTIFYGATE_WORKERS",
    }


@pytest.mark.parametrize("content", ["", " \n", ",\n"])
def test_file_of_secrets_that_is_empty_is_refused(tmp_path: Any, content: str) -> None:
    empty = tmp_path / "jwt_secrets"
    empty.write_text(content)
    environ = {"NOTIFYGATE_JWT_SECRETS_FILE": str(empty), "NOTIFYGATE_DATA_DIR": str(tmp_path / "var")}
    with pytest.raises(ConfigurationError, match="NOTIFYGATE_JWT_SECRETS_FILE"):
        load_settings(environ=environ)
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIMIT_POLL", "many"),
        ("LIMIT_POLL", "1200/minute;5/second"),
        ("LIMIT_POLL", "5/week"),
        ("LIMIT_POLL", "0/minute"),
        ("LIMIT_POLL", "5/0 minutes"),
        ("LIMIT_POLL", ABSURD + "/minute"),
        ("LIMIT_POLL", "5/" + ABSURD + " minutes"),
        ("LIMIT_POLL", "1/100000000 years"),
        ("BIND", "127.0.0.1:" + ABSURD),
        ("BIND", "127.0.0.1:\N{SUPERSCRIPT TWO}"),
        ("CORS_ORIGINS", "https://\N{CJK UNIFIED IDEOGRAPH-4F8B}.example"),
        ("JWT_ALGORITHMS", "RS256"),
        ("JWT_SECRETS", PEM),
    ],
)
def test_value_with_which_the_gateway_can_not_work_is_refused(name: str, value: str) -> None:
    # With RS256 alone, a text that is not a public key verifies nothing.
    with pytest.raises(ConfigurationError, match=f"NOTIFYGATE_{name}.*; expected"):
        load_settings(environ={**SECRETS, f"NOTIFYGATE_{name}": value})


@pytest.mark.parametrize(
    "value",
    [
        "1/second",
        "10 per minute",
        "5/2 hours",
        "100 / DAY",
        " 1/month ",
        "9/year",
        "007/01 day",
        "999999999/99999999 years",
    ],
)
def test_limit_in_the_notation_of_the_library_is_accepted(value: str) -> None:
    settings = load_settings(environ={**SECRETS, "NOTIFYGATE_LIMIT_POLL": value})
    assert len(parse_many(settings.limit_poll)) == 1


def test_secret_that_is_not_utf_8_is_refused_without_a_part_of_it() -> None:
    with pytest.raises(ConfigurationError) as error:
        load_settings(environ={"NOTIFYGATE_SECRET_KEY": "\udcff" * 40})
    assert str(error.value) == "NOTIFYGATE_SECRET_KEY is not UTF-8."
    assert error.value.__suppress_context__

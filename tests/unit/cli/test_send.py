"""`notifygate send` against gateways and networks that fail; `test_group.py` has the tests of all commands."""

import ssl
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from notifygate.cli import send
from tests.support.certificates import make_certificate
from tests.unit.cli.scripted_gateway import ScriptedGateway, Shell

CREATED = {"id": "0190-a", "to": ["user:alice"]}

# `send` needs some 100 modules beside those that Python has loaded when it starts; the framework and
# the database would bring over 1,000 more.
MOST_MODULES = 200


def assert_failed_with_one_line(result: Result, *parts: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("notifygate: ")
    for part in parts:
        assert part in result.stderr


def keys_of(gateway: ScriptedGateway) -> set[str | None]:
    return {request.headers["Idempotency-Key"] for request in gateway.requests}


# The request


def fields(**changes: object) -> dict[str, object]:
    return {"to": "all", "title": "hi", "body": "hi", **changes}


@pytest.mark.parametrize(
    ("arguments", "stdin", "sent"),
    [
        (["all", "hi", "--priority", "low"], None, fields(priority="low")),
        (
            [
                *("topic:a/b", "text", "--title", "T", "--sender", "S", "--icon", "I", "--action-url", "/x"),
                *("--priority", "high", "--type", "a.b", "--ttl", "60"),
            ],
            None,
            {"to": "topic:a/b", "title": "T", "body": "text", "priority": "high", "type": "a.b", "ttl": 60}
            | {"sender": "S", "icon": "I", "action_url": "/x"},
        ),
        *(
            (["all", "hi", "--ttl", ttl], None, fields(ttl=seconds))
            for ttl, seconds in (("1", 1), ("3600", 3600), ("2h", 7200), ("365d", 31_536_000))
        ),
        (["all", "--title", "Backup"], None, fields(title="Backup", body="")),
        (
            ["all", "-"],
            "\n  Grüße \nzweite Zeile\n\n".encode(),
            fields(title="Grüße", body="\n  Grüße \nzweite Zeile"),
        ),
        (["all", "-"], b"a\xffb\0c", fields(title="a\ufffdb\ufffdc", body="a\ufffdb\ufffdc")),
        *(
            (["all", "-"], character.encode() * count, fields(title=character * 200, body=character * 3999 + end))
            for character in ("x", "ä", "\U0001f514")
            for count, end in ((4000, character), (300_000, "…"))
        ),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value)[:40],
)
def test_options_and_text_become_fields_and_the_id_alone_is_printed(
    shell: Shell, arguments: list[str], stdin: bytes | None, sent: dict[str, object]
) -> None:
    shell.gateway.then(201, CREATED)
    result = shell.run("send", *arguments, stdin=stdin)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "0190-a\n", "")
    [request] = shell.gateway.requests
    assert (request.method, request.path) == ("POST", "/v1/notifications")
    assert request.headers["Authorization"] == "Bearer ng_k1_very-secret-key"
    assert request.fields == sent


def test_each_run_has_a_key_of_its_own_unless_one_is_given(shell: Shell) -> None:
    for options in ((), (), ("--idempotency-key", "once only")):
        shell.gateway.then(201, CREATED)
        shell.run("send", "all", "hi", *options, NOTIFYGATE_URL=f"{shell.gateway.url}/behind/a/proxy/")
    assert len(keys_of(shell.gateway)) == 3
    assert "once only" in keys_of(shell.gateway)
    assert shell.gateway.requests[0].path == "/behind/a/proxy/v1/notifications"


@pytest.mark.parametrize(
    ("arguments", "env", "part"),
    [
        *(
            (["all", "hi", "--ttl", ttl], {}, "--ttl")
            for ttl in ("0", "0s", "366d", "-1", "2 h", "1.5h", "9999999999999", "soon", "")
        ),
        *((["all", *text], {}, "the notification is empty") for text in ([], [""], [" \n"], ["-"])),
        *(
            (["all", "hi", "--idempotency-key", key], {}, "--idempotency-key")
            for key in ("", " k", "k ", "k\n", "ä", "k" * 129)
        ),
        (["all", "hi"], {"NOTIFYGATE_KEY": None}, "NOTIFYGATE_KEY is not set"),
        (["all", "hi"], {"NOTIFYGATE_KEY": "ng_k1_first\nng_k2_hunter2"}, "NOTIFYGATE_KEY"),
        *(
            (["all", "hi"], {"NOTIFYGATE_URL": url}, "NOTIFYGATE_URL")
            for url in (
                *("127.0.0.1:8080", "ftp://host", "http://", "http://host:port", "http://host:99999"),
                *("http://user:hunter2@host", "http://host/?key=hunter2", "http://host/#hunter2", "http://host/a b"),
                *("http://höst", "http://a..b", "http://[::1", "http://" + "a" * 64),
            )
        ),
    ],
)
def test_an_invalid_notification_fails_with_one_line_without_secrets(
    shell: Shell, arguments: list[str], env: dict[str, str | None], part: str
) -> None:
    result = shell.run("send", *arguments, stdin=b"\n", **env)
    assert_failed_with_one_line(result, part)
    assert "hunter2" not in result.stderr
    assert "first" not in result.stderr
    assert shell.gateway.requests == []


# Repetitions


def faults(gateway: ScriptedGateway) -> None:
    gateway.then_problem(503, "unavailable")
    gateway.then(502, b"<html>bad gateway</html>")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(faults, id="faults"),
        pytest.param(lambda gateway: gateway.then_reset(half_way=True), id="reset half-way"),
        pytest.param(lambda gateway: gateway.then_reset(half_way=False), id="reset"),
        pytest.param(lambda gateway: gateway.then(201, b'{"id": '), id="no JSON"),
        pytest.param(lambda gateway: gateway.then_silence(), id="silence"),
    ],
)
def test_a_failed_request_is_sent_again_with_the_same_key(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, script: Callable[[ScriptedGateway], None]
) -> None:
    monkeypatch.setattr(send, "TIMEOUT_SECONDS", 0.2)
    script(shell.gateway)
    shell.gateway.then(201, CREATED)
    started_at = time.monotonic()
    result = shell.run("send", "all", "hi")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "0190-a\n", "")
    assert time.monotonic() - started_at < 5  # and not the time-out for connecting
    assert len(shell.gateway.requests) > 1
    assert len(keys_of(shell.gateway)) == 1
    assert None not in keys_of(shell.gateway)


@pytest.mark.parametrize(
    ("status", "value", "slept"),
    [(429, "7", 8.0), (503, "7", 8.0), *((503, value, 1.0) for value in ("soon", "-5", "1e9", "", "²"))],
)
def test_retry_after_is_the_least_pause(shell: Shell, status: int, value: str, slept: float) -> None:
    shell.gateway.then(status, b"", {"Retry-After": value})
    shell.gateway.then(201, CREATED)
    assert shell.run("send", "all", "hi").exit_code == 0
    assert shell.pace.slept == [slept]


def test_retry_after_may_be_a_date(shell: Shell) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    shell.gateway.then_problem(503, "unavailable", Retry_After=format_datetime(soon, usegmt=True))
    shell.gateway.then(201, CREATED)
    shell.run("send", "all", "hi")
    assert 25 < shell.pace.slept[0] <= 31


def test_send_gives_up_after_six_tries_with_growing_pauses(shell: Shell) -> None:
    for _ in range(10):
        shell.gateway.then_problem(500, "internal", "Something broke.")
    result = shell.run("send", "all", "hi", "--idempotency-key", "k7")
    parts = ("gave up after 6 tries", "500 internal: Something broke.", "--idempotency-key 'k7'")
    assert_failed_with_one_line(result, *parts)
    assert len(shell.gateway.requests) == 6
    assert shell.pace.slept == [1.0, 2.0, 4.0, 8.0, 16.0]
    shell.gateway.stop()
    assert_failed_with_one_line(shell.run("send", "all", "hi"), "gave up after 6 tries", shell.gateway.url)
    assert len(shell.pace.slept) == 10


def test_send_gives_up_at_once_when_retry_after_is_too_long(shell: Shell) -> None:
    shell.gateway.then_problem(429, "rate-limited", Retry_After="121")
    assert_failed_with_one_line(shell.run("send", "all", "hi"), "gave up after 1 try", "429 rate-limited")
    assert shell.pace.slept == []


def test_a_gateway_that_comes_back_is_reached(shell: Shell) -> None:
    shell.gateway.then(201, CREATED)
    shell.gateway.stop()
    shell.pace.before_sleep = shell.gateway.start
    assert shell.run("send", "all", "hi").stdout == "0190-a\n"


# Answers


def problem(code: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "detail": detail, **more}


@pytest.mark.parametrize(
    ("status", "body", "part"),
    [
        (
            400,
            problem(
                "invalid-request",
                "See errors.",
                errors=[{"field": "to", "message": "is no audience"}, {"field": "type", "message": "is too long"}],
            ),
            "400 invalid-request: to: is no audience; type: is too long",
        ),
        *((403, body, "403") for body in (b"[]", b"null", b'{"errors": [1], "detail": {}}', b"\xff", b"[" * 100_000)),
        # The second message is cut in the middle of the key.
        *((401, problem("unauthorized", "x" * padding + "ng_k1_very-secret-key"), "401") for padding in (0, 350)),
        (
            403,
            problem("for\x1b[2Jbidden", "one\ntwo \x1b]0;title\x07 \x9b31m\u202eend"),
            r"one two \x1b]0;title\x07 \x9b31m\u202eend",
        ),
        (308, b"", "308"),
        *((status, body, "is a gateway") for status, body in ((200, b"<html>"), (201, b"{}"), (201, b"[]"), (204, None))),
    ],
)  # fmt: skip
def test_any_other_answer_is_printed_as_one_safe_line_and_not_retried(
    shell: Shell, status: int, body: Any, part: str
) -> None:
    elsewhere = f"{shell.gateway.url}/elsewhere"
    shell.gateway.then(status, body, {"Location": elsewhere} if status == 308 else None)
    result = shell.run("send", "all", "hi")
    assert_failed_with_one_line(result, part, elsewhere if status == 308 else "")
    assert "\x1b" not in result.stderr
    assert "ng_k1" not in result.stderr
    assert len(shell.gateway.requests) == 1


def test_an_id_can_not_control_the_terminal(shell: Shell) -> None:
    shell.gateway.then(201, {"id": "a\n\x1b[2J\ud800"})
    assert shell.run("send", "all", "hi").stdout == "a \\x1b[2J\\ud800\n"


def test_an_untrusted_certificate_is_refused(shell: Shell, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    assert shell.gateway.server is not None
    shell.gateway.server.socket = context.wrap_socket(
        shell.gateway.server.socket, server_side=True, do_handshake_on_connect=False
    )
    result = shell.run("send", "all", "hi", NOTIFYGATE_URL=shell.gateway.url.replace("http:", "https:"))
    assert_failed_with_one_line(result, "certificate", "is invalid")
    assert shell.gateway.requests == []


def test_a_gateway_without_tls_is_refused(shell: Shell) -> None:
    result = shell.run("send", "all", "hi", NOTIFYGATE_URL=shell.gateway.url.replace("http:", "https:"))
    assert_failed_with_one_line(result, "does not use TLS; expected http://")
    assert shell.pace.slept == []


def test_a_missing_key_is_named_with_the_command_that_makes_one(shell: Shell) -> None:
    result = shell.run("send", "all", "hi", NOTIFYGATE_KEY="")
    assert_failed_with_one_line(result, "NOTIFYGATE_KEY is not set; expected an API key, as 'notifygate key create'")


def test_a_server_without_http_fails_with_one_line(shell: Shell) -> None:
    for _ in range(6):
        shell.gateway.then_raw(b"-ERR unknown command: Bearer ng_k1_very-secret-key\r\n\r\n")
    assert_failed_with_one_line(shell.run("send", "all", "hi"), "gave up", "is not HTTP")


# Processes


def test_a_program_that_writes_more_than_the_limit_can_finish(shell: Shell) -> None:
    shell.gateway.then(201, CREATED)
    with shell.start("send", "all", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"x" * 1_000_000)  # far more than a pipe holds
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_sending_imports_no_framework_and_few_modules(shell: Shell) -> None:
    shell.gateway.then(201, CREATED)
    code = """
import sys
at_start = set(sys.modules)
from notifygate.cli import main
try:
    main(["send", "all", "hi"], prog_name="notifygate")
finally:
    print(*sorted(set(sys.modules) - at_start), file=sys.stderr)
"""
    done = shell.start(program=("-c", code), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    printed, imported = done.communicate(timeout=30)
    assert (done.returncode, printed) == (0, "0190-a\n")
    modules = imported.split()
    heavy = {"flask", "werkzeug", "sqlalchemy", "alembic", "gevent", "requests", "redis", "pydantic", "jwt"}
    assert heavy.isdisjoint(modules)
    parts = ("cli", "cli.durations", "cli.gateway_http", "cli.http_answer", "cli.one_line", "cli.pace", "cli.send")
    expected = [f"notifygate.{part}" for part in (*parts, "errors")]
    assert [name for name in modules if name.startswith("notifygate.")] == expected
    assert len(modules) < MOST_MODULES


def test_an_id_that_can_not_be_written_fails_with_one_line(shell: Shell) -> None:
    shell.gateway.then(201, CREATED)
    with open("/dev/full", "w") as full:
        done = shell.start("send", "all", "hi", stdout=full, stderr=subprocess.PIPE)
        _, printed = done.communicate(timeout=30)
    assert (done.returncode, printed) == (1, b"notifygate: No space left on device\n")

"""`notifygate send` against gateways and networks that fail; `test_group.py` has what all commands share."""

import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from click.testing import Result

from notifygate.cli import send
from tests.support.certificates import make_certificate
from tests.unit.cli.scripted_gateway import FakePace, ScriptedGateway

CREATED = {"id": "0190-a", "to": ["user:alice"]}

# `send` needs some 100 modules beside those that Python has loaded when it starts; the framework and
# the database would bring over 1,000 more.
MOST_MODULES = 200

Run = Callable[..., Result]


def assert_failed_with_one_line(result: Result, *parts: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("notifygate: ")
    for part in parts:
        assert part in result.stderr


def keys_of(gateway: ScriptedGateway) -> set[str | None]:
    return {request.headers["Idempotency-Key"] for request in gateway.requests}


def test_the_id_alone_is_printed(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    result = run("send", "user:alice", "Backup finished", "--priority", "low")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "0190-a\n", "")
    [request] = gateway.requests
    assert (request.method, request.path) == ("POST", "/v1/notifications")
    assert request.headers["Authorization"] == "Bearer ng_k1_very-secret-key"
    assert request.fields == {
        "to": "user:alice",
        "title": "Backup finished",
        "body": "Backup finished",
        "priority": "low",
    }


def test_every_option_becomes_its_field(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    texts = ["--title", "T", "--sender", "S", "--icon", "I", "--action-url", "/x"]
    others = ["--priority", "high", "--type", "a.b", "--ttl", "60", "--idempotency-key", "once only"]
    run("send", "topic:a/b", "text", *texts, *others)
    [request] = gateway.requests
    assert request.headers["Idempotency-Key"] == "once only"
    assert request.fields == {
        "to": "topic:a/b",
        "title": "T",
        "body": "text",
        "priority": "high",
        "type": "a.b",
        "ttl": 60,
        "sender": "S",
        "icon": "I",
        "action_url": "/x",
    }


@pytest.mark.parametrize(("ttl", "seconds"), [("1", 1), ("3600", 3600), ("2h", 7200), ("365d", 31_536_000)])
def test_ttl_is_a_duration_or_seconds(gateway: ScriptedGateway, run: Run, ttl: str, seconds: int) -> None:
    gateway.then(201, CREATED)
    run("send", "all", "hi", "--ttl", ttl)
    assert gateway.requests[0].fields["ttl"] == seconds


@pytest.mark.parametrize("ttl", ["0", "0s", "366d", "-1", "2 h", "1.5h", "9999999999999", "soon", ""])
def test_a_ttl_that_is_none_is_refused(gateway: ScriptedGateway, run: Run, ttl: str) -> None:
    assert_failed_with_one_line(run("send", "all", "hi", "--ttl", ttl), "--ttl")
    assert gateway.requests == []


def test_a_fault_of_the_gateway_is_tried_again_with_the_same_key(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then_problem(503, "unavailable")
    gateway.then(502, b"<html>bad gateway</html>")
    gateway.then(201, CREATED)
    result = run("send", "all", "hi")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "0190-a\n", "")
    assert len(gateway.requests) == 3
    assert len(keys_of(gateway)) == 1
    assert None not in keys_of(gateway)


@pytest.mark.parametrize("half_way", [True, False])
def test_a_reset_connection_is_tried_again_with_the_same_key(
    gateway: ScriptedGateway, run: Run, half_way: bool
) -> None:
    gateway.then_reset(half_way=half_way)
    gateway.then(201, CREATED)
    assert run("send", "all", "hi").stdout == "0190-a\n"
    assert len(gateway.requests) == 2
    assert len(keys_of(gateway)) == 1


def test_a_created_answer_that_is_no_json_is_tried_again(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, b'{"id": ')
    gateway.then(201, CREATED)
    assert run("send", "all", "hi").stdout == "0190-a\n"
    assert len(keys_of(gateway)) == 1


def test_a_silent_gateway_is_tried_again_with_the_same_key(
    gateway: ScriptedGateway, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "TIMEOUT_SECONDS", 0.2)
    gateway.then_silence()
    gateway.then(201, CREATED)
    started_at = time.monotonic()
    assert run("send", "all", "hi").stdout == "0190-a\n"
    assert time.monotonic() - started_at < 5  # and not the time-out for connecting
    assert len(gateway.requests) == 2
    assert len(keys_of(gateway)) == 1


def test_runs_have_keys_of_their_own(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    gateway.then(201, CREATED)
    run("send", "all", "hi")
    run("send", "all", "hi")
    assert len(keys_of(gateway)) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_the_least_pause(gateway: ScriptedGateway, run: Run, pace: FakePace, status: int) -> None:
    gateway.then_problem(status, "rate-limited", Retry_After="7")
    gateway.then(201, CREATED)
    assert run("send", "all", "hi").exit_code == 0
    assert pace.slept == [7.0 + 1.0]


def test_retry_after_may_be_a_date(gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    gateway.then_problem(503, "unavailable", Retry_After=format_datetime(soon, usegmt=True))
    gateway.then(201, CREATED)
    run("send", "all", "hi")
    assert 25 < pace.slept[0] <= 31


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "", "²"])
def test_a_retry_after_without_sense_is_none(gateway: ScriptedGateway, run: Run, pace: FakePace, value: str) -> None:
    gateway.then(503, b"", {"Retry-After": value})
    gateway.then(201, CREATED)
    run("send", "all", "hi")
    assert pace.slept == [1.0]


def test_it_gives_up_after_six_tries_with_growing_pauses(gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
    for _ in range(10):
        gateway.then_problem(500, "internal", "Something broke.")
    result = run("send", "all", "hi", "--idempotency-key", "k7")
    assert_failed_with_one_line(
        result, "gave up after 6 tries", "500 internal: Something broke.", "--idempotency-key 'k7'"
    )
    assert len(gateway.requests) == 6
    assert pace.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_it_gives_up_at_once_when_the_wait_asked_for_is_too_long(
    gateway: ScriptedGateway, run: Run, pace: FakePace
) -> None:
    gateway.then_problem(429, "rate-limited", Retry_After="121")
    assert_failed_with_one_line(run("send", "all", "hi"), "gave up after 1 try", "429 rate-limited")
    assert pace.slept == []


def test_an_absent_gateway_is_one_line(gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
    gateway.stop()
    assert_failed_with_one_line(run("send", "all", "hi"), "gave up after 6 tries", gateway.url)
    assert len(pace.slept) == 5


def test_a_gateway_that_comes_back_is_reached(gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
    gateway.then(201, CREATED)
    gateway.stop()
    pace.before_sleep = gateway.start
    assert run("send", "all", "hi").stdout == "0190-a\n"


def test_a_refusal_is_not_tried_again_and_names_the_fields(gateway: ScriptedGateway, run: Run) -> None:
    errors = [{"field": "to", "message": "is no audience"}, {"field": "type", "message": "is too long"}]
    gateway.then(400, {"code": "invalid-request", "detail": "See errors.", "errors": errors})
    result = run("send", "alice", "hi")
    assert_failed_with_one_line(result, "400 invalid-request: to: is no audience; type: is too long")
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"errors": [1], "detail": {}}', b"\xff", b"[" * 100_000])
def test_a_refusal_of_any_shape_is_one_line(gateway: ScriptedGateway, run: Run, body: bytes) -> None:
    gateway.then(403, body)
    assert_failed_with_one_line(run("send", "all", "hi"), "403")


@pytest.mark.parametrize("padding", [0, 350])
def test_a_problem_that_quotes_the_key_is_printed_without_it(gateway: ScriptedGateway, run: Run, padding: int) -> None:
    """With the padding the message is cut in the middle of the key."""
    gateway.then_problem(401, "unauthorized", "x" * padding + "ng_k1_very-secret-key")
    result = run("send", "all", "hi")
    assert_failed_with_one_line(result, "401")
    assert "ng_k1" not in result.stderr


def test_a_problem_can_not_drive_the_terminal(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then_problem(403, "for\x1b[2Jbidden", "one\ntwo \x1b]0;title\x07 \x9b31m\u202eend")
    result = run("send", "all", "hi")
    assert_failed_with_one_line(result, r"one two \x1b]0;title\x07 \x9b31m\u202eend")
    assert "\x1b" not in result.stderr


def test_an_id_can_not_drive_the_terminal(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, {"id": "a\n\x1b[2J\ud800"})
    assert run("send", "all", "hi").stdout == "a \\x1b[2J\\ud800\n"


def test_a_redirect_is_not_followed(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(308, b"", {"Location": f"{gateway.url}/elsewhere"})
    assert_failed_with_one_line(run("send", "all", "hi"), "308", f"{gateway.url}/elsewhere")
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (201, b"{}"), (201, b"[]"), (204, None)])
def test_an_answer_that_is_no_gateways_is_an_error(
    gateway: ScriptedGateway, run: Run, status: int, body: bytes | None
) -> None:
    gateway.then(status, body)
    assert_failed_with_one_line(run("send", "all", "hi"), "is a gateway")


def test_text_comes_from_stdin(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    run("send", "all", "-", stdin="\n  Grüße \nzweite Zeile\n\n".encode())
    assert gateway.requests[0].fields == {
        "to": "all",
        "title": "Grüße",
        "body": "\n  Grüße \nzweite Zeile",
    }


def test_bytes_that_are_no_text_become_replacement_characters(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    run("send", "all", "-", stdin=b"a\xffb\0c")
    assert gateway.requests[0].fields["body"] == "a\ufffdb\ufffdc"


@pytest.mark.parametrize("character", ["x", "ä", "\U0001f514"])
def test_long_text_is_cut_visibly(gateway: ScriptedGateway, run: Run, character: str) -> None:
    gateway.then(201, CREATED)
    gateway.then(201, CREATED)
    run("send", "all", "-", stdin=character.encode() * 300_000)
    run("send", "all", "-", stdin=character.encode() * 4000)
    assert gateway.requests[0].fields["body"] == character * 3999 + "…"
    assert gateway.requests[0].fields["title"] == character * 200
    assert gateway.requests[1].fields["body"] == character * 4000


def test_a_program_that_writes_more_than_is_sent_can_finish(
    gateway: ScriptedGateway, process_environment: dict[str, str]
) -> None:
    gateway.then(201, CREATED)
    command = [sys.executable, "-m", "notifygate.cli", "send", "all", "-"]
    with subprocess.Popen(command, env=process_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"x" * 1_000_000)  # far more than a pipe holds
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("arguments", [[], [""], [" \n"], ["-"]])
def test_nothing_to_send_is_an_error(gateway: ScriptedGateway, run: Run, arguments: list[str]) -> None:
    assert_failed_with_one_line(run("send", "all", *arguments, stdin=b"\n"), "the notification is empty")
    assert gateway.requests == []


def test_a_title_is_enough(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    run("send", "all", "--title", "Backup")
    assert gateway.requests[0].fields == {"to": "all", "title": "Backup", "body": ""}


@pytest.mark.parametrize("key", ["", " k", "k ", "k\n", "ä", "k" * 129])
def test_an_idempotency_key_that_is_no_header_is_refused(gateway: ScriptedGateway, run: Run, key: str) -> None:
    result = run("send", "all", "hi", "--idempotency-key", key)
    assert_failed_with_one_line(result, "--idempotency-key")
    assert gateway.requests == []


def test_a_missing_key_is_one_line(run: Run) -> None:
    assert_failed_with_one_line(run("send", "all", "hi", NOTIFYGATE_KEY=None), "NOTIFYGATE_KEY is not set")


def test_a_key_that_is_no_header_is_not_shown(run: Run) -> None:
    result = run("send", "all", "hi", NOTIFYGATE_KEY="ng_k1_first\nng_k2_second")
    assert_failed_with_one_line(result, "NOTIFYGATE_KEY")
    assert "first" not in result.stderr
    assert "second" not in result.stderr


def test_the_url_may_have_a_path(gateway: ScriptedGateway, run: Run) -> None:
    gateway.then(201, CREATED)
    run("send", "all", "hi", NOTIFYGATE_URL=f"{gateway.url}/behind/a/proxy/")
    assert gateway.requests[0].path == "/behind/a/proxy/v1/notifications"


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080",
        "ftp://host",
        "http://",
        "http://host:port",
        "http://host:99999",
        "http://user:hunter2@host",
        "http://host/?key=hunter2",
        "http://host/#hunter2",
        "http://host/a b",
        "http://höst",
        "http://a..b",
        "http://[::1",
        "http://" + "a" * 64,
    ],
)
def test_a_url_that_can_not_be_used_is_one_line_without_the_url(run: Run, url: str) -> None:
    result = run("send", "all", "hi", NOTIFYGATE_URL=url)
    assert_failed_with_one_line(result, "NOTIFYGATE_URL")
    assert "hunter2" not in result.stderr


def test_an_untrusted_certificate_is_refused(gateway: ScriptedGateway, run: Run, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    assert gateway.server is not None
    gateway.server.socket = context.wrap_socket(gateway.server.socket, server_side=True, do_handshake_on_connect=False)
    result = run("send", "all", "hi", NOTIFYGATE_URL=gateway.url.replace("http:", "https:"))
    assert_failed_with_one_line(result, "certificate", "is invalid")
    assert gateway.requests == []


def test_a_server_that_speaks_no_http_is_one_line(gateway: ScriptedGateway, run: Run) -> None:
    for _ in range(6):
        gateway.then_raw(b"-ERR unknown command: Bearer ng_k1_very-secret-key\r\n\r\n")
    assert_failed_with_one_line(run("send", "all", "hi"), "gave up", "is not HTTP")


def test_sending_imports_no_framework_and_few_modules(
    gateway: ScriptedGateway, process_environment: dict[str, str]
) -> None:
    gateway.then(201, CREATED)
    code = """
import sys
at_start = set(sys.modules)
from notifygate.cli import main
try:
    main(["send", "all", "hi"], prog_name="notifygate")
finally:
    print(*sorted(set(sys.modules) - at_start), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=process_environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0190-a\n"
    modules = done.stderr.split()
    heavy = {"flask", "werkzeug", "sqlalchemy", "alembic", "gevent", "requests", "redis", "pydantic", "jwt"}
    assert heavy.isdisjoint(modules)
    assert [name for name in modules if name.startswith("notifygate.")] == [
        "notifygate.cli",
        "notifygate.cli.durations",
        "notifygate.cli.gateway_http",
        "notifygate.cli.http_answer",
        "notifygate.cli.one_line",
        "notifygate.cli.pace",
        "notifygate.cli.send",
        "notifygate.errors",
    ]
    assert len(modules) < MOST_MODULES


def test_an_id_that_can_not_be_written_is_one_line(
    gateway: ScriptedGateway, process_environment: dict[str, str]
) -> None:
    gateway.then(201, CREATED)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "notifygate.cli", "send", "all", "hi"],
            env=process_environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "notifygate: No space left on device\n"

"""Log lines of requests: JSON, with all necessary fields, and never a secret or a notification's text."""

import json
import re
import socket
import time
from collections.abc import Iterator

import gevent
import pytest

from tests.support.raw_http import RawAnswer, RawConnection, poll_text
from tests.support.redis_server import RedisServer
from tests.support.site import MakeSite, Publisher, Recipient, Site, json_lines
from tests.support.waiting import all_done, eventually

pytestmark = pytest.mark.parametrize("site", ["sqlite"], indirect=True)

TITLE = "Xylophone-title-7319"
BODY = "Xylophone-body-8842"
DATA = "Xylophone-data-5507"
URL = "https://xylophone-url-3361.example/"


@pytest.fixture
def publisher(site: Site) -> Publisher:
    return site.publisher()


@pytest.fixture
def alice(site: Site) -> Recipient:
    recipient = site.recipient()
    recipient.cursor()
    return recipient


@pytest.fixture
def printed(site: Site, publisher: Publisher, alice: Recipient) -> Iterator[list[str]]:
    """Check at the end that nothing secret was printed meanwhile; a test may add what else is secret."""
    before = len(site.gateways[0].output)
    secrets = [publisher.key, publisher.key.split("_", 2)[2], alice.token, alice.token.rsplit(".", 1)[1]]
    secrets += [TITLE, BODY, DATA, URL]
    yield secrets
    output = site.gateways[0].output[before:]
    for secret in secrets:
        assert secret not in output, f"{secret[:12]}… was printed"
    assert "Traceback" not in output


def publish(publisher: Publisher, to: str, **fields: object) -> str:
    return publisher.publish(to, TITLE, body=BODY, data={"secret": DATA}, action_url=URL, **fields)


def test_each_request_is_a_line_with_all_that_is_asked_of_it(
    site: Site, publisher: Publisher, alice: Recipient, printed: list[str]
) -> None:
    cursor = alice.cursor()
    poll = gevent.spawn(alice.poll, cursor, wait=50, headers={"X-Request-Id": f"held-{alice.name}"})
    site.await_holds(1)
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 0.3, "some time has passed")
    publish(publisher, f"user:{alice.name}")
    all_done([poll])
    (line,) = eventually(lambda: site.access_lines(request_id=f"held-{alice.name}"), "the line of the poll")
    assert set(line) == {
        "time", "level", "logger", "message", "request_id", "principal", "method", "route", "status",
        "duration_seconds", "held_seconds",
    }  # fmt: skip
    assert (line["principal"], line["method"], line["route"]) == (f"user:{alice.name}", "GET", "/v1/inbox")
    assert line["status"] == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert 0.3 <= line["held_seconds"] <= line["duration_seconds"] + 0.001
    (line,) = site.access_lines(route="/v1/notifications", principal=f"key:{publisher.key.split('_')[1]}")
    assert (line["method"], line["status"], line["held_seconds"]) == ("POST", 201, 0.0)


def test_id_of_an_answer_is_found_in_the_log(site: Site, alice: Recipient, printed: list[str]) -> None:
    answer = alice.poll(path="/v1/nothing")
    assert answer.status_code == 404
    request_id = answer.headers["X-Request-Id"]
    assert answer.json()["request_id"] == request_id
    (line,) = eventually(lambda: site.access_lines(request_id=request_id), "the line of the request")
    assert (line["route"], line["status"]) == ("unknown", 404)


def test_log_line_can_not_be_forged(site: Site, alice: Recipient, printed: list[str]) -> None:
    evil = 'x", "status": 200}\t{"logger": "forged'
    alice.poll(headers={"X-Request-Id": evil})
    alice.poll(path='/v1/inbox"\\%0a{"logger":"forged"}')
    forger = site.recipient('a"}{"logger": "forged"} \u202e\u2028')
    forger.poll()
    (line,) = eventually(lambda: site.access_lines(principal=f"user:{forger.name}"), "the line of an odd name")
    assert line["status"] == 200
    assert not [line for line in json_lines(site.gateways[0].output) if line["logger"] == "forged"]
    assert not [line for line in site.access_lines() if line["request_id"] == evil]
    assert all(character.isascii() for character in site.gateways[0].output)


def test_errors_that_callers_can_force_print_nothing_secret(
    site: Site, publisher: Publisher, alice: Recipient, printed: list[str]
) -> None:
    notification_id = publish(publisher, f"user:{alice.name}")
    session, url = publisher.session, site.url
    bodies = [
        {"to": "nobody", "title": TITLE, "body": BODY},
        {"to": "all", "title": TITLE, BODY: DATA},
        {"to": "all", "title": TITLE * 20, "body": BODY},
        {"to": "all", "title": TITLE, "data": DATA},
        {"to": "all", "title": TITLE, "action_url": f"javascript:{DATA}"},
        [TITLE],
    ]
    answers = [session.post(f"{url}/v1/notifications", json=body, timeout=60) for body in bodies]
    json_type = {"Content-Type": "application/json"}
    for raw in (f'{{"title": "{TITLE}"', f'{{"to": "all", "title": "{TITLE}\ud800"}}'.encode("utf-8", "surrogatepass")):
        answers.append(session.post(f"{url}/v1/notifications", data=raw, headers=json_type, timeout=60))
    answers.append(session.post(f"{url}/v1/notify/user:{BODY}%00?title={TITLE}&{DATA}=1", data=BODY, timeout=60))
    once = {"Idempotency-Key": f"once {alice.name}"}
    for body in (BODY, BODY + "!"):
        answers.append(session.post(f"{url}/v1/notify/all?title={TITLE}", data=body, headers=once, timeout=60))
    answers.append(session.post(f"{url}/v1/notify/all", data=BODY.encode() + b"\xff", timeout=60))
    answers.append(session.get(f"{url}/v1/inbox", timeout=60))
    answers.append(alice.session.post(f"{url}/v1/notifications", json={"to": "all", "title": TITLE}, timeout=60))
    answers.append(alice.session.post(f"{url}/v1/inbox/state", json={"op": TITLE, "ids": [DATA]}, timeout=60))
    answers.append(alice.poll(TITLE))
    answers.append(session.delete(f"{url}/v1/notifications/{notification_id}", timeout=60))
    for credential in (publisher.key + "x", alice.token + "x", alice.token[:-9], publisher.key.upper()):
        printed.append(credential)
        headers = {"Authorization": f"Bearer {credential}"}
        answers.append(alice.poll(headers=headers))
    statuses = sorted({answer.status_code for answer in answers})
    assert statuses == [201, 204, 400, 401, 403, 422]
    for answer in answers:
        if answer.status_code >= 400:
            assert "Error" not in answer.text.replace('"Internal Error"', "")
            assert publisher.key not in answer.text


REFUSED_BY_THE_SERVER = {
    "a header without its colon": "GET /v1/inbox HTTP/1.1\r\nHost: gateway\r\nAuthorization Bearer {secret}\r\n\r\n",
    "a space before the colon": "GET /v1/inbox HTTP/1.1\r\nHost: gateway\r\nAuthorization : Bearer {secret}\r\n\r\n",
    "a folded header": "GET /v1/inbox HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer\r\n {secret}\r\n\r\n",
    "a control character": "GET /v1/inbox HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {secret}\x01\r\n\r\n",
    "an expectation": "POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nExpect: {secret}\r\n\r\n",
    "a transfer coding": "POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: {secret}\r\n\r\n",
    "an odd version": "GET /v1/inbox HTTP/1.1 {secret}\r\nHost: gateway\r\n\r\n",
    "an odd method": "{secret} /v1/inbox HTTP/1.1\r\nHost: gateway\r\n\r\n",
    "a long line": "GET /v1/inbox?_={secret}{filler} HTTP/1.1\r\nHost: gateway\r\n\r\n",
    "a long header": "GET /v1/inbox HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {secret}{filler}\r\n\r\n",
    "no HTTP": "hello {secret}\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED_BY_THE_SERVER)
def test_what_is_no_http_is_a_problem_too_and_is_logged_without_its_text(
    site: Site, alice: Recipient, printed: list[str], name: str
) -> None:
    for secret in (alice.token[:80], site.publisher().key):
        printed.append(secret)
        with RawConnection(site.url) as connection:
            connection.send(REFUSED_BY_THE_SERVER[name].format(secret=secret, filler="x" * 20_000))
            answer = connection.receive()
            assert connection.is_closed()
        check_problem(answer)
        assert secret.encode() not in answer.body


def check_problem(answer: RawAnswer) -> None:
    assert 400 <= answer.status < 500 or answer.status == 501
    assert answer.headers["content-type"] == "application/problem+json"
    document = json.loads(answer.body)
    assert document["status"] == answer.status
    assert document["type"] == f"/problems/{document['code']}"


def test_broken_chunks_are_the_callers_fault(site: Site, publisher: Publisher, printed: list[str]) -> None:
    errors = site.gateways[0].output.count('"level": "error"')
    for path in ("/v1/notifications", "/v1/notify/all"):
        with RawConnection(site.url) as connection:
            connection.send(
                f"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
                f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{BODY}\r\n0\r\n\r\n"
            )
            answer = connection.receive()
            assert answer.status == 400
            check_problem(answer)
            assert answer.headers["connection"] == "close"
            assert connection.is_closed()
    assert site.gateways[0].output.count('"level": "error"') == errors


def test_body_in_chunks_has_the_same_limit_as_any_other(site: Site, publisher: Publisher) -> None:
    def send(connection: RawConnection, size: int) -> RawAnswer:
        connection.send(
            f"POST /v1/notify/all?title=x HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{'x' * size}\r\n0\r\n\r\n"
        )
        return connection.receive()

    with RawConnection(site.url) as connection:
        assert send(connection, 64 * 1024).status == 201
        assert send(connection, 64 * 1024).status == 201, "the connection is in step"
        answer = send(connection, 64 * 1024 + 1)
        assert answer.status == 413
        check_problem(answer)
        assert answer.headers["connection"] == "close"
        assert connection.is_closed()


def test_body_that_ends_too_early_is_the_callers_fault(site: Site, publisher: Publisher, printed: list[str]) -> None:
    errors = site.gateways[0].output.count('"level": "error"')
    with RawConnection(site.url) as connection:
        connection.send(
            f"POST /v1/notifications HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {publisher.key}\r\n"
            f'X-Request-Id: cut-short\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{{"to": "all"'
        )
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.receive().status == 400
    (line,) = eventually(lambda: site.access_lines(request_id="cut-short"), "the line of the request")
    assert line["status"] == 400
    assert site.gateways[0].output.count('"level": "error"') == errors


def test_text_format_prints_nothing_secret_either(site: Site, make_site: MakeSite) -> None:
    plain = make_site(LOG_FORMAT="text")
    publisher, alice = plain.publisher(), plain.recipient()
    alice.cursor()
    publish(publisher, f"user:{alice.name}")
    alice.poll()
    publisher.post("nobody", TITLE)
    output = plain.gateways[0].output
    assert f"principal=user:{alice.name} method=GET route=/v1/inbox status=200" in output
    for secret in (publisher.key.split("_", 2)[2], alice.token, TITLE, BODY, DATA):
        assert secret not in output


def test_lines_for_debugging_hold_nothing_secret_either(
    site: Site, make_site: MakeSite, redis_server: RedisServer
) -> None:
    """See tests/unit/test_log_lines.py for those of libraries."""
    nodes = make_site(gateways=2, LOG_LEVEL="debug", REDIS_URL=redis_server.url)
    publisher, alice = nodes.publisher(), nodes.recipient(at=1)
    with nodes.held([alice]) as polls:
        publish(publisher, f"user:{alice.name}")
        all_done(polls)
    publisher.post("nobody", TITLE)
    output = "".join(gateway.output for gateway in nodes.gateways)
    assert '"level": "debug"' in output
    for secret in (publisher.key.split("_", 2)[2], alice.token, TITLE, BODY, DATA, URL):
        assert secret not in output, f"{secret[:12]}… was printed"


def test_poll_of_an_http_client_that_sends_odd_bytes_is_a_line_as_any_other(
    site: Site, alice: Recipient, printed: list[str]
) -> None:
    with RawConnection(site.url) as connection:
        connection.send(poll_text(alice, None, headers="X-Request-Id: \xff\xfe\r\nPrefer: wait=\xe9\r\n"))
        assert connection.receive().status == 400

"""Log lines of requests: JSON, with all necessary fields, and never a secret or a notification's text."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
import requests

from tests.support.raw_http import RawAnswer, RawConnection, poll_text, post_text
from tests.support.redis_server import RedisServer
from tests.support.site import MakeSite, Publisher, Recipient, Site, json_lines
from tests.support.waiting import all_done, eventually, stays

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
    (recipient,) = site.recipients(1)
    return recipient


@pytest.fixture
def printed(site: Site, publisher: Publisher, alice: Recipient) -> Iterator[list[str]]:
    """Check at the end that no secret was printed meanwhile; a test may add further secrets."""
    before = len(site.gateways[0].output)
    more: list[str] = []
    yield more
    check_output(site.gateways[0].output[before:], publisher, alice, *more)


def check_output(output: str, publisher: Publisher, recipient: Recipient, *more: str) -> None:
    """Fail if an output contains a secret."""
    credentials = [publisher.key, publisher.key.split("_", 2)[2], recipient.token, recipient.token.rsplit(".", 1)[1]]
    for secret in (*credentials, TITLE, BODY, DATA, URL, *more):
        assert secret not in output, f"{secret[:12]}… was printed"
    assert "Traceback" not in output


def publish(publisher: Publisher, to: str, **fields: object) -> str:
    return publisher.publish(to, TITLE, body=BODY, data={"secret": DATA}, action_url=URL, **fields)


def test_each_request_is_logged_in_a_line_with_all_fields(
    site: Site, publisher: Publisher, alice: Recipient, printed: list[str]
) -> None:
    poll = gevent.spawn(alice.poll, alice.cursor(), wait=50, headers={"X-Request-Id": f"held-{alice.name}"})
    site.await_holds(1)
    stays(lambda: not poll.ready(), "it is held", seconds=0.3)
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


def test_request_id_of_an_answer_is_in_the_log(site: Site, alice: Recipient, printed: list[str]) -> None:
    answer = alice.poll(path="/v1/nothing")
    assert answer.status_code == 404
    request_id = answer.headers["X-Request-Id"]
    assert answer.json()["request_id"] == request_id
    (line,) = eventually(lambda: site.access_lines(request_id=request_id), "the line of the request")
    assert (line["route"], line["status"]) == ("unknown", 404)


def test_client_that_left_is_logged_with_status_499_and_no_error(
    site: Site, publisher: Publisher, alice: Recipient, printed: list[str]
) -> None:
    with RawConnection(site.url) as connection:
        connection.send(poll_text(alice, alice.cursor(), wait=50, headers="X-Request-Id: has-gone\r\n"))
        site.await_holds(1)
    (line,) = eventually(lambda: site.access_lines(request_id="has-gone"), "a line in the log")
    assert line["status"] == 499
    assert '"level": "error"' not in site.gateways[0].output
    # The client's next poll returns its notifications.
    notification_id = publisher.publish(f"user:{alice.name}")
    assert [item["id"] for item in alice.inbox()["notifications"]] == [notification_id]


def test_log_line_can_not_be_forged(site: Site, alice: Recipient, printed: list[str]) -> None:
    evil = 'x", "status": 200}\t{"logger": "forged'
    alice.poll(headers={"X-Request-Id": evil})
    alice.poll(path='/v1/inbox"\\%0a{"logger":"forged"}')
    with RawConnection(site.url) as connection:
        connection.send(poll_text(alice, None, headers="X-Request-Id: \xff\xfe\r\nPrefer: wait=\xe9\r\n"))
        assert connection.receive().status == 400
    forger = site.recipient('a"}{"logger": "forged"} \u202e\u2028')
    forger.poll()
    (line,) = eventually(lambda: site.access_lines(principal=f"user:{forger.name}"), "the line of an odd name")
    assert line["status"] == 200
    assert not [line for line in json_lines(site.gateways[0].output) if line["logger"] == "forged"]
    assert not [line for line in site.access_lines() if line["request_id"] == evil]
    assert site.gateways[0].output.isascii()


def test_errors_that_clients_can_cause_print_no_secret(
    site: Site, publisher: Publisher, alice: Recipient, printed: list[str]
) -> None:
    notification_id = publish(publisher, f"user:{alice.name}")

    def send(method: str, path: str, by: Publisher | Recipient = publisher, **options: Any) -> requests.Response:
        return by.session.request(method, f"{site.url}/v1/{path}", timeout=60, **options)

    bodies = [
        {"to": "nobody", "title": TITLE, "body": BODY},
        {"to": "all", "title": TITLE, BODY: DATA},
        {"to": "all", "title": TITLE * 20, "body": BODY},
        {"to": "all", "title": TITLE, "data": DATA},
        {"to": "all", "title": TITLE, "action_url": f"javascript:{DATA}"},
        [TITLE],
    ]
    answers = [send("POST", "notifications", json=body) for body in bodies]
    json_type = {"Content-Type": "application/json"}
    for raw in (f'{{"title": "{TITLE}"', f'{{"to": "all", "title": "{TITLE}\ud800"}}'.encode("utf-8", "surrogatepass")):
        answers.append(send("POST", "notifications", data=raw, headers=json_type))
    once = {"Idempotency-Key": f"once {alice.name}"}
    credentials = [publisher.key + "x", alice.token + "x", alice.token[:-9], publisher.key.upper()]
    printed += credentials
    answers += [
        send("POST", f"notify/user:{BODY}%00?title={TITLE}&{DATA}=1", data=BODY),
        *(send("POST", f"notify/all?title={TITLE}", data=body, headers=once) for body in (BODY, BODY + "!")),
        send("POST", "notify/all", data=BODY.encode() + b"\xff"),
        send("GET", "inbox"),
        send("POST", "notifications", alice, json={"to": "all", "title": TITLE}),
        send("POST", "inbox/state", alice, json={"op": TITLE, "ids": [DATA]}),
        alice.poll(TITLE),
        send("DELETE", f"notifications/{notification_id}"),
        *(alice.poll(headers={"Authorization": f"Bearer {credential}"}) for credential in credentials),
    ]
    assert {answer.status_code for answer in answers} == {201, 204, 400, 401, 403, 422}
    for answer in answers:
        if answer.status_code >= 400:
            assert "Error" not in answer.text.replace('"Internal Error"', "")
            assert publisher.key not in answer.text


GET, POST = (f"{line} HTTP/1.1\r\nHost: gateway\r\n" for line in ("GET /v1/inbox", "POST /v1/notifications"))
END = "\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
BAD_REQUESTS = {
    "a header without its colon": GET + "Authorization Bearer {secret}" + END,
    "a space before the colon": GET + "Authorization : Bearer {secret}" + END,
    "a folded header": GET + "Authorization: Bearer\r\n {secret}" + END,
    "a control character": GET + "Authorization: Bearer {secret}\x01" + END,
    "an expectation": POST + "Expect: {secret}" + END,
    "a transfer coding": POST + "Transfer-Encoding: {secret}" + END,
    "an odd version": "GET /v1/inbox HTTP/1.1 {secret}\r\nHost: gateway" + END,
    "an odd method": "{secret} /v1/inbox HTTP/1.1\r\nHost: gateway" + END,
    "a long line": "GET /v1/inbox?_={secret}{filler} HTTP/1.1\r\nHost: gateway" + END,
    "a long header": GET + "Authorization: Bearer {secret}{filler}" + END,
    "no HTTP": "hello {secret}" + END,
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_request_that_is_not_http_gets_a_problem_and_is_logged_without_its_text(
    site: Site, alice: Recipient, printed: list[str], name: str
) -> None:
    for secret in (alice.token[:80], site.publisher().key):
        printed.append(secret)
        with RawConnection(site.url) as connection:
            connection.send(BAD_REQUESTS[name].format(secret=secret, filler="x" * 20_000))
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


@pytest.mark.parametrize("path", ["/v1/notifications", "/v1/notify/all"])
def test_broken_chunks_are_an_error_of_the_client(
    site: Site, publisher: Publisher, printed: list[str], path: str
) -> None:
    errors = site.gateways[0].output.count('"level": "error"')
    with RawConnection(site.url) as connection:
        connection.send(post_text(publisher, CHUNKED, f"xyz\r\n{BODY}\r\n0\r\n\r\n", path))
        answer = connection.receive()
        assert answer.status == 400
        check_problem(answer)
        assert answer.headers["connection"] == "close"
        assert connection.is_closed()
    assert site.gateways[0].output.count('"level": "error"') == errors


def test_body_in_chunks_has_the_same_limit_as_any_other(site: Site, publisher: Publisher) -> None:
    def send(connection: RawConnection, size: int) -> RawAnswer:
        body = f"{size:x}\r\n{'x' * size}\r\n0\r\n\r\n"
        connection.send(post_text(publisher, CHUNKED, body, "/v1/notify/all?title=x"))
        return connection.receive()

    with RawConnection(site.url) as connection:
        assert send(connection, 64 * 1024).status == 201
        assert send(connection, 64 * 1024).status == 201, "the connection is in step"
        answer = send(connection, 64 * 1024 + 1)
        assert answer.status == 413
        check_problem(answer)
        assert answer.headers["connection"] == "close"
        assert connection.is_closed()


def test_body_that_ends_too_early_is_an_error_of_the_client(
    site: Site, publisher: Publisher, printed: list[str]
) -> None:
    errors = site.gateways[0].output.count('"level": "error"')
    with RawConnection(site.url) as connection:
        connection.send(post_text(publisher, "X-Request-Id: cut-short\r\nContent-Length: 900", '{"to": "all"'))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.receive().status == 400
    (line,) = eventually(lambda: site.access_lines(request_id="cut-short"), "the line of the request")
    assert line["status"] == 400
    assert site.gateways[0].output.count('"level": "error"') == errors


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_debug_lines_contain_no_secret_either(
    site: Site, make_site: MakeSite, redis_server: RedisServer, log_format: str
) -> None:
    """See tests/unit/test_log_lines.py for those of libraries."""
    nodes = make_site(gateways=2, LOG_LEVEL="debug", LOG_FORMAT=log_format, REDIS_URL=redis_server.url)
    publisher, alice = nodes.publisher(), nodes.recipient(at=1)
    with nodes.held([alice]) as polls:
        publish(publisher, f"user:{alice.name}")
        all_done(polls)
    publisher.post("nobody", TITLE)
    output = "".join(gateway.output for gateway in nodes.gateways)
    text = f"principal=user:{alice.name} method=GET route=/v1/inbox status=200"
    assert ('"level": "debug"' if log_format == "json" else text) in output
    check_output(output, publisher, alice)

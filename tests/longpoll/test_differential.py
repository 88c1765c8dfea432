"""The worker that waits without greenlets treats connections as gunicorn's own gevent worker does.

Two gateways on one database differ in NOTIFYGATE_DETACHED alone. Each sequence of the corpus runs on both over bare
sockets; the results must be the same: statuses, header fields, bodies, the number of responses, and whether the
connection stays open.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import gevent
import pytest
from gevent.pool import Pool

from tests.longpoll.corpus import CORPUS, LONG_HOLD, POLL
from tests.longpoll.pair import DETACHED, PLAIN, Pair, without
from tests.support.comparison import differences
from tests.support.exchange import LAST_WORD, Act, Exchange, RawClient, Step, exchange, read_answers, tick
from tests.support.request_bytes import HELD, MATCHING, NOW, UNREAD, request
from tests.support.waiting import eventually

AT_ONCE = 40
"""Cases under way at one time; many of them only wait for the end of a hold."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both gateways, running."""
    running = Pair(f"sqlite:///{tmp_path_factory.mktemp('pair')}/notifygate.db")
    try:
        running.start()
        yield running
        for gateway in running.site.gateways:
            assert '"level": "error"' not in gateway.output
            assert "Traceback" not in gateway.output
    finally:
        running.site.close()


@pytest.fixture(scope="module")
def exchanges(request: pytest.FixtureRequest, pair: Pair) -> dict[str, gevent.Greenlet]:
    """The cases of the selected tests, started together: waiting for one hold is waiting for all.

    Those that publish come last, so that the head doesn't change while a case runs on the two gateways.
    """
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    selected = {item.callspec.params.get("case") for item in items}
    pool = Pool(AT_ONCE)
    greenlets = {name: gevent.Greenlet(pair.both, steps) for name, steps in CORPUS.items() if name in selected}

    def start() -> None:
        for publish in (False, True):
            for name, greenlet in greenlets.items():
                if publishes(name) is publish:
                    pool.start(greenlet)
            pool.join()

    gevent.spawn(start)
    return greenlets


def publishes(case: str) -> bool:
    """Return whether a case appends to the log."""
    return case.startswith("publication")


def assert_same(one: Exchange, other: Exchange, *, with_opaque: bool = False) -> None:
    """Fail with every difference between the answers of the plain gateway (-) and of the other one (+)."""
    lines = differences(one, other, with_opaque=with_opaque)
    assert not lines, "plain (-) and detached (+) differ:\n" + "\n".join(line[:600] for line in lines)


@pytest.mark.parametrize("case", CORPUS)
def test_both_workers_answer_the_same(exchanges: dict[str, gevent.Greenlet], case: str) -> None:
    assert_same(*exchanges[case].get(timeout=100), with_opaque=publishes(case))


def test_corpus_gets_the_expected_statuses(pair: Pair) -> None:
    expected = {
        "hold: sending side is closed while held": [499],
        "pipeline: unknown parameter between good": [200, 400, 200, 200],
        "body: a request as the body": [304, 200],
        "body: coding unknown": [400],
        "body: chunked, with a bad size": [304],
        "body: not read, then a poll": [401, 304, 200],
        "body: chunked and not read, then a poll": [401, 304, 200],
        "connection: no Host": [400],
        "connection: no Host, HTTP/1.0": [304],
        "connection: no Host after a poll": [304, 400],
        "connection: no Host, and a body": [400],
        "connection: two Hosts": [400],
        "connection: an invalid Host": [400],
        "connection: an invalid Host, HTTP/1.0": [400],
        "connection: an empty Host": [304, 200],
        "connection: a target longer than what is read at once": [414],
        "connection: half-close after half a head": [],
        "publication: and a poll in one segment": [201, 200, 200],
    }
    for case, statuses in expected.items():
        for answered in pair.both(CORPUS[case]):
            answers, rest = read_answers(answered.received)
            assert ([answer.status for answer in answers], rest, answered.stayed_open) == (statuses, b"", False), case
            assert all(answer.values("Server") == ["notifygate"] for answer in answers), "without its version"
            assert all(len(answer.values("Date")) == 1 for answer in answers)


@pytest.mark.parametrize("poll", [POLL, request(), request(UNREAD, MATCHING)], ids=["304", "200", "unread"])
def test_plain_polls_are_answered_in_the_hub(pair: Pair, poll: bytes) -> None:
    def answered_in_hub(at: int) -> float:
        return pair.site.metric("notifygate_hub_answers_total", at)

    before = answered_in_hub(DETACHED)
    # The first may not be in memory yet, and the last may be followed too closely by the last word.
    pair.both([step for number in range(1, 6) for step in (poll, number)])
    eventually(lambda: answered_in_hub(DETACHED) >= before + 3, "the count, which is reported once a second")
    assert answered_in_hub(PLAIN) == 0


def in_single_bytes(url: str, requests: Sequence[bytes]) -> list[Exchange]:
    """Send requests, each on a connection of its own; each byte is read before the next one is sent."""
    clients = [RawClient(url) for _ in requests]
    try:
        for at in range(max(map(len, requests))):
            for client, data in zip(clients, requests, strict=True):
                client.send(data[at : at + 1])
            tick(url)
        for client in clients:
            client.await_answers(1, 20.0)
            client.send(LAST_WORD)
        return [
            Exchange(data, client.received, not has_ended, time.time())
            for client, data in zip(clients, requests, strict=True)
            for has_ended in [client.await_end(20.0)]
        ]
    finally:
        for client in clients:
            client.socket.close()


def test_requests_sent_byte_by_byte_are_answered_as_whole_ones(pair: Pair) -> None:
    body = request(NOW, "Content-Length: 5", body="hello")
    filled = [one for one in pair.filled([POLL, request(HELD), body, b"x\r\n\r\n"]) if isinstance(one, bytes)]
    whole = [exchange(pair.site.urls[PLAIN], [data, 1]) for data in filled]
    for one_way in gevent.joinall([gevent.spawn(in_single_bytes, url, filled) for url in pair.site.urls]):
        for one, other in zip(whole, one_way.get(), strict=True):
            assert_same(one, replace(other, at=one.at))


# Changes: each way has recipients of its own, since both would see the changes of one


@pytest.mark.parametrize(
    ("held", "after"),
    [
        pytest.param(request(LONG_HOLD), (), id="cursor"),
        pytest.param(request(UNREAD + "?wait=50", MATCHING), (), id="unread"),
        pytest.param(request(LONG_HOLD, method="HEAD"), (), id="HEAD"),
        pytest.param(request(LONG_HOLD, "Connection: close"), (), id="close"),
        pytest.param(request(LONG_HOLD) + request(LONG_HOLD), (), id="a hold in the same segment"),
        pytest.param(request(LONG_HOLD), (request()[:50], Act.TICK, request()[50:]), id="a poll in two parts"),
        pytest.param(request(LONG_HOLD), (b"garbage\r\n\r\n",), id="garbage while held"),
    ],
)
def test_hold_is_woken_alike_on_both_ways(pair: Pair, held: bytes, after: Sequence[Step]) -> None:
    exchanges: list[Exchange] = []
    for at, url in enumerate(pair.site.urls):
        recipient, words = pair.new_recipient(at)
        waiting = gevent.spawn(exchange, url, pair.filled((held, Act.TICK, *after, 1), words))
        pair.site.await_holds(1)
        pair.publisher.url = url
        pair.publisher.publish(f"user:{recipient.name}", "News")
        exchanges.append(without(recipient.name, waiting.get(timeout=20)))
    assert b"HTTP/1.1 200" in exchanges[0].received
    assert_same(*exchanges, with_opaque=True)


def test_same_bytes_get_a_new_response_after_a_change(pair: Pair) -> None:
    exchanges: list[Exchange] = []
    for at, url in enumerate(pair.site.urls):
        recipient, words = pair.new_recipient(at)
        before = exchange(url, pair.filled((POLL, 1, POLL, 2), words))
        assert [answer.status for answer in read_answers(before.received)[0]] == [304, 304, 200]
        pair.publisher.url = url
        pair.publisher.publish(f"user:{recipient.name}", "News")
        steps = (request(NOW + "&wait=20", MATCHING), 1, POLL, 2, POLL, 3)
        exchanges.append(without(recipient.name, exchange(url, pair.filled(steps, words))))
    assert [answer.status for answer in read_answers(exchanges[0].received)[0]] == [200] * 4
    assert_same(*exchanges, with_opaque=True)

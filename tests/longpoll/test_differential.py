"""The worker that waits without greenlets answers every request as gunicorn's own gevent worker does.

Two gateways on one database differ in NOTIFYGATE_DETACHED alone. Every request of the corpus is sent to both over bare
sockets; what comes back must be the same: statuses, header fields, bodies, how many answers, and whether the connection
stays open.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import gevent
import pytest
from gevent.pool import Pool

from notifygate.domain.cursor import TOKEN_CHARACTERS
from notifygate.server.reactor import READ_BYTES
from tests.longpoll.comparison import differences, normalised
from tests.longpoll.corpus import CORPUS, CORS_CORPUS, HELD, MATCHING, NOW, PLAIN_POLLS, UNREAD, request
from tests.longpoll.exchange import (
    LAST_WORD,
    Act,
    Exchange,
    RawClient,
    Step,
    asks_for_a_head,
    exchange,
    read_answers,
    tick,
)
from tests.longpoll.pair import DETACHED, PLAIN, Pair, PairedSite, answered_in_hub, fill
from tests.longpoll.publications import PLAIN as PLAIN_BODY
from tests.longpoll.publications import PUBLICATIONS, publication
from tests.longpoll.site import Recipient, Site, eventually

AT_ONCE = 40
"""Cases under way at one time; many of them only wait for the end of a hold."""

BATCH = 60
"""Connections on which requests are sent in pieces at the same time."""


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairedSite]:
    """Both pairs, running; the corpus' recipients have seen everything."""
    running = PairedSite(f"sqlite:///{tmp_path_factory.mktemp('pair')}/notifygate.db")
    try:
        running.start()
        yield running
    finally:
        running.site.close()


class UnderWay:
    """The cases of the selected tests, all of them started at once: waiting for one hold is waiting for all."""

    def __init__(self, pair: Pair, words: dict[bytes, bytes], corpus: dict[str, Sequence[Step]]) -> None:
        self._pool = Pool(AT_ONCE)
        # Holds first: they take longest.
        names = sorted(corpus, key=lambda name: not name.startswith("hold"))
        self._greenlets = {name: gevent.Greenlet(pair.both, corpus[name], words) for name in names}
        self._starter = gevent.spawn(lambda: [self._pool.start(greenlet) for greenlet in self._greenlets.values()])

    def of(self, name: str) -> tuple[Exchange, Exchange]:
        """Return what both gateways have answered in a case."""
        return self._greenlets[name].get(timeout=100)


def selected(request: pytest.FixtureRequest, corpus: dict[str, Sequence[Step]]) -> dict[str, Sequence[Step]]:
    """Return the cases whose tests are to be run."""
    names = {item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")}  # type: ignore[attr-defined]
    return {name: steps for name, steps in corpus.items() if name in names}


@pytest.fixture(scope="module")
def corpus(request: pytest.FixtureRequest, paired: PairedSite) -> UnderWay:
    """The corpus, under way at the pair without CORS."""
    return UnderWay(paired.pair, paired.words, selected(request, dict(CORPUS)))


@pytest.fixture(scope="module")
def cors_corpus(request: pytest.FixtureRequest, paired: PairedSite) -> UnderWay:
    """The corpus of CORS, under way at the pair with it."""
    return UnderWay(paired.cors_pair, paired.words, selected(request, dict(CORS_CORPUS)))


def assert_same(one: Exchange, other: Exchange, *, with_opaque: bool = False) -> None:
    """Fail with every difference between what the plain gateway (-) and the other one (+) have answered."""
    found = differences(one, other, with_opaque=with_opaque)
    assert not found, "plain (-) and detached (+) differ:\n" + "\n".join(line[:600] for line in found)


@pytest.mark.parametrize("case", CORPUS)
def test_both_ways_answer_the_same(corpus: UnderWay, case: str) -> None:
    assert_same(*corpus.of(case))


@pytest.mark.parametrize("case", CORS_CORPUS)
def test_both_ways_answer_the_same_with_cors(cors_corpus: UnderWay, case: str) -> None:
    assert_same(*cors_corpus.of(case))


@pytest.mark.parametrize(
    ("case", "statuses"),
    {
        "poll: cursor and a tag that matches": [304, 200],
        "poll: news": [200, 200],
        "hold: ends with 304": [304, 200],
        "hold: sending side is closed while held": [499],
        "credential: expired": [401, 200],
        "body: a request as the body": [304, 200],
        "body: coding unknown": [400],
        "pipeline: ten": [304] * 10 + [200],
        "pipeline: bad after good": [304, 400],
        "end: after half a head": [],
    }.items(),
)
def test_corpus_reaches_what_it_is_meant_to_reach(corpus: UnderWay, case: str, statuses: list[int]) -> None:
    for found in corpus.of(case):
        answers, rest = read_answers(found.received)
        assert [answer.status for answer in answers] == statuses
        assert rest == b""
        assert not found.stayed_open


@pytest.mark.parametrize("case", PLAIN_POLLS)
def test_plain_polls_are_answered_in_the_hub(paired: PairedSite, case: str) -> None:
    before = answered_in_hub(paired.site, DETACHED)
    # The first and the last of them may still be new to it, or be followed too closely by the last word.
    paired.pair.both([step for number in range(1, 6) for step in (*PLAIN_POLLS[case][:-1], number)], paired.words)
    eventually(lambda: answered_in_hub(paired.site, DETACHED) >= before + 3, "the count, which is told once a second")
    assert answered_in_hub(paired.site, PLAIN) == 0


# Requests in pieces


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(request(NOW, MATCHING), 1, id="304"),
        pytest.param(request(NOW + "&wait=0"), 1, id="200"),
        pytest.param(request(UNREAD, MATCHING) + request("/healthz", "Connection: close", token=None), 2, id="two"),
        pytest.param(request(NOW, "Content-Length: 5", body="hello") + request("/healthz", token=None), 2, id="body"),
    ],
)
def test_request_split_at_any_byte_is_answered_as_a_whole_one(paired: PairedSite, data: bytes, count: int) -> None:
    (filled,) = fill([data], paired.words)
    assert isinstance(filled, bytes)
    whole = exchange(paired.pair.plain, [filled, count])
    assert len(read_answers(whole.received)[0]) >= count
    urls = [paired.pair.plain, paired.pair.detached]
    for one_way in gevent.joinall([gevent.spawn(split_everywhere, url, filled, count) for url in urls]):
        for place, found in enumerate(one_way.get(), 1):
            assert normalised(found) == normalised(whole), f"split after byte {place}: {filled[:place]!r}"


def split_everywhere(url: str, data: bytes, count: int) -> list[Exchange]:
    """Send a request once for each of its bytes, in two segments that part there."""
    places = range(1, len(data))
    return [
        found
        for first in range(0, len(places), BATCH)
        for found in in_pieces(url, [(data[:at], data[at:]) for at in places[first : first + BATCH]], data, count)
    ]


def in_pieces(url: str, pieces: Sequence[Sequence[bytes]], data: bytes, count: int) -> list[Exchange]:
    """Send pieces, on a connection for each sequence; each piece is read before the next one is sent."""
    clients = [RawClient(url) for _ in pieces]
    try:
        for turn in range(max(map(len, pieces))):
            if turn:
                tick(url)
            for client, parts in zip(clients, pieces, strict=True):
                if turn < len(parts):
                    client.send(parts[turn])
        for client in clients:
            client.await_answers(count, 20.0)
        for client in clients:
            client.send(LAST_WORD)
        return [
            Exchange(data, client.received, not has_ended, time.time())
            for client in clients
            for has_ended in [client.await_end(20.0)]
        ]
    finally:
        for client in clients:
            client.socket.close()


def test_requests_sent_byte_by_byte_are_answered_as_whole_ones(paired: PairedSite) -> None:
    requests = [request(NOW, MATCHING), request(HELD), request(UNREAD), b"x\r\n\r\n"]
    filled = [one for one in fill(requests, paired.words) if isinstance(one, bytes)]
    pieces = [[data[at : at + 1] for at in range(len(data))] for data in filled]
    whole = [exchange(paired.pair.plain, [data, 1]) for data in filled]
    urls = [paired.pair.plain, paired.pair.detached]
    for one_way in gevent.joinall([gevent.spawn(in_pieces, url, pieces, b"", 1) for url in urls]):
        for one, other in zip(whole, one_way.get(), strict=True):
            assert_same(one, replace(other, at=one.at))


# Where something happens: recipients of their own for each way, since what one way does both would see


def on_both(paired: PairedSite, steps: Sequence[Step]) -> list[tuple[Recipient, Exchange]]:
    """Go through the steps with each gateway, as a recipient of whom nobody has heard; `<key>` may publish to them."""
    found: list[tuple[Recipient, Exchange]] = []
    for at, url in both_ways(paired):
        recipient = new_recipient(paired, at)
        found.append((recipient, exchange(url, fill(steps, words_of(paired, recipient)))))
    return found


def both_ways(paired: PairedSite) -> list[tuple[int, str]]:
    """Return the place and the URL of the plain gateway, then those of the other one."""
    return [(at, paired.site.urls[at]) for at in (PLAIN, DETACHED)]


def new_recipient(paired: PairedSite, at: int) -> Recipient:
    """Return a recipient of whom nobody has heard. All names are equally long: they stand in bodies."""
    return paired.site.recipient(paired.site.new_name().rjust(6, "r"), at=at)


def words_of(paired: PairedSite, recipient: Recipient) -> dict[bytes, bytes]:
    """Return the corpus' words with one's own token and cursor, and `<name>`."""
    cursor = recipient.cursor().encode()
    own = {b"<token>": recipient.token.encode(), b"<name>": recipient.name.encode()}
    return {**paired.words, **own, b"<cursor>": cursor, b"<etag>": cursor}


def without_name(found: tuple[Recipient, Exchange]) -> Exchange:
    """Return an exchange in which the recipient is called as in every other one."""
    recipient, one = found
    name = recipient.name.encode()
    return replace(one, received=one.received.replace(b"user:" + name, b"user:" + b"n" * len(name)))


PUBLISH = request(
    "/v1/notify/user:<name>?title=News",
    "Content-Length: 4",
    method="POST",
    token="Authorization: Bearer <key>",
    body="Read",
)
NEWS = request(NOW + "&wait=20", MATCHING)
"""What was published a moment ago may take another one to come to the worker's memory: news are waited for."""

STATE = '{"op": "read", "up_to": "<cursor>"}'
READ_ALL = request(
    "/v1/inbox/state",
    "Content-Type: application/json",
    f"Content-Length: {len(STATE) - len('<cursor>') + TOKEN_CHARACTERS}",
    method="POST",
    body=STATE,
)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((request(NOW, MATCHING) + PUBLISH + NEWS, 3), id="in one segment"),
        pytest.param((request(NOW, MATCHING), 1, PUBLISH, 2, NEWS, 3), id="in three segments"),
        pytest.param((PUBLISH, 1, NEWS, 2, request(NOW, MATCHING), 3, request(), 4), id="told again and again"),
        pytest.param((PUBLISH, 1, NEWS, 2, request(UNREAD, MATCHING), 3, request(UNREAD), 4), id="counted"),
        pytest.param((PUBLISH, 1, request(UNREAD + "?wait=20", MATCHING), 2), id="counted after a hold"),
        pytest.param((PUBLISH, 1, NEWS, 2, READ_ALL, 3, request(NOW, MATCHING), 4), id="and a change of state"),
        pytest.param((PUBLISH, 1, request(NOW + "&wait=20", method="HEAD"), 2), id="to HEAD"),
        pytest.param((PUBLISH, 1, request(NOW + "&wait=20", version="HTTP/1.0"), 2), id="to HTTP 1.0"),
    ],
)
def test_news_are_told_the_same_both_ways(paired: PairedSite, steps: Sequence[Step]) -> None:
    one, other = map(without_name, on_both(paired, steps))
    assert b"News" in one.received or b'"unread":1' in one.received or asks_for_a_head(one.sent)
    assert_same(one, other, with_opaque=True)


@pytest.fixture(scope="module")
def publications(paired: PairedSite) -> dict[str, list[Any]]:
    """What each gateway answers to each publication, as greenlets: all are under way at once."""
    pool = Pool(AT_ONCE)

    def publish(url: str, steps: Sequence[Step]) -> Exchange:
        name = paired.site.new_name().rjust(6, "r").encode()
        found = exchange(url, fill(steps, {**paired.words, b"<name>": name}))
        return replace(found, received=found.received.replace(name, b"n" * len(name)))

    return {
        name: [pool.spawn(publish, url, steps) for _, url in both_ways(paired)] for name, steps in PUBLICATIONS.items()
    }


@pytest.mark.parametrize("case", PUBLICATIONS)
def test_publications_are_answered_the_same(publications: dict[str, list[Any]], case: str) -> None:
    one, other = (answer.get(timeout=100) for answer in publications[case])
    assert_same(one, other, with_opaque=True)


def test_publications_reach_what_they_are_meant_to_reach(publications: dict[str, list[Any]]) -> None:
    statuses = {
        name: {answer.status for found in answers for answer in read_answers(found.get(timeout=100).received)[0]}
        for name, answers in publications.items()
    }
    assert {status for found in statuses.values() for status in found} >= {201, 400, 401, 403, 413, 415, 422}
    assert statuses["publication: idempotent, twice"] == {200, 201}
    assert statuses["publication: narrow key, another audience"] == {200, 403}


@pytest.mark.parametrize("size", [READ_BYTES - 1, READ_BYTES, READ_BYTES + 1])
@pytest.mark.parametrize("count", [1, 2], ids=["one", "two"])
def test_requests_behind_a_publication_as_large_as_a_read_are_answered_the_same(
    paired: PairedSite, size: int, count: int
) -> None:
    found: list[Exchange] = []
    for _, url in both_ways(paired):
        name = paired.site.new_name().rjust(6, "r").encode()
        words = {**paired.words, b"<name>": name}

        def padded(blanks: int, words: dict[bytes, bytes] = words) -> bytes:
            (sent,) = fill((publication(PLAIN_BODY + " " * blanks),), words)
            assert isinstance(sent, bytes)
            return sent

        large = padded(size - len(padded(10_000)) + 10_000)
        assert len(large) == size
        (poll,) = fill((request(NOW, MATCHING),), words)
        assert isinstance(poll, bytes)
        steps = (large * count + poll, count + 1)
        answered = exchange(url, steps)
        found.append(replace(answered, received=answered.received.replace(name, b"n" * len(name))))
    one, other = found
    assert [answer.status for answer in read_answers(one.received)[0]] == [201] * count + [304, 200]
    assert_same(one, other, with_opaque=True)


def test_pages_of_news_are_told_the_same_both_ways(paired: PairedSite) -> None:
    found: list[tuple[Recipient, Exchange]] = []
    publisher = paired.site.publisher()
    for at, url in both_ways(paired):
        recipient = new_recipient(paired, at)
        words = words_of(paired, recipient)
        publisher.url = url
        for number in range(5):
            publisher.publish(f"user:{recipient.name}", f"number {number}")
        eventually(
            lambda r=recipient, w=words: r.inbox(w[b"<cursor>"].decode())["unread"] == 5, "all of them are known"
        )
        steps = (request(NOW + "&limit=2"), 1, request(NOW + "&limit=5", MATCHING), 2, request("/v1/inbox?limit=1"), 3)
        found.append((recipient, exchange(url, fill(steps, words))))
    one, other = map(without_name, found)
    assert b'"has_more":true' in one.received
    assert_same(one, other, with_opaque=True)


def mute(recipient: Recipient) -> None:
    preferences = {"types": {"chatter": {"muted": True}}}
    recipient.session.put(f"{recipient.url}/v1/inbox/preferences", json=preferences, timeout=20).raise_for_status()


def follow(recipient: Recipient) -> None:
    recipient.session.put(f"{recipient.url}/v1/inbox/topics/weather", timeout=20).raise_for_status()


def read_on_another_device(recipient: Recipient) -> None:
    told = {"op": "read", "up_to": recipient.cursor()}
    recipient.session.post(f"{recipient.url}/v1/inbox/state", json=told, timeout=20).raise_for_status()


@pytest.mark.parametrize("change", [mute, follow, read_on_another_device])
def test_same_bytes_are_answered_anew_after_a_change(paired: PairedSite, change: Callable[[Recipient], None]) -> None:
    found: list[tuple[Recipient, Exchange]] = []
    publisher = paired.site.publisher()
    same, awaited = request(NOW, MATCHING), request(NOW + "&wait=20", MATCHING)
    for at, url in both_ways(paired):
        recipient = new_recipient(paired, at)
        recipient.cursor()
        publisher.url = url
        publisher.publish(f"user:{recipient.name}", "Before")
        eventually(lambda r=recipient: r.poll(path="/v1/inbox/unread").json()["unread"] == 1, "it has arrived")
        words = words_of(paired, recipient)
        before = exchange(url, fill((same, 1, same, 2), words))
        assert [answer.status for answer in read_answers(before.received)[0]] == [304, 304, 200]
        change(recipient)
        found.append((recipient, exchange(url, fill((awaited, 1, same, 2, same, 3), words))))
    one, other = map(without_name, found)
    assert [answer.status for answer in read_answers(one.received)[0]] == [200] * 4
    assert_same(one, other, with_opaque=True)


def test_same_bytes_are_refused_once_their_token_has_expired(paired: PairedSite) -> None:
    for at, url in both_ways(paired):
        name = new_recipient(paired, at).name
        words = words_of(paired, paired.site.recipient(name, at=at))
        words[b"<token>"] = paired.site.recipient(name, at=at, seconds=2).token.encode()
        (poll,) = fill([request(NOW, MATCHING)], words)
        assert isinstance(poll, bytes)
        client = RawClient(url)

        def statuses(client: RawClient = client) -> list[int]:
            return [answer.status for answer in read_answers(client.received)[0]]

        def is_refused(client: RawClient = client, poll: bytes = poll) -> bool:
            """Send the same bytes once more on the same connection."""
            count = len(statuses(client)) + 1
            client.send(poll)
            client.await_answers(count)
            return statuses(client)[-1] != 304

        with client.socket:
            eventually(is_refused, "the token has expired")
            client.send(LAST_WORD)
            assert client.await_end()
        *polls, refusal, last = statuses()
        assert len(polls) > 2
        assert (set(polls), refusal, last) == ({304}, 401, 200)


@pytest.mark.parametrize(
    ("held", "after"),
    [
        pytest.param(request(NOW + "&wait=50"), (), id="cursor"),
        pytest.param(request(NOW + "&wait=50", MATCHING), (), id="tag"),
        pytest.param(request(NOW + "&wait=50&limit=1"), (), id="limit"),
        pytest.param(request("/v1/inbox?wait=50", MATCHING), (), id="no cursor"),
        pytest.param(request(UNREAD + "?wait=50", MATCHING), (), id="unread"),
        pytest.param(request(NOW, "Prefer: wait=50"), (), id="Prefer"),
        pytest.param(request(NOW + "&wait=50", method="HEAD"), (), id="HEAD"),
        pytest.param(request(NOW + "&wait=50", version="HTTP/1.0"), (), id="HTTP 1.0"),
        pytest.param(request(NOW + "&wait=50", "Connection: close"), (), id="close"),
        pytest.param(request(NOW + "&wait=50", "X-Request-Id: my-own"), (), id="request id"),
        pytest.param(request(NOW + "&wait=50") + request(NOW, MATCHING), (), id="a poll in the same segment"),
        pytest.param(request(NOW + "&wait=50"), (request(NOW, MATCHING),), id="a poll while held"),
        pytest.param(request(NOW + "&wait=50"), (request()[:50], Act.TICK, request()[50:]), id="a poll in two parts"),
        pytest.param(request(NOW + "&wait=50") + request(NOW + "&wait=50"), (), id="a hold in the same segment"),
        pytest.param(request(NOW + "&wait=50"), (b"garbage\r\n\r\n",), id="garbage while held"),
    ],
)
def test_hold_is_woken_the_same_both_ways(paired: PairedSite, held: bytes, after: Sequence[Step]) -> None:
    found: list[tuple[Recipient, Exchange]] = []
    publisher = paired.site.publisher()
    for at, url in both_ways(paired):
        recipient = new_recipient(paired, at)
        steps = fill((held, Act.TICK, *after, 1), words_of(paired, recipient))
        going = gevent.spawn(exchange, url, steps)
        paired.site.await_holds(1)
        publisher.url = url
        publisher.publish(f"user:{recipient.name}", "News")
        found.append((recipient, going.get(timeout=20)))
    one, other = map(without_name, found)
    assert b"HTTP/1.1 200" in one.received or b"HTTP/1.0 200" in one.received
    assert_same(one, other, with_opaque=True)


@pytest.mark.parametrize("at", [PLAIN, DETACHED], ids=["plain", "detached"])
def test_client_that_resets_while_held_does_no_harm(paired: PairedSite, at: int) -> None:
    site, url = paired.site, paired.site.urls[at]
    recipient = site.recipient(at=at)
    gone = site.metric("notifygate_hold_ends_total", at, reason="gone")
    client = RawClient(url)
    (held,) = fill([request(NOW + "&wait=50")], words_of(paired, recipient))
    assert isinstance(held, bytes)
    client.send(held)
    site.await_holds(1)
    client.reset()
    site.await_holds(0)
    assert site.metric("notifygate_hold_ends_total", at, reason="gone") == gone + 1
    assert recipient.poll().status_code == 200
    assert '"level": "error"' not in site.gateways[at].output


def test_nothing_in_the_corpus_is_an_error_of_the_gateway(paired: PairedSite, corpus: UnderWay) -> None:
    for at in range(len(paired.site.gateways)):
        assert no_errors(paired.site, at)


def no_errors(site: Site, at: int) -> bool:
    """Tell whether a gateway has logged neither an error nor a stack trace."""
    output = site.gateways[at].output
    return '"level": "error"' not in output and "Traceback" not in output


# The comparison itself

BODY = json.dumps({"unread": 1, "cursor": "x", "poll": {"after": 15, "wait": 55}}, separators=(",", ":"))
MADE_ID = "01a21d728207e2223f09ade700000039"
AN_ANSWER = (
    f"HTTP/1.1 200 OK\r\nServer: notifygate\r\nDate: Fri, 27 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n"
    f'Content-Length: {len(BODY)}\r\nETag: W/"x"\r\nPoll-Interval: 15\r\nX-Request-Id: {MADE_ID}\r\n'
    f'RateLimit-Policy: "guard";q=100;w=60\r\nRateLimit: "guard";r=99;t=60\r\n\r\n{BODY}'
)
AN_EXCHANGE = Exchange(b"GET / HTTP/1.1\r\n\r\n", AN_ANSWER.encode() * 2, False, 1795780801.0)


ALTERATIONS = {
    "status": ("200 OK", "201 Created"),
    "reason": ("200 OK", "200 Fine"),
    "version": ("HTTP/1.1", "HTTP/1.0"),
    "missing field": ("Server: notifygate\r\n", ""),
    "further field": ("Server: notifygate\r\n", "Server: notifygate\r\nX-Fast: 1\r\n"),
    "field given twice": ("Server: notifygate\r\n", "Server: notifygate\r\n" * 2),
    "spelling of a field": ("Server:", "server:"),
    "value of a field": ("keep-alive", "close"),
    "blanks in a value": ("Connection: keep-alive", "Connection:  keep-alive"),
    "tag": ('W/"x"', 'W/"y"'),
    "strength of the tag": ('W/"x"', '"x"'),
    "no date": ("Date: Fri, 27 Nov 2026 12:00:00 GMT\r\n", ""),
    "date of another day": ("Fri, 27 Nov 2026", "Thu, 26 Nov 2026"),
    "date in another form": ("Fri, 27 Nov 2026 12:00:00 GMT", "2026-11-27T12:00:00Z"),
    "no interval": ("Poll-Interval: 15\r\n", ""),
    "interval that is no number": ("Poll-Interval: 15", "Poll-Interval: 15s"),
    "interval out of range": ("Poll-Interval: 15", "Poll-Interval: 9000"),
    "interval and poll.after apart": ("Poll-Interval: 15", "Poll-Interval: 16"),
    "no request id": (f"X-Request-Id: {MADE_ID}\r\n", ""),
    "request id in another form": (MADE_ID, MADE_ID.upper()),
    "no limits": ('RateLimit: "guard";r=99;t=60\r\n', ""),
    "another limit": ('"guard";r=99', '"poll";r=99'),
    "limit in another form": ("r=99;t=60", "t=60;r=99"),
    "another policy": ("q=100", "q=101"),
    "body": ('"unread":1', '"unread":2'),
    "longest hold": ('"wait":55', '"wait":50'),
    "bytes too many": ('"wait":55}}', '"wait":55}}x'),
    "bytes too few": ('"wait":55}}', '"wait":55}'),
    "body cut off": ('{"unread"', '"unread"'),
    "line ends": ("Server: notifygate\r\n", "Server: notifygate\n"),
}
"""What is altered in one of two answers, and into what."""


@pytest.mark.parametrize("alteration", ALTERATIONS)
@pytest.mark.parametrize("place", [0, 1], ids=["first answer", "second answer"])
def test_comparison_notices_every_alteration(alteration: str, place: int) -> None:
    answers = [AN_ANSWER, AN_ANSWER]
    assert differences(AN_EXCHANGE, AN_EXCHANGE) == []
    answers[place] = AN_ANSWER.replace(*ALTERATIONS[alteration])
    assert answers[place] != AN_ANSWER
    assert differences(AN_EXCHANGE, replace(AN_EXCHANGE, received="".join(answers).encode()))


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param(replace(AN_EXCHANGE, received=AN_ANSWER.encode()), id="one answer less"),
        pytest.param(replace(AN_EXCHANGE, received=AN_ANSWER.encode() * 3), id="one answer more"),
        pytest.param(replace(AN_EXCHANGE, received=b""), id="no answer"),
        pytest.param(replace(AN_EXCHANGE, received=AN_EXCHANGE.received + b"x"), id="something after the answers"),
        pytest.param(replace(AN_EXCHANGE, stayed_open=True), id="connection that stays open"),
        pytest.param(
            replace(AN_EXCHANGE, sent=f"GET / HTTP/1.1\r\nX-Request-Id: {MADE_ID}\r\n\r\n".encode()),
            id="request id that was sent",
        ),
    ],
)
def test_comparison_notices_what_the_exchange_came_to(altered: Exchange) -> None:
    assert differences(AN_EXCHANGE, altered)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("12:00:00", "12:00:01", id="date"),
        pytest.param("15", "22", id="interval"),
        pytest.param(MADE_ID, MADE_ID.replace("a", "b"), id="request id"),
        pytest.param("r=99;t=60", "r=7;t=1", id="what is left of a limit"),
    ],
)
def test_comparison_lets_pass_what_differs_by_nature(old: str, new: str) -> None:
    other = AN_ANSWER.replace(old, new)
    assert other != AN_ANSWER
    assert differences(AN_EXCHANGE, replace(AN_EXCHANGE, received=other.encode() * 2)) == []


def test_comparison_of_what_is_numbered_notices_a_repetition() -> None:
    ids = [f"019b1f3e-7c00-7abc-8def-0123456789{end}" for end in ("ab", "cd")]

    def telling(first: str, second: str) -> Exchange:
        bodies = [BODY.replace('"x"', f'"{told}"') for told in (first, second)]
        length = f"Content-Length: {len(bodies[0])}"
        answers = [AN_ANSWER.replace(BODY, body).replace(f"Content-Length: {len(BODY)}", length) for body in bodies]
        return replace(AN_EXCHANGE, received="".join(answers).encode())

    one, other = ids
    assert differences(telling(one, other), telling(other, one), with_opaque=True) == []
    assert differences(telling(one, other), telling(one, one), with_opaque=True)
    assert differences(telling(one, other), telling(other, one))

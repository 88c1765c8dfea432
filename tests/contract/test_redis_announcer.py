"""The contract of announcements through a real Redis: they arrive, or are dropped without other harm."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import pytest

from notifygate import metrics
from notifygate.announcements import redis_announcer as announcer_module
from notifygate.announcements import redis_connection
from notifygate.announcements.announcement import announce
from notifygate.announcements.redis_announcer import channel_of, make_redis
from notifygate.announcements.redis_connection import RedisConnection
from notifygate.announcements.seal import MAX_MESSAGE_BYTES, AnnouncementSeal
from notifygate.domain.entry import Entry, EntryKind
from tests.support.announcer_node import MakeNode, making_nodes
from tests.support.builders import make_notification
from tests.support.front import Front, tls_context
from tests.support.metric_values import metric
from tests.support.not_redis import NotRedis
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

SLACK_BYTES = 1024
"""hiredis removes up to this much of the parsed bytes only with the next message."""


@pytest.fixture
def make_node() -> Iterator[MakeNode]:
    with making_nodes() as make:
        yield make


def port_of(redis_url: str) -> int:
    return urlsplit(redis_url).port or 6379


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short time-outs, so that a Redis that hangs is noticed soon."""
    monkeypatch.setattr(announcer_module, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(announcer_module, "RECONNECT_SECONDS", 0.05)


def test_another_gateway_in_the_same_redis_receives_nothing(redis_url: str, make_node: MakeNode) -> None:
    one, other = make_node(redis_url, "one"), make_node(redis_url, "one")
    stranger = make_node(redis_url, "another")
    one.announce(1)
    eventually(lambda: other.firsts() == [1], "its arrival")
    stranger.announce(9)
    one.announce(2)
    eventually(lambda: other.firsts() == [1, 2], "the second's arrival")
    assert stranger.received == []


@pytest.mark.usefixtures("quick")
def test_a_server_that_is_no_longer_the_master_is_left(
    redis_url: str, make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fail-over itself, with Sentinels and a master that hangs, is tested in tests/ha/test_sentinel.py."""
    node = make_node(redis_url)
    verdicts = iter([True])
    monkeypatch.setattr(redis_connection, "is_superseded", lambda connection: next(verdicts, False))
    eventually(lambda: node.connects == 2, "another connection")
    eventually(node.is_connected, "its subscription")


def refusals() -> float:
    metrics.flush()
    return metric("announcements_refused_total")


def test_messages_that_can_not_be_decrypted_are_dropped_counted_and_logged_once(
    redis_server: RedisServer, redis_url: str, make_node: MakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = make_node(redis_url), make_node(redis_url)
    before = refusals()
    forged = AnnouncementSeal(["another secret of more than 32 bytes"], channel_of("tests"))
    notification = make_notification(seq=1)
    announcement = announce(3, [Entry(1, EntryKind.PUBLISHED, notification.to, notification)])
    garbage = [b"", b"x", b"\0" * 8, b"\1" * 53, b"\1" * 54, b"\1" * MAX_MESSAGE_BYTES, forged.seal(announcement)]
    with redis_server.connect() as client:
        for message in garbage:
            client.publish(channel_of("tests"), message)
    one.announce(1)
    eventually(lambda: other.firsts() == [1], "the announcement after the garbage")
    eventually(lambda: refusals() == before + len(garbage) * 2, "both nodes' count of it")
    assert (one.received, one.connects, other.connects) == ([], 1, 1)
    lines = [record.getMessage() for record in caplog.records if "was rejected" in record.getMessage()]
    assert len(lines) == 2, "one line a node"


@pytest.mark.parametrize("excess_bytes", [1, 100_000, 20_000_000])
def test_an_oversized_message_is_dropped_as_it_arrives(
    redis_server: RedisServer, redis_url: str, make_node: MakeNode, excess_bytes: int
) -> None:
    one, other = make_node(redis_url), make_node(redis_url)
    before = refusals()
    most = 0
    with redis_server.connect() as client:
        client.publish(channel_of("tests"), b"\r\n>3\r\n" + bytes(MAX_MESSAGE_BYTES + excess_bytes - 6))

        def is_dropped() -> bool:
            nonlocal most
            most = max(most, other.announcer.connection.buffered_bytes)
            return refusals() == before + 2

        eventually(is_dropped, "both nodes' count of it")
        one.announce(1)
        eventually(lambda: other.firsts() == [1], "the announcement after it")
    assert most <= MAX_MESSAGE_BYTES + SLACK_BYTES
    assert (one.connects, other.connects) == (1, 1), "neither node connects again"


@pytest.mark.parametrize("piece_bytes", [None, 1, 40, 1000])
def test_size_inside_of_a_message_is_not_parsed_as_the_size_of_a_message(
    redis_server: RedisServer, redis_url: str, make_node: MakeNode, piece_bytes: int | None
) -> None:
    channel = channel_of("tests")
    framing = f">3\r\n$7\r\nmessage\r\n${len(channel)}\r\n{channel}\r\n$99999999\r\n".encode()
    before = refusals()
    with closing(Front(port_of(redis_url), piece_bytes=piece_bytes)) as front, redis_server.connect() as client:
        one, other = make_node(redis_url), make_node(f"redis://127.0.0.1:{front.port}/0")
        for filling in (b"", b"x" * 1000):
            client.publish(channel, filling + framing + filling)
        one.announce(1)
        eventually(lambda: other.firsts() == [1], "the announcement after it")
        eventually(lambda: refusals() == before + 4, "both nodes' count")
    assert (one.connects, other.connects) == (1, 1)


def test_long_messages_arrive_in_small_pieces(redis_url: str, make_node: MakeNode) -> None:
    with closing(Front(port_of(redis_url), piece_bytes=100)) as front:
        one, other = make_node(redis_url), make_node(f"redis://127.0.0.1:{front.port}/0")
        for seq in (1, 16, 31):
            one.announce(seq, "x" * 4000, count=15)
        eventually(lambda: other.firsts() == [1, 16, 31], "their arrival")
        assert other.announcer.connection.buffered_bytes <= SLACK_BYTES


def test_after_a_restart_of_redis_the_head_is_read_and_announcements_arrive_again(
    own_redis_server: RedisServer, make_node: MakeNode, quick: None
) -> None:
    """Announcements in between are lost for good, so a node that is connected again has to read the head."""
    one, other = make_node(own_redis_server.url), make_node(own_redis_server.url)
    own_redis_server.stop()
    eventually(lambda: not one.is_connected() and not other.is_connected(), "the loss of the connection")
    one.announce(1)
    own_redis_server.start()
    eventually(lambda: one.connects == 2 and other.connects == 2, "the new connections")
    one.announce(2)
    eventually(lambda: 2 in other.firsts(), "the announcement after it")


@pytest.mark.parametrize("defect", [LookupError, ValueError, OSError])
def test_a_defect_in_processing_an_announcement_ends_the_connection_at_once(
    redis_url: str,
    make_node: MakeNode,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    defect: type[Exception],
) -> None:
    """The next one reads the head; the silence of a connection that is not read would be noticed seconds later."""
    monkeypatch.setattr(announcer_module, "TIMEOUT_SECONDS", 1000.0)
    monkeypatch.setattr(announcer_module, "RECONNECT_SECONDS", 0.05)
    one, other = make_node(redis_url), make_node(redis_url)

    def fail(announcement: object) -> None:
        raise defect

    monkeypatch.setattr(other.announcer, "_on_announcement", fail)
    one.announce(1)
    eventually(lambda: other.connects == 2, "the new connection")
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [defect]
    monkeypatch.undo()
    one.announce(2)
    eventually(lambda: other.firsts() == [2], "the announcement after it")
    assert one.connects == 1


def test_connection_whose_handshake_failed_is_closed() -> None:
    with closing(NotRedis()) as server:
        connection = RedisConnection(
            make_redis(server.url),
            channel_of("tests"),
            on_subscribed=list,
            on_message=list,
            max_message_bytes=1,
            on_oversized=list,
            on_error=list,
        )
        with pytest.raises(AttributeError):
            connection.open()
        assert server.connected == 1
        connection.close()
        eventually(lambda: not server.connected, "its end")


@pytest.mark.usefixtures("quick")
def test_connection_that_can_not_be_made_is_counted_and_tried_again(
    redis_url: str, make_node: MakeNode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of any type: it must not end the announcer's greenlet."""
    failures = iter([TypeError, AttributeError])

    def make(*args: Any, **options: Any) -> RedisConnection:
        for failure in failures:
            raise failure
        return RedisConnection(*args, **options)

    monkeypatch.setattr(announcer_module, "RedisConnection", make)
    errors = metric("redis_errors_total")
    one, other = make_node(redis_url), make_node(redis_url)
    assert metric("redis_errors_total") == errors + 2
    lines = [record.getMessage() for record in caplog.records if "are down" in record.getMessage()]
    assert [line.rpartition(" ")[2] for line in lines] == ["TypeError", "AttributeError"]
    one.announce(1)
    eventually(lambda: other.firsts() == [1], "its arrival")


def test_a_redis_that_hangs_blocks_no_commit(own_redis_server: RedisServer, make_node: MakeNode, quick: None) -> None:
    one, other = make_node(own_redis_server.url), make_node(own_redis_server.url)
    turns: list[int] = []

    def tick() -> None:
        while True:
            turns.append(1)
            gevent.sleep(0.001)

    ticking = gevent.spawn(tick)
    own_redis_server.pause()
    try:
        with gevent.Timeout(2):
            for seq in range(1000):
                one.announce(seq)
        errors = metric("redis_errors_total")
        eventually(lambda: metric("redis_errors_total") >= errors + 3, "the errors meanwhile")
        assert len(turns) > 50, "other greenlets run"
    finally:
        ticking.kill()
        own_redis_server.resume()
    eventually(lambda: one.is_connected() and other.is_connected(), "the connections")
    one.announce(99_999)
    eventually(lambda: 99_999 in other.firsts(), "the announcement after it")


def test_announcements_arrive_over_tls(redis_url: str, make_node: MakeNode, tmp_path: Path) -> None:
    context, certificate = tls_context(tmp_path)
    with (
        closing(Front(port_of(redis_url), context=context)) as tls,
        closing(Front(tls.port, piece_bytes=5000)) as front,  # no piece is a whole record
    ):
        url = f"rediss://127.0.0.1:{front.port}/0?ssl_ca_certs={certificate}"
        one, other = make_node(url), make_node(url)
        for seq in range(1, 15):
            one.announce(seq, "x" * 4000, count=13)
        eventually(lambda: len(other.received) == 14, "their arrival")
        assert other.firsts() == list(range(1, 15))
        assert (one.received, one.connects, other.connects) == ([], 1, 1)


@pytest.mark.parametrize("piece_bytes", [1, 7])
def test_announcements_arrive_in_pieces(redis_url: str, make_node: MakeNode, piece_bytes: int) -> None:
    with closing(Front(port_of(redis_url), piece_bytes=piece_bytes)) as front:
        one, other = (make_node(f"redis://127.0.0.1:{front.port}/0") for _ in range(2))
        for seq in range(1, 6):
            one.announce(seq, "\r\n>3\r\n$7\r\nmessage\r\n", count=1)
        eventually(lambda: len(other.received) == 5, "their arrival")
        assert other.firsts() == list(range(1, 6))
        assert (one.received, one.connects, other.connects) == ([], 1, 1)


def test_a_redis_that_forbids_the_channel_is_counted_and_tried_again(
    redis_server: RedisServer, redis_url: str, make_node: MakeNode, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server.connect() as client:
        client.acl_setuser("narrow", enabled=True, passwords=["+secret"], channels=["another"], commands=["+@all"])
    try:
        errors = metric("redis_errors_total")
        one = make_node(redis_url.replace("//", "//narrow:secret@"), connects=False)
        eventually(lambda: metric("redis_errors_total") >= errors + 4, "the refusals and attempts")
        assert (one.connects, one.is_connected()) == (0, False)
        assert "NOPERM" in caplog.text
        assert channel_of("tests") not in caplog.text
        with redis_server.connect() as client:
            client.acl_setuser("narrow", enabled=True, channels=[channel_of("tests")])
        eventually(one.is_connected, "the connection")
    finally:
        with redis_server.connect() as client:
            client.acl_deluser("narrow")


def test_announcements_to_a_slow_redis_are_sent_in_order_or_dropped_and_counted(
    own_redis_server: RedisServer, make_node: MakeNode
) -> None:
    one, other = make_node(own_redis_server.url), make_node(own_redis_server.url)
    errors = metric("redis_errors_total")
    body, count = "x" * 4000, 500
    own_redis_server.pause()
    try:
        with gevent.Timeout(2):
            for seq in range(1, count + 1):
                one.announce(seq, body, count=13)
    finally:
        own_redis_server.resume()
    dropped = metric("redis_errors_total") - errors
    assert 0 < dropped < count
    eventually(lambda: len(other.received) == count - dropped, "the announcements that were not dropped")
    one.announce(9999)
    eventually(lambda: 9999 in other.firsts(), "the announcement after it")
    assert other.firsts() == sorted(set(other.firsts()))
    assert all(len(announcement.entries or ()) == 13 for announcement in other.received[:-1])
    assert (one.connects, other.connects) == (1, 1)


def test_a_redis_that_hangs_never_counts_as_connected(
    own_redis_server: RedisServer, make_node: MakeNode, quick: None
) -> None:
    """It accepts connections and commands, and answers none: a node is connected only after an answer."""
    one = make_node(own_redis_server.url)
    own_redis_server.pause()
    try:
        eventually(lambda: not one.is_connected(), "the loss of the connection")
        errors, connects = metric("redis_errors_total"), one.connects
        eventually(lambda: metric("redis_errors_total") >= errors + 2, "two failed attempts")
        assert (one.connects, metric("redis_up")) == (connects, 0)
    finally:
        own_redis_server.resume()
    eventually(one.is_connected, "the connection")
    assert metric("redis_up") == 1


def test_a_subscription_receives_after_a_long_silence(
    redis_url: str, make_node: MakeNode, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinged: list[RedisConnection] = []
    ping = RedisConnection.ping
    monkeypatch.setattr(RedisConnection, "ping", lambda self: (pinged.append(self), ping(self)))
    one, other = make_node(redis_url), make_node(redis_url)
    eventually(lambda: min(pinged.count(node.announcer.connection) for node in (one, other)) >= 2, "two pings of each")
    one.announce(7)
    eventually(lambda: other.firsts() == [7], "an announcement")
    assert (one.connects, other.connects) == (1, 1)


def test_a_subscription_that_redis_closed_is_made_again(
    redis_server: RedisServer, redis_url: str, make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut is noticed at once, not by an unanswered ping."""
    monkeypatch.setattr(announcer_module, "TIMEOUT_SECONDS", 1000.0)
    monkeypatch.setattr(announcer_module, "RECONNECT_SECONDS", 0.05)
    one, other = make_node(redis_url), make_node(redis_url)
    with redis_server.connect() as client:
        client.client_kill_filter(_type="pubsub")
    eventually(lambda: one.connects == 2 and other.connects == 2, "the new connections")
    one.announce(1)
    eventually(lambda: other.firsts() == [1], "its arrival")

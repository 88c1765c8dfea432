"""The contract of announcers (`notifygate.announcements.announcer.Announcer`), for each implementation."""

from collections.abc import Callable, Iterator

import gevent
import pytest

from tests.support.announcer_node import Node, making_nodes
from tests.support.waiting import eventually

MakeNode = Callable[[], Node]


@pytest.fixture(params=["null", "redis"])
def announcer_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("redis_url") if request.param == "redis" else ""


@pytest.fixture
def make_node(announcer_url: str) -> Iterator[MakeNode]:
    with making_nodes() as make:
        yield lambda: make(announcer_url)


def in_the_hub(work: Callable[[], object]) -> None:
    """Run a function as a callback of the hub, and raise its exception here."""
    done: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.append(error)
        else:
            done.append(None)

    gevent.get_hub().loop.run_callback(run)
    eventually(lambda: bool(done), "the callback")
    if done[0] is not None:
        raise done[0]


def test_other_nodes_receive_all_announcements_in_order_over_a_channel_and_none_without(make_node: MakeNode) -> None:
    one, other, third = make_node(), make_node(), make_node()
    for seq in range(1, 51):
        one.announce(seq)
    expected = list(range(1, 51)) if one.announcer.has_channel else []
    eventually(lambda: other.firsts() == third.firsts() == expected, "their arrival")


def test_a_node_never_receives_its_own_announcements(make_node: MakeNode) -> None:
    one, other = make_node(), make_node()
    one.announce(1)
    other.announce(2)
    if one.announcer.has_channel:
        eventually(lambda: one.firsts() == [2] and other.firsts() == [1], "the other node's announcement")
    else:
        assert (one.received, other.received) == ([], [])


def test_announcing_neither_waits_nor_raises_in_the_hub(make_node: MakeNode) -> None:
    one, other = make_node(), make_node()
    in_the_hub(lambda: one.announce(1, "x" * 4000, count=40))
    in_the_hub(lambda: one.announce(41))
    if one.announcer.has_channel:
        eventually(lambda: other.firsts() == [1, 41], "their arrival")


def test_announcer_that_was_not_started_drops_announcements(announcer_url: str) -> None:
    node = Node(announcer_url)
    node.announce(1)
    in_the_hub(lambda: node.announce(2))
    node.announcer.stop()


def test_stopped_announcer_drops_announcements_until_it_is_started_again(make_node: MakeNode) -> None:
    one, other = make_node(), make_node()
    one.announcer.stop()
    one.announce(1)
    in_the_hub(lambda: one.announce(2))
    assert one.is_connected() is not one.announcer.has_channel
    one.announcer.start()
    eventually(one.is_connected, "the connection")
    one.announce(3)
    assert one.connects == other.connects * 2
    if one.announcer.has_channel:
        eventually(lambda: other.firsts() == [3], "the announcement after the start")

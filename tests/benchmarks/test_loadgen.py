"""The load generator works against a real gateway, and reports every kind of wrong response. Nothing is timed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import loadgen
from benchmarks.http_files import MARK, get, post_json
from benchmarks.loadgen import HoldPlan, HoldRun, LoadError
from benchmarks.servers.gateway import Gateway, recipient_name, with_new_head
from tests.benchmarks.compiler import need_compiler

CLIENTS = 5
SECONDS = 0.2


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    need_compiler()
    with Gateway(tmp_path_factory.mktemp("loadgen")) as gateway:
        yield gateway


@pytest.fixture
def plan(gateway: Gateway) -> HoldPlan:
    return replace(gateway.hold_plan(range(CLIENTS)), patience_seconds=2.0)


def broadcast(plan: HoldPlan, folder: Path) -> None:
    with HoldRun(plan, folder) as run:
        run.open()
        run.broadcast()


def wake(plan: HoldPlan, folder: Path) -> None:
    with HoldRun(plan, folder) as run:
        run.open()
        run.wake(2 * CLIENTS, 1)


def test_throughput_counts_the_answers(gateway: Gateway, tmp_path: Path) -> None:
    polls = gateway.short_polls(gateway.first_polls(range(CLIENTS)), with_new_head)
    figures = loadgen.throughput(
        gateway.address, polls, tmp_path, seconds=SECONDS, connections=2, expect=304, watch=gateway.pids
    )
    assert figures["statuses"] == {"304": figures["answered"]}
    assert figures["answered"] >= figures["counted"] > 0
    assert figures["per_second"] == pytest.approx(figures["counted"] / SECONDS, rel=0.01)


def test_each_request_with_a_mark_is_sent_with_another_number(gateway: Gateway, tmp_path: Path) -> None:
    publications = [gateway.publication("user:counted")] * 20
    loadgen.once(gateway.address, publications, tmp_path, connections=3, expect=201)
    inbox = loadgen.once(gateway.address, [get("/v1/inbox", _header_of(gateway, "counted"))], tmp_path)[0]
    assert {f"{MARK}{number:010d}" for number in range(1, 21)} == {
        part.partition('"')[0] for part in inbox.body.decode().split('"title":"')[1:]
    }


def test_answers_come_back_in_the_order_of_the_requests(gateway: Gateway, tmp_path: Path) -> None:
    problems = ("unauthorized", "forbidden", "rate-limited", "unavailable")
    requests = [get(f"/problems/{code}", {}) for code in problems]
    answers = loadgen.once(gateway.address, requests, tmp_path, connections=2)
    assert [code in answer.body.decode() for code, answer in zip(problems, answers, strict=True)] == [True] * 4


def test_unexpected_status_or_text_is_reported(gateway: Gateway, tmp_path: Path) -> None:
    request = [get("/v1/inbox", {})]
    with pytest.raises(LoadError, match="got status 401 instead of 200"):
        loadgen.once(gateway.address, request, tmp_path)
    with pytest.raises(LoadError, match="got status 401 instead of 200"):
        loadgen.throughput(gateway.address, request, tmp_path, seconds=SECONDS, connections=1)
    with pytest.raises(LoadError, match="an answer without 'no such text'"):
        loadgen.once(gateway.address, [get("/healthz", {})], tmp_path, contain="no such text")


def test_clients_wait_are_woken_and_wait_again(gateway: Gateway, plan: HoldPlan, tmp_path: Path) -> None:
    with HoldRun(plan, tmp_path) as run:
        assert run.open()["held"] == CLIENTS
        assert gateway.metric("notifygate_holds") == CLIENTS
        assert run.wake(2 * CLIENTS, 1)["latency"]["count"] == 2 * CLIENTS
        assert run.broadcast()["latency"]["count"] == CLIENTS
        storm = run.storm()
        assert (storm["latency"]["count"], storm["held"]) == (CLIENTS, CLIENTS)
        assert storm["middle_ms"] > 0
        assert gateway.metric("notifygate_holds") == CLIENTS
        # A broadcast, a storm, and the notification in the middle of the storm.
        assert run.finish()["published"] == 2 * CLIENTS + 3


def titled(gateway: Gateway, title: str | None) -> bytes:
    body = {"to": "all", "title": title} if title else {}
    return post_json("/v1/notifications", body, gateway.key_header(0))


BUT_ONE = [f"user:{recipient_name(number)}" for number in range(CLIENTS - 1)]
WRONG_PUBLICATIONS: dict[str, tuple[Any, Any]] = {
    "which is for client": (wake, lambda gateway, *single, common: [*reversed(single), common]),
    "has reached 0 instead of 1 clients": (wake, lambda g, *_, common: [g.publication("user:nobody")] * (CLIENTS + 1)),
    "publishing was answered with 400": (wake, lambda g, *_, common: [titled(g, None)] * (CLIENTS + 1)),
    f"has reached {CLIENTS - 1} instead of {CLIENTS} clients": (
        broadcast,
        lambda gateway, *single, common: [*single, gateway.publication(BUT_ONE)],
    ),
    "notification 1 twice": (broadcast, lambda g, *single, common: [*single, titled(g, f"{MARK}1 {MARK}1")]),
    "notification 77, which nobody has published": (
        broadcast,
        lambda gateway, *single, common: [*single, titled(gateway, f"{MARK}77")],
    ),
}
"""The message, the function that is run, and the wrong publications."""


@pytest.mark.parametrize("message", WRONG_PUBLICATIONS)
def test_wrong_arrival_of_a_notification_is_reported(
    gateway: Gateway, plan: HoldPlan, tmp_path: Path, message: str
) -> None:
    run, make = WRONG_PUBLICATIONS[message]
    *single, common = plan.publications
    with pytest.raises(LoadError, match=message):
        run(replace(plan, publications=make(gateway, *single, common=common)), tmp_path)


def test_load_is_sent_to_this_machine_only(tmp_path: Path) -> None:
    need_compiler()
    with pytest.raises(LoadError, match=r"is not of this machine"):
        loadgen.once("192.0.2.1:80", [get("/", {})], tmp_path)


def _header_of(gateway: Gateway, recipient: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.sign(recipient)}"}

"""Held polls: their memory, the wake of one, a broadcast to all, the storm after it, and the processor while idle."""

from collections.abc import Callable

from benchmarks.loadgen import HoldPlan, HoldRun, LoadError
from benchmarks.machine import cpu_share, memory_bytes
from benchmarks.results import Results
from benchmarks.rows.plan import Plan
from benchmarks.servers.gateway import Gateway
from benchmarks.servers.nginx import Nchan
from benchmarks.servers.peer import AiohttpPoll, FlaskSocketIO, FlaskView, Peer

WAKE_GAP_MS = 3
"""Between one wake and the next, so that the woken client has polled again and each is measured by itself."""

POLLERS: tuple[type[Peer], ...] = (AiohttpPoll, FlaskView, FlaskSocketIO)
SLOW_PEER_ROUNDS = 1
"""Peers that no goal is held against are measured once."""


def measure_holds(plan: Plan, results: Results) -> None:
    """Measure all of it, of the gateway and of the chosen peers in turn."""
    for round_number in range(plan.rounds):
        with plan.gateway() as gateway:
            _measure_gateway(plan, gateway, results, is_first=round_number == 0)
        if Nchan.name in plan.peers:
            _measure_nchan(plan, results)
        for kind in POLLERS:
            if kind.name in plan.peers and round_number < SLOW_PEER_ROUNDS:
                with kind(plan.folder) as peer:
                    _measure_all(plan, kind.name, results, peer.pids, peer.hold_plan)


def _measure_gateway(plan: Plan, gateway: Gateway, results: Results, *, is_first: bool) -> None:
    gateway.first_polls(1)  # imports and the like are not the holds'
    empty = memory_bytes(gateway.pids)
    with HoldRun(gateway.hold_plan(plan.clients), plan.folder) as run:
        run.open()
        _expect_holds(gateway, plan.clients)
        results.add("memory", plan.gateway_name, (memory_bytes(gateway.pids) - empty) / plan.clients / 1000)
        if is_first and plan.idle_seconds:
            results.add("idle", plan.gateway_name, 100 * cpu_share(gateway.pids, plan.idle_seconds))
        _measure_wakes(plan, plan.gateway_name, results, run)
        _measure_broadcast(plan.gateway_name, results, run)
        _measure_storm(plan.gateway_name, results, run)
        _expect_holds(gateway, plan.clients)
        run.finish()


def _expect_holds(gateway: Gateway, count: int) -> None:
    """Raise LoadError unless the gateway itself says that it holds so many: a poll at rest may also be a lost one."""
    held = gateway.metric("notifygate_holds")
    if held != count:
        raise LoadError(f"{held:.0f} of {count} polls are held.\n{gateway.output[-2000:]}")


def _measure_all(
    plan: Plan, name: str, results: Results, pids: list[int], make_plan: Callable[[int], HoldPlan]
) -> None:
    empty = memory_bytes(pids)
    with HoldRun(make_plan(plan.clients), plan.folder) as run:
        run.open()
        results.add("memory", name, (memory_bytes(pids) - empty) / plan.clients / 1000)
        _measure_wakes(plan, name, results, run)
        _measure_broadcast(name, results, run)
        _measure_storm(name, results, run)
        run.finish()


def _measure_nchan(plan: Plan, results: Results) -> None:
    """Measure Nchan at its best: single wakes on a channel for each, the broadcast on one channel for all."""
    with Nchan(plan.folder) as nchan:
        empty = memory_bytes(nchan.pids)
        with HoldRun(nchan.hold_plan(plan.clients), plan.folder) as run:
            run.open()
            results.add("memory", nchan.name, (memory_bytes(nchan.pids) - empty) / plan.clients / 1000)
            _measure_wakes(plan, nchan.name, results, run)
            run.finish()
    with Nchan(plan.folder) as nchan, HoldRun(nchan.common_plan(plan.clients), plan.folder) as run:
        run.open()
        _measure_broadcast(nchan.name, results, run)
        run.finish()
    # Only a client that polls both channels can be told something of its own in the middle of the storm.
    with Nchan(plan.folder) as nchan, HoldRun(nchan.both_plan(plan.clients), plan.folder) as run:
        run.open()
        _measure_storm(nchan.name, results, run)
        run.finish()


def _measure_wakes(plan: Plan, name: str, results: Results, run: HoldRun) -> None:
    latency = run.wake(plan.wakes, WAKE_GAP_MS)["latency"]
    results.add("wake_p50", name, latency["p50_ms"])
    results.add("wake_p99", name, latency["p99_ms"])


def _measure_broadcast(name: str, results: Results, run: HoldRun) -> None:
    results.add("broadcast", name, run.broadcast()["all_ms"])


def _measure_storm(name: str, results: Results, run: HoldRun) -> None:
    figures = run.storm()
    results.add("storm", name, figures["settled_ms"])
    results.add("storm_middle", name, figures["middle_ms"])

"""Held polls: their memory, the wake of one, and the processor while idle."""

from collections.abc import Callable

from benchmarks.loadgen import HoldPlan, HoldRun, LoadError
from benchmarks.machine import cpu_share, memory_bytes
from benchmarks.results import Results
from benchmarks.rows.plan import Plan, Variant
from benchmarks.servers.gateway import Gateway
from benchmarks.servers.nginx import Nchan
from benchmarks.servers.peer import AiohttpPoll, FlaskSocketIO, FlaskView, Peer

WAKE_GAP_MS = 3
"""Between one wake and the next, so that the woken client has polled again and each is measured by itself."""

WARM_UP_CLIENTS = 200
"""Hold before memory is first looked at: code that is loaded late, threads and buffers are not the holds'."""
WARM_UP_WAKES = 50

SLOW_PEERS: tuple[type[Peer], ...] = (AiohttpPoll, FlaskView, FlaskSocketIO)
"""No goal is held against these: they are measured once."""

MakePlan = Callable[[range], HoldPlan]


def measure_holds(plan: Plan, results: Results) -> None:
    """Measure all of it, of the gateways and of the chosen peers in turn."""
    for round_number in range(plan.hold_rounds):
        for variant in plan.variants:
            _measure_gateway(plan, variant, results, is_first=round_number == 0)
        if Nchan.name in plan.peers:
            _measure_peer(plan, Nchan, results)
        for kind in SLOW_PEERS:
            if kind.name in plan.peers and round_number == 0:
                _measure_peer(plan, kind, results)


def _measure_gateway(plan: Plan, variant: Variant, results: Results, *, is_first: bool) -> None:
    with variant.gateway(plan.folder) as gateway:
        empty = _memory_after_warm_up(plan, gateway.hold_plan, gateway.pids)
        with HoldRun(gateway.hold_plan(range(plan.clients)), plan.folder) as run:
            run.open()
            expect_holds(gateway, plan.clients)
            results.add("memory", variant.name, (memory_bytes(gateway.pids) - empty) / plan.clients / 1000)
            if is_first and plan.idle_seconds:
                results.add("idle", variant.name, 100 * cpu_share(gateway.pids, plan.idle_seconds))
            _measure_wakes(plan, variant.name, results, run)
            expect_holds(gateway, plan.clients)
            run.finish()


def expect_holds(gateway: Gateway, count: int) -> None:
    """Raise LoadError unless the gateway itself says that it holds so many: a poll at rest may also be a lost one."""
    held = gateway.metric("notifygate_holds")
    if held != count:
        raise LoadError(f"{held:.0f} of {count} polls are held.\n{gateway.output[-2000:]}")


def _memory_after_warm_up(plan: Plan, make_plan: MakePlan, pids: list[int]) -> int:
    """Let some other clients wait and be woken; return the memory in bytes once they have left."""
    others = range(plan.clients, plan.clients + WARM_UP_CLIENTS)
    with HoldRun(make_plan(others), plan.folder) as run:
        run.open()
        run.wake(WARM_UP_WAKES, WAKE_GAP_MS)
        run.finish()
    return memory_bytes(pids)


def _measure_peer(plan: Plan, kind: type[Peer], results: Results) -> None:
    with kind(plan.folder) as peer:
        empty = _memory_after_warm_up(plan, peer.hold_plan, peer.pids)
        with HoldRun(peer.hold_plan(range(plan.clients)), plan.folder) as run:
            run.open()
            results.add("memory", peer.name, (memory_bytes(peer.pids) - empty) / plan.clients / 1000)
            _measure_wakes(plan, peer.name, results, run)
            run.finish()


def _measure_wakes(plan: Plan, name: str, results: Results, run: HoldRun) -> None:
    figures = run.wake(plan.wakes, WAKE_GAP_MS)
    results.add("wake_p50", name, figures["latency"]["p50_ms"])
    results.add("wake_p99", name, figures["latency"]["p99_ms"])
    results.add("answered_p50", name, figures["published"]["p50_ms"])

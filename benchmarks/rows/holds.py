"""Held polls: their memory, the wake of one, and the processor while idle."""

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.loadgen import HoldPlan, HoldRun, LoadError
from benchmarks.machine import cpu_share, memory_bytes
from benchmarks.results import Results
from benchmarks.rows.plan import LASTING, Plan
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
    """Measure memory and idling of one after the other, then wakes: of the gateways and Nchan in turn.

    All of these hold their clients meanwhile, which costs next to nothing. Slower peers are measured each alone.
    """
    with ExitStack() as stack:
        gateways: list[Gateway] = []
        runs: list[tuple[str, HoldRun]] = []
        for variant in plan.variants:
            gateway = variant.gateway(plan.folder, LASTING)
            gateways.append(gateway)
            runs.append((variant.name, _hold(stack, plan, variant.name, gateway, results)))
            if plan.idle_seconds:
                results.add("idle", variant.name, 100 * cpu_share(gateway.pids, plan.idle_seconds))
        if Nchan.name in plan.peers:
            runs.append((Nchan.name, _hold(stack, plan, Nchan.name, Nchan(plan.folder), results)))
        for _ in range(plan.wake_rounds):
            for name, run in runs:
                _measure_wakes(plan, name, results, run)
        for gateway in gateways:
            expect_holds(gateway, plan.clients)
        for _, run in runs:
            run.finish()
    for kind in SLOW_PEERS:
        if kind.name in plan.peers:
            with ExitStack() as stack:
                run = _hold(stack, plan, kind.name, kind(plan.folder), results)
                _measure_wakes(plan, kind.name, results, run)
                run.finish()


def _hold(stack: ExitStack, plan: Plan, name: str, server: Gateway | Peer, results: Results) -> HoldRun:
    """Start a server, let its clients wait, and measure what memory that takes."""
    stack.enter_context(server)
    empty = _memory_after_warm_up(plan, server.hold_plan, server.pids)
    run = stack.enter_context(HoldRun(server.hold_plan(range(plan.clients)), plan.folder))
    run.open()
    if isinstance(server, Gateway):
        expect_holds(server, plan.clients)
    results.add("memory", name, (memory_bytes(server.pids) - empty) / plan.clients / 1000)
    return run


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


def _measure_wakes(plan: Plan, name: str, results: Results, run: HoldRun) -> None:
    figures = run.wake(plan.wakes, WAKE_GAP_MS)
    results.add("wake_p50", name, figures["latency"]["p50_ms"])
    results.add("wake_p99", name, figures["latency"]["p99_ms"])
    results.add("answered_p50", name, figures["published"]["p50_ms"])

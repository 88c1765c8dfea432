"""A broadcast to all who wait, and the storm of polls after it: gateways and Nchan in turn.

All of them hold their clients at the same time, which costs them next to nothing, and each broadcast of one is followed
by one of the next: so that a machine whose speed changes from second to second is as fast or slow for all.
"""

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.loadgen import HoldPlan, HoldRun
from benchmarks.results import Results
from benchmarks.rows.holds import SLOW_PEERS, expect_holds
from benchmarks.rows.plan import LASTING, Plan
from benchmarks.servers.gateway import Gateway
from benchmarks.servers.nginx import Nchan

SLOW_PEER_BROADCASTS = 3

Measure = Callable[[str, Results, HoldRun], None]


def measure_broadcasts(plan: Plan, results: Results) -> None:
    """Measure both, of the gateways and Nchan in turn and of slower peers each alone."""
    _take_turns(plan, results, broadcast, Nchan.common_plan)
    # Only a client that polls both channels can be told something of its own in the middle of the storm.
    _take_turns(plan, results, storm, Nchan.both_plan)
    for kind in SLOW_PEERS:
        if kind.name in plan.peers:
            with kind(plan.folder) as peer, HoldRun(peer.hold_plan(range(plan.clients)), plan.folder) as run:
                run.open()
                for measure in (broadcast, storm):
                    for _ in range(min(plan.broadcasts, SLOW_PEER_BROADCASTS)):
                        measure(peer.name, results, run)
                run.finish()


def broadcast(name: str, results: Results, run: HoldRun) -> None:
    """Measure one broadcast."""
    figures = run.broadcast()
    results.add("broadcast", name, figures["all_ms"])
    results.add("broadcast_cpu", name, figures["all_cpu_ms"])
    results.note_waiting(figures["server_kept_waiting"])


def storm(name: str, results: Results, run: HoldRun) -> None:
    """Measure one broadcast after which all poll again at once."""
    figures = run.storm()
    results.add("storm", name, figures["settled_ms"])
    results.add("storm_cpu", name, figures["settled_cpu_ms"])
    results.note_waiting(figures["server_kept_waiting"])
    results.add("storm_middle", name, figures["middle_ms"])


def _take_turns(plan: Plan, results: Results, measure: Measure, nchan_plan: Callable[[Nchan, range], HoldPlan]) -> None:
    clients = range(plan.clients)
    with ExitStack() as stack:
        gateways: list[Gateway] = []
        runs: list[tuple[str, HoldRun]] = []

        def hold(name: str, hold_plan: HoldPlan) -> None:
            run = stack.enter_context(HoldRun(hold_plan, plan.folder))
            run.open()
            runs.append((name, run))

        for variant in plan.variants:
            gateway = stack.enter_context(variant.gateway(plan.folder, LASTING))
            gateways.append(gateway)
            hold(variant.name, gateway.hold_plan(clients))
        if Nchan.name in plan.peers:
            nchan = stack.enter_context(Nchan(plan.folder))
            hold(nchan.name, nchan_plan(nchan, clients))
        for _ in range(plan.broadcasts):
            for name, run in runs:
                measure(name, results, run)
        for gateway in gateways:
            expect_holds(gateway, plan.clients)
        for _, run in runs:
            run.finish()
